"""websocket_server.py PORT - a chat of one: what a real server of the library `websockets` does at the other end."""

import asyncio
import sys

import websockets


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def in_fragments(connection):
    """Each message comes back in three."""
    async for message in connection:
        third = len(message) // 3 + 1
        await connection.send([message[at:at + third] for at in range(0, len(message), third)])


async def ping(connection):
    answered = await connection.ping(b"are you there?")
    await answered
    await connection.send("you are")


async def leave(connection):
    await connection.close(4002, "enough")


async def drop(connection):
    connection.transport.abort()


PATHS = {"/echo": echo, "/fragments": in_fragments, "/ping": ping, "/leave": leave, "/drop": drop}


async def converse(connection):
    try:
        await PATHS[connection.path](connection)
    except websockets.ConnectionClosed:
        pass
    await connection.wait_closed()
    print(f"closed {connection.close_code} {connection.close_reason}", flush=True)


async def main():
    async with websockets.serve(converse, "127.0.0.1", int(sys.argv[1]), max_size=None, backlog=512):
        print("ready", flush=True)
        await asyncio.Future()


asyncio.run(main())
