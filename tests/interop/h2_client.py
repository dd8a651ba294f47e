#!/usr/bin/env python3
"""h2_client.py PORT - python3-h2 against the server: requests at the same time, a large answer, a WebSocket (RFC 8441).

Prints "ok", or fails with an assertion."""
import json
import socket
import struct
import sys

import h2.config
import h2.connection
import h2.events
import h2.settings


class Client:
    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.authority = "127.0.0.1:%d" % port
        self.conn = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.conn.initiate_connection()
        self.heads, self.bodies, self.ended, self.settled = {}, {}, set(), False
        self.flush()
        while not self.settled:
            self.receive()

    def flush(self):
        self.sock.sendall(self.conn.data_to_send())

    def receive(self):
        got = self.sock.recv(65536)
        assert got, "the connection ended"
        for event in self.conn.receive_data(got):
            if isinstance(event, h2.events.RemoteSettingsChanged):
                self.settled = True
            elif isinstance(event, h2.events.ResponseReceived):
                self.heads[event.stream_id] = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                self.bodies[event.stream_id] = self.bodies.get(event.stream_id, b"") + event.data
                self.conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self.ended.add(event.stream_id)
            else:
                assert not isinstance(event, (h2.events.ConnectionTerminated,
                                              h2.events.StreamReset)), event
        self.flush()

    def begin(self, method, path, more=(), end=True):
        stream = self.conn.get_next_available_stream_id()
        self.conn.send_headers(stream, [(":method", method), (":scheme", "http"), (
            ":authority", self.authority), (":path", path), *more], end_stream=end)
        self.flush()
        return stream

    def wait(self, stream):
        while stream not in self.ended:
            self.receive()
        return self.heads[stream][":status"], self.bodies.get(stream, b"")

    def send(self, stream, data, end=False):
        while data:
            n = min(self.conn.local_flow_control_window(stream), len(data), 16384)
            if n == 0:
                self.receive()
                continue
            self.conn.send_data(stream, data[:n], end_stream=end and n == len(data))
            self.flush()
            data = data[n:]


def masked(opcode, payload):
    """A client frame whose mask is zeros."""
    n = len(payload)
    size = bytes([0x80 | n]) if n < 126 else (
        struct.pack("!BH", 0xfe, n) if n < 65536 else struct.pack("!BQ", 0xff, n))
    return bytes([0x80 | opcode]) + size + bytes(4) + payload


def websocket(client):
    stream = client.begin("CONNECT", "/echo", [(":protocol", "websocket"), (
        "sec-websocket-version", "13")], end=False)
    body = bytes(range(256)) * 1200
    client.send(stream, masked(2, body))
    while len(client.bodies.get(stream, b"")) < len(body) + 10:
        client.receive()
    assert client.heads[stream][":status"] == "200"
    assert client.bodies[stream][10:] == body
    client.send(stream, masked(8, b"\x03\xe8"), end=True)
    while stream not in client.ended:
        client.receive()
    assert client.bodies[stream].endswith(b"\x88\x02\x03\xe8")


def main():
    client = Client(int(sys.argv[1]))
    streams = [client.begin("GET", "/healthz") for _ in range(50)]
    assert all(client.wait(s) == ("200", b"ok\n") for s in streams)
    text = "x" * 900000
    post = client.begin("POST", "/c/python-h2", [("content-type", "text/plain")], end=False)
    client.send(post, text.encode(), end=True)
    assert client.wait(post)[0] == "201"
    status, body = client.wait(client.begin("GET", "/c/python-h2"))
    assert status == "200" and json.loads(body)["messages"][0]["data"] == text
    websocket(client)
    print("ok")


if __name__ == "__main__":
    main()
