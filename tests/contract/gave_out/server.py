"""A small HTTP server with one scarce resource, as its arguments say. Standard library only.

It speaks PostgreSQL's protocol just as far as a simple query needs, over a Unix socket that trusts.
"""

import argparse
import asyncio
import os
import socket
import struct
import time

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n%s\r\nok"
KEPT, CLOSED = ANSWER % b"", ANSWER % b"Connection: close\r\n"
READY = b"Z\x00\x00\x00\x05"


def start_message():
    """Return what opens a session as PostgreSQL's superuser."""
    body = struct.pack("!I", 196608) + b"user\0postgres\0database\0postgres\0\0"
    return struct.pack("!I", len(body) + 4) + body


def query_message(sql):
    """Return what asks a simple query."""
    body = sql.encode() + b"\0"
    return b"Q" + struct.pack("!I", len(body) + 4) + body


def burn(burn_s):
    """Use the CPU for so long, by this thread's own clock."""
    end = time.thread_time() + burn_s
    while time.thread_time() < end:
        pass


class Session:
    """A session with the database, of a process without an event loop."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self._ask(start_message())

    def _ask(self, message):
        self.socket.sendall(message)
        told = b""
        while told[-6:-1] != READY:
            told += self.socket.recv(65536)

    def query(self, sql):
        """Ask a query and wait for its end."""
        self._ask(query_message(sql))


def serve_blocking(options, listening):
    """Serve one request after another, each over a connection of its own."""
    session = Session(options.postgresql) if options.sql else None
    while True:
        if options.accept_every:
            time.sleep(options.accept_every)
            listening.setblocking(False)
        while True:
            try:
                connection, _ = listening.accept()
            except BlockingIOError:
                break
            connection.setblocking(True)
            with connection:
                connection.recv(65536)
                burn(options.burn)
                time.sleep(options.sleep)
                if session:
                    session.query(options.sql)
                connection.sendall(CLOSED)


class Loop:
    """Serves all connections in one event loop, with pools of connections to what it asks."""

    def __init__(self, options):
        self.options = options
        self.databases, self.services = asyncio.Queue(), asyncio.Queue()

    async def open(self):
        """Open the pools, and hold them open."""
        options = self.options
        for _ in range(options.pool if options.sql else 0):
            both = await asyncio.open_unix_connection(options.postgresql)
            both[1].write(start_message())
            await self._until(both[0], READY)
            self.databases.put_nowait(both)
        for _ in range(options.pool if options.upstream else 0):
            self.services.put_nowait(await asyncio.open_connection("127.0.0.1", options.upstream))

    async def _until(self, reader, end):
        told = b""
        while end not in told[-6:]:
            told += await reader.read(65536)

    async def _ask(self, pool, message, end):
        reader, writer = both = await pool.get()
        writer.write(message)
        await self._until(reader, end)
        pool.put_nowait(both)

    async def serve(self, reader, writer):
        """Answer the requests of one connection."""
        options = self.options
        while await reader.readuntil(b"\r\n\r\n"):
            burn(options.burn)
            await asyncio.sleep(options.sleep)
            if options.sql:
                await self._ask(self.databases, query_message(options.sql), READY)
            if options.upstream:
                await self._ask(self.services, b"GET / HTTP/1.1\r\nHost: u\r\n\r\n", b"ok")
            writer.write(KEPT)


async def serve_in_loop(options, listening):
    """Serve until ended."""
    loop = Loop(options)
    await loop.open()

    async def serve(reader, writer):
        try:
            await loop.serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, sock=listening)
    await server.serve_forever()


def main():
    """Listen, tell the port, and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=0, help="0: an event loop")
    parser.add_argument("--burn", type=float, default=0.0)
    parser.add_argument("--sleep", type=float, default=0.0)
    parser.add_argument("--sql", default="")
    parser.add_argument("--postgresql", help="the path of its socket")
    parser.add_argument("--pool", type=int, default=1)
    parser.add_argument("--upstream", type=int, help="a port on loopback")
    parser.add_argument("--backlog", type=int, default=256)
    parser.add_argument("--accept-every", type=float, default=0.0)
    options = parser.parse_args()
    listening = socket.create_server(("127.0.0.1", 0), backlog=options.backlog)
    os.write(1, b"%d\n" % listening.getsockname()[1])
    for _ in range(options.workers):
        if os.fork() == 0:
            serve_blocking(options, listening)
    if options.workers:
        os.wait()
    else:
        asyncio.run(serve_in_loop(options, listening))


if __name__ == "__main__":
    main()
