#!/usr/bin/env python3
"""terminal.py - runs a program in a pseudo-terminal, for terminal.js.

usage: terminal.py COLUMNS ROWS PROGRAM [ARGUMENT...]

Standard input: a JSON object a line, {"type": "text"}, {"resize": [columns, rows]} or {"signal": number}.
Standard output: what the program writes to its terminal. Ends as the program does; 128 + number after a signal.
"""
import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios


def resize(terminal, columns, rows):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def obey(terminal, child, line):
    for what, value in json.loads(line).items():
        if what == "type":
            os.write(terminal, value.encode())
        elif what == "resize":
            resize(terminal, *value)
        else:
            os.kill(child, value)


def start(columns, rows, command):
    child, terminal = pty.fork()
    if child == 0:
        resize(0, columns, rows)
        os.execvp(command[0], command)
    return child, terminal


def copy(terminal):
    """False when the program has closed its terminal."""
    try:
        data = os.read(terminal, 65536)
    except OSError:
        return False
    while data:
        data = data[os.write(1, data):]
    return True


def serve(child, terminal):
    pending, inputs = b"", [terminal, 0]
    while True:
        ready = select.select(inputs, [], [])[0]
        if terminal in ready and not copy(terminal):
            return
        if 0 in ready:
            data = os.read(0, 65536)
            if not data:
                inputs.remove(0)
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                obey(terminal, child, line)


def main():
    child, terminal = start(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
    serve(child, terminal)
    status = os.waitpid(child, 0)[1]
    sys.exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))


main()
