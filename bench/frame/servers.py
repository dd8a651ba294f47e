"""servers.py - our server, the floor and the peers: how each is started, what it offers where, which version it is.

Every server gets a port of loopback and one core, says nothing of interest, and ends with SIGTERM.
"""
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUILD = os.path.join(ROOT, "build")
FETCHED = os.path.join(ROOT, "build-bench")
DEBIAN = os.path.join(FETCHED, "debian")
NODE_PATH = os.path.join(FETCHED, "npm", "node_modules")
PEERS = os.path.join(ROOT, "bench", "peers")
START_SECONDS = 10
STOP_SECONDS = 10

# The doors of a server: where the generator finds what a scenario needs. "publish": where messages are
# published when it is not where they are read. "prime": what wants a first message before it can be used.
WEBSOCKETS = {"echo": "ws://{at}/echo", "channel": "ws://{at}/c/bench"}
HTTP = {"events": "http://{at}/c/bench", "poll": "http://{at}/c/bench"}


@dataclass(frozen=True)
class Server:
    """argv: with {port} and {work}, a folder of its own; needs: the file without which it is left out."""
    name: str
    argv: list
    needs: str
    version: callable
    doors: dict = field(default_factory=lambda: WEBSOCKETS)
    env: dict = field(default_factory=dict)
    config: str = ""  # of bench/peers, to be filled in

    def there(self):
        return bool(self.needs) and os.path.exists(self.needs)

    def url(self, door, port):
        """None: the server has no such door."""
        template = self.doors.get(door)
        return template and template.format(at="127.0.0.1:%d" % port)


def output(*argv):
    """What a program says of itself, on whichever stream."""
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=10, check=False,
                              text=True, env=environment())
    except OSError:
        return ""
    return done.stdout.strip().split("\n")[0]


def number(text):
    match = re.search(r"\d+(\.\d+)+", text)
    return match.group() if match else text or "?"


def npm_version(package):
    with contextlib.suppress(OSError):
        with open(os.path.join(NODE_PATH, package, "package.json"), encoding="utf-8") as file:
            return re.search(r'"version": "([^"]+)"', file.read()).group(1)
    return "?"


def npm(name, file):
    node = shutil.which("node") or ""
    return Server(name, [node, os.path.join(PEERS, file), "{port}"], os.path.join(NODE_PATH, name.split()[-1]),
                  lambda: "%s, node %s" % (npm_version(name.split()[-1]), number(output(node, "--version"))),
                  env={"NODE_PATH": NODE_PATH})


def environment():
    """Programs that were unpacked find the libraries that were unpacked beside them."""
    libraries = ":".join(os.path.join(DEBIAN, path) for path in
                         ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu"))
    return {**os.environ, "LD_LIBRARY_PATH": libraries}


CROSSTALK = os.environ.get("CROSSTALK") or os.path.join(BUILD, "crosstalk")
NGINX = os.path.join(DEBIAN, "usr/sbin/nginx")
UWS = os.environ.get("UWS", "")

SERVERS = [
    Server("floor", [os.path.join(BUILD, "bench/floor"), "{port}"], os.path.join(BUILD, "bench/floor"),
           lambda: "", doors={**WEBSOCKETS, **HTTP}),
    Server("crosstalk",
           [CROSSTALK, "serve", "--listen", "http://127.0.0.1:{port}", "--workers", "1", "--log-level", "error"],
           CROSSTALK, lambda: number(output(CROSSTALK, "--version")), doors={**WEBSOCKETS, **HTTP}),
    Server("uWebSockets", [UWS, "{port}"], UWS, lambda: os.environ.get("UWS_VERSION", "?")),
    Server("libwebsockets", [os.path.join(BUILD, "bench/peers/peer_lws"), "{port}"],
           os.path.join(BUILD, "bench/peers/peer_lws"),
           lambda: number(output("pkg-config", "--modversion", "libwebsockets"))),
    npm("npm ws", "ws.cjs"),
    Server("nchan", [NGINX, "-e", "stderr", "-p", "{work}", "-c", "{config}"], NGINX,
           lambda: "%s, nginx %s" % (packaged("libnginx-mod-nchan"), number(output(NGINX, "-v"))),
           doors={**WEBSOCKETS, "events": "http://{at}/c/bench", "poll": "http://{at}/poll",
                  "publish": "ws://{at}/publish", "publish-poll": "ws://{at}/poll/publish",
                  "prime": "http://{at}/poll/publish"},
           config="nginx.conf"),
    # Their protocols are not the generator's yet: they have no doors.
    Server("npm socket.io", npm("npm socket.io", "socketio.cjs").argv, os.path.join(NODE_PATH, "socket.io"),
           lambda: npm_version("socket.io"), doors={}, env={"NODE_PATH": NODE_PATH}),
    Server("mosquitto", [os.path.join(DEBIAN, "usr/sbin/mosquitto"), "-p", "{port}"],
           os.path.join(DEBIAN, "usr/sbin/mosquitto"), lambda: packaged("mosquitto"), doors={}),
    Server("nats-server", [os.path.join(DEBIAN, "usr/sbin/nats-server"), "-a", "127.0.0.1", "-p", "{port}"],
           os.path.join(DEBIAN, "usr/sbin/nats-server"), lambda: packaged("nats-server"), doors={}),
]


def packaged(name):
    """The version that was unpacked, without Debian's part."""
    with open(os.path.join(DEBIAN, ".versions"), encoding="utf-8") as file:
        match = re.search(r"^%s\t(?:\d+:)?([^-+\n]+)" % re.escape(name), file.read(), re.M)
    return match.group(1) if match else "?"


def chosen(names):
    """The servers of these names, in our order; all when there are none. What is not there is left out."""
    unknown = set(names) - {server.name for server in SERVERS}
    if unknown:
        raise KeyError(unknown.pop())
    return [server for server in SERVERS if server.there() and (not names or server.name in names)]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def worker_of(pid):
    """nginx works in a child; all others themselves."""
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
        children = file.read().split()
    return int(children[0]) if children else pid


class Running:
    """A server that was started, on its core. Use with `with`."""

    def __init__(self, server, core, log):
        self.server, self.core, self.log = server, core, log
        self.port = free_port()

    def fill_in(self):
        """The configuration, where a server has one, in its folder."""
        path = os.path.join(self.work, "config")
        if self.server.config:
            with open(os.path.join(PEERS, self.server.config), encoding="utf-8") as file:
                text = file.read()
            for word, value in (("PORT", str(self.port)), ("ROOT", DEBIAN), ("WORK", self.work)):
                text = text.replace("@%s@" % word, value)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return path

    def __enter__(self):
        self.work = tempfile.mkdtemp(prefix="crosstalk-bench-")
        words = {"port": self.port, "work": self.work, "config": self.fill_in()}
        argv = ["taskset", "-c", str(self.core)] + [word.format(**words) for word in self.server.argv]
        self.child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                      env={**environment(), **self.server.env})
        try:
            self.wait()
            self.prime()
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait(self):
        end = time.monotonic() + START_SECONDS
        while not accepts(self.port):
            if self.child.poll() is not None:
                raise RuntimeError("%s ended with %d" % (self.server.name, self.child.returncode))
            if time.monotonic() > end:
                raise RuntimeError("%s does not listen" % self.server.name)
            time.sleep(0.02)
        self.pid = worker_of(self.child.pid)

    def prime(self):
        url = self.url("prime")
        if url:
            urllib.request.urlopen(url, b"aaaaaaaa", START_SECONDS).close()

    def url(self, door):
        return self.server.url(door, self.port)

    def publish_url(self, door):
        """Where what is read at this door is published, as a WebSocket."""
        return self.url("publish-" + door) or self.url("publish") or self.url("channel")

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        shutil.rmtree(self.work, ignore_errors=True)
