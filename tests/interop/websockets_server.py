"""An echo server of python3-websockets on a free port: websockets_server.py COMPRESSION [CERTIFICATE KEY]

COMPRESSION is "deflate" or "none". Prints its port, and ends when its standard input does.
"""
import asyncio
import ssl
import sys

import websockets


async def echo(ws):
    async for message in ws:
        if message == "close, please":
            await ws.close(4001, "Grund: fertig ✓")
        elif message == "ping, please":
            await asyncio.wait_for(await ws.ping(b"data"), 10)
            await ws.send("was answered")
        else:
            await ws.send(message)


async def main(compression, *files):
    context = None
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
    options = {"compression": None if compression == "none" else compression, "subprotocols": ["v1"]}
    async with websockets.serve(echo, "127.0.0.1", 0, ssl=context, max_size=None, **options) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main(*sys.argv[1:]))
