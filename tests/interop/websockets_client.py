"""One part of what python3-websockets does with the server: websockets_client.py PART URL CHANNEL"""
import asyncio
import os
import sys

import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory


async def echo(url, _):
    async with websockets.connect(url + "/echo", max_size=None, compression=None) as ws:
        for n in (0, 1, 125, 126, 65535, 65536, 1 << 20, 1 << 24):
            body = os.urandom(n)
            await ws.send(body)
            assert await ws.recv() == body, n
            text = "漢" * (n // 3)
            await ws.send(text)
            assert await ws.recv() == text, n


async def fragments(url, _):
    async with websockets.connect(url + "/echo", compression=None) as ws:
        for parts in (["a", "b", "c"], ["", "x", ""], ["漢", "字"], [b"\x00", b"\xff"]):
            await ws.send(parts)
            assert await ws.recv() == type(parts[0])().join(parts), parts


async def ping(url, _):
    async with websockets.connect(url + "/echo", compression=None) as ws:
        for data in (b"", b"x", b"y" * 125):
            await asyncio.wait_for(await ws.ping(data), 10)
        await asyncio.gather(*[await ws.ping(b"%d" % i) for i in range(20)])
        await ws.pong(b"nobody asked")
        await ws.send("still")
        assert await ws.recv() == "still"


async def close(url, _):
    for code in (1000, 1001, 3000, 4999):
        ws = await websockets.connect(url + "/echo", compression=None)
        await ws.close(code, "Grund: fertig ✓")
        assert ws.close_code == code, (code, ws.close_code)


async def limit(url, _):
    ws = await websockets.connect(url + "/echo", compression=None)
    await ws.send(b"x" * ((1 << 24) + 1))
    try:
        await ws.recv()
        raise AssertionError("a message that is too long came back")
    except websockets.ConnectionClosed as e:
        assert e.rcvd is not None and e.rcvd.code == 1009 and e.rcvd.reason, e.rcvd


async def channel(url, name):
    async with websockets.connect(url + "/c/" + name) as a, websockets.connect(url + "/c/" + name + "?echo=0") as b:
        await a.send("from a")
        assert await a.recv() == "from a"
        assert await b.recv() == "from a"
        await b.send(b"\x00\xff")
        assert await a.recv() == b"\x00\xff"
        for i in range(500):
            await a.send("m%d" % i)
        for i in range(500):
            assert await b.recv() == "m%d" % i, i


async def refused(url, name):
    for path, status in (("/c/" + name + "?since=bad", 400), ("/no/such/door", 404), ("/c/%FF", 400)):
        try:
            await websockets.connect(url + path)
            raise AssertionError("it was accepted")
        except websockets.InvalidStatusCode as e:
            assert e.status_code == status, (path, e.status_code)


async def compression(url, _):
    """What the library offers by default, and what it can be told to offer."""
    factories = [
        dict(),
        dict(server_no_context_takeover=True, client_no_context_takeover=True),
        dict(server_max_window_bits=9, client_max_window_bits=9),
        dict(server_max_window_bits=15, client_max_window_bits=12, server_no_context_takeover=True),
    ]
    for options in factories:
        offer = [ClientPerMessageDeflateFactory(**options)] if options else None
        how = dict(extensions=offer, compression=None) if offer else dict()
        async with websockets.connect(url + "/echo", max_size=None, **how) as ws:
            assert len(ws.extensions) == 1, ws.extensions
            for text in ("", "short", "漢字 and words " * 1000, "short", os.urandom(3000).hex(), "x" * 1000000):
                await ws.send(text)
                assert await ws.recv() == text, len(text)
                await ws.send([text[:10].encode(), text[10:].encode()])
                assert await ws.recv() == text.encode(), len(text)


part, url, name = sys.argv[1:]
asyncio.run(asyncio.wait_for(globals()[part](url, name), 40))
print("ok")
