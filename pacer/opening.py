"""Open the connections of a run: TCP or a Unix socket, then TLS if the URL is https.

A host may have several addresses. Each is tried when the one before has failed, or has been silent
for a moment, and the first that is connected is taken (the idea of RFC 8305). Later connections
try that one first.
"""

import asyncio
import errno
import os
import socket
import time
from collections.abc import Callable

from pacer.request import Address
from pacer.tls import Trust

SILENT_S = 0.25  # "Connection Attempt Delay" of RFC 8305
BACKLOG_S = 0.005  # between attempts to connect to a Unix socket whose queue is full

# What no server is to blame for: what the generating host has run out of, and what helps
OWN_LIMITS = {
    errno.EADDRNOTAVAIL: "local ports, or has no address of this kind: keep connections alive, use "
    "fewer, or widen net.ipv4.ip_local_port_range",
    errno.EMFILE: "open files of a process: raise ulimit -n, or use more --processes",
    errno.ENFILE: "open files of the system: raise fs.file-max",
    errno.ENOBUFS: "network buffers: use fewer connections",
    errno.ENOMEM: "memory: use fewer connections",
}


class Opener:
    """Opens connections to one server.

    `addresses` are those of its host. With `unix_socket`, that file is connected to instead.
    `unresolved` is the error to be raised if there is no address at all.
    """

    def __init__(
        self,
        addresses: list[Address],
        *,
        unresolved: str = "",
        unix_socket: str | None = None,
        trust: Trust | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._addresses = addresses
        self._unresolved = unresolved
        self._unix_socket = unix_socket
        self._host = trust.host if trust else None
        self._context = trust.context() if trust else None

    async def open(self, protocol: asyncio.Protocol) -> int:
        """Open a connection for the protocol, and return the time of its TLS handshake.

        That time is in nanoseconds, and 0 without TLS. Raises OSError if no connection could be
        made, also if the server's certificate is not trusted.
        """
        if self._context is None:
            await self._connect(lambda: protocol)
            return 0
        transport = await self._connect(asyncio.Protocol)
        if transport.is_closing():  # uvloop's start_tls would fail where nobody can catch it
            raise ConnectionResetError("the connection was lost before the TLS handshake")
        began = time.monotonic_ns()
        try:
            secured = await self._loop.start_tls(
                transport, protocol, self._context, server_hostname=self._host
            )
        except BaseException:
            transport.abort()
            raise
        if secured is None:  # asyncio returns None if the connection was lost meanwhile
            raise ConnectionResetError("the connection was lost in the TLS handshake")
        took = time.monotonic_ns() - began
        protocol.connection_made(secured)
        return took

    async def _connect(self, factory: Callable[[], asyncio.Protocol]) -> asyncio.Transport:
        if self._unix_socket is not None:
            sock = await self._connected_to_file(self._unix_socket)
            transport, _ = await self._loop.create_unix_connection(factory, sock=sock)
        elif len(self._addresses) == 1 and "%" not in self._addresses[0][0]:
            transport, _ = await self._loop.create_connection(factory, *self._addresses[0])
        else:
            sock = await self._first_connected()
            transport, _ = await self._loop.create_connection(factory, sock=sock)
        return transport

    async def _connected_to_file(self, path: str) -> socket.socket:
        while True:
            try:
                return await self._connected(socket.AF_UNIX, path)
            except BlockingIOError:  # the server has yet to accept others; TCP waits by itself
                await asyncio.sleep(BACKLOG_S)

    async def _first_connected(self) -> socket.socket:
        """Return a socket that is connected to the first address that answers."""
        failures: list[OSError] = []
        attempts: dict[asyncio.Task[socket.socket], Address] = {}
        waiting = list(self._addresses)
        try:
            while waiting or attempts:
                if waiting:
                    address = waiting.pop(0)
                    attempts[self._loop.create_task(self._connected_to(address))] = address
                ended, _ = await asyncio.wait(
                    attempts,
                    timeout=SILENT_S if waiting else None,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for attempt in ended:
                    address = attempts.pop(attempt)
                    error = attempt.exception()
                    if error is None:
                        self._addresses = [address, *(a for a in self._addresses if a != address)]
                        return attempt.result()
                    if not isinstance(error, OSError):
                        raise error
                    failures.append(error)
        finally:
            for attempt in attempts:
                attempt.cancel()
                attempt.add_done_callback(_close)
        # What only this host lacks, for one of the addresses, says nothing about the server
        failures.sort(key=lambda error: error.errno not in OWN_LIMITS)
        raise failures[-1] if failures else OSError(self._unresolved)

    async def _connected_to(self, address: Address) -> socket.socket:
        # uvloop forgets the zone of an address, so the number in it is used here
        host, _, zone = address[0].partition("%")
        if ":" in host:
            return await self._connected(socket.AF_INET6, (host, address[1], 0, int(zone or 0)))
        return await self._connected(socket.AF_INET, (host, address[1]))

    async def _connected(self, family: int, address: str | tuple[object, ...]) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            code = sock.connect_ex(address)
            if code == errno.EINPROGRESS:
                writable = asyncio.Event()  # set() may be called again before the wait has ended
                self._loop.add_writer(sock, writable.set)
                try:
                    await writable.wait()
                finally:
                    self._loop.remove_writer(sock)
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise OSError(code, os.strerror(code))
        except BaseException:
            sock.close()
            raise
        return sock


def _close(attempt: "asyncio.Task[socket.socket]") -> None:
    """Close the socket of an attempt that succeeded although it had been cancelled."""
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()
