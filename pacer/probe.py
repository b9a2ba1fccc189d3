"""Run `python -m pacer.probe`: wait until a server answers, and print the answer.

It prints one JSON object with the keys waited_s, status, headers (names in lower case, repeated
ones joined by ', '), body_base64 and attempts. Any status counts as an answer. The exit code is 0
if the server answered, 1 if it did not answer in time, and 2 for bad options. It needs only Python.
"""

import argparse
import base64
import json
import math
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from pacer import reach
from pacer.request import (
    BadRequest,
    Target,
    build,
    meant_method,
    parse_header,
    parse_url,
    resolve,
)
from pacer.response import BadResponse, ResponseReader, joined_headers
from pacer.tls import Trust

INTERVAL_S = (
    0.02  # between attempts: short compared with a server's start, long compared with an attempt
)


class NoAnswer(Exception):
    """Raised if nothing answered in time; the message has the last error."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The first answer, and how long it took to get it."""

    waited_s: float
    attempts: int
    status: int
    headers: dict[str, str]
    body: bytes


def probe(
    target: Target,
    request: bytes,
    timeout_s: float,
    *,
    to_head_request: bool = False,
    unix_socket: str | None = None,
    trust: Trust | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """Send the request again and again until there is an answer, and return it.

    Raises NoAnswer after `timeout_s` seconds. A connection that is accepted may take all the time
    that is left, because a server that is still loading answers when it is ready.
    """
    began = clock()
    attempts = 0
    while True:
        attempts += 1
        left_s = timeout_s - (clock() - began)
        try:
            deadline = clock() + max(left_s, INTERVAL_S)
            with _connected(target, unix_socket, trust, deadline, clock) as sock:
                sock.sendall(request)
                reader = _read(sock, to_head_request, deadline, clock)
        except (OSError, BadResponse) as error:
            if clock() - began + INTERVAL_S >= timeout_s:
                raise NoAnswer(
                    f"no answer within {timeout_s:g} s ({attempts} attempts); last error: {error}"
                ) from None
            sleep(INTERVAL_S)
            continue
        headers = joined_headers(reader.raw_head)
        return Answer(clock() - began, attempts, reader.head.status, headers, reader.body)


def _connected(
    target: Target,
    unix_socket: str | None,
    trust: Trust | None,
    deadline: float,
    clock: Callable[[], float],
) -> socket.socket:
    """Return a new connection to the first address that takes one. Raises OSError."""
    sock = _plain(target, unix_socket, deadline, clock)
    try:
        sock.settimeout(max(deadline - clock(), 0.001))
        return trust.context().wrap_socket(sock, server_hostname=trust.host) if trust else sock
    except BaseException:
        sock.close()
        raise


def _plain(
    target: Target, unix_socket: str | None, deadline: float, clock: Callable[[], float]
) -> socket.socket:
    if unix_socket is not None:
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.settimeout(max(deadline - clock(), 0.001))
            sock.connect(unix_socket)
        except BaseException:
            sock.close()
            raise
        return sock
    error: OSError = OSError("no address")
    addresses = resolve(target)
    for place, address in enumerate(addresses):
        # One that is silent leaves some of the time to the ones after it
        left_s = max(deadline - clock(), 0.001) / (len(addresses) - place)
        try:
            return socket.create_connection(address, timeout=left_s)
        except OSError as caught:
            error = caught
    raise error


def _read(
    sock: socket.socket, to_head_request: bool, deadline: float, clock: Callable[[], float]
) -> ResponseReader:
    reader = ResponseReader(to_head_request=to_head_request, keep_body=True)
    while True:
        sock.settimeout(max(deadline - clock(), 0.001))
        data = sock.recv(1 << 16)
        if data:
            if reader.feed(data):
                return reader
        elif reader.eof():
            return reader
        else:
            raise OSError("the connection was closed before a complete answer")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadRequest(message)


def main(arguments: list[str]) -> int:
    """Run the probe with these command-line arguments and return the exit code."""
    url = None
    try:
        asked = _read_arguments(arguments)
        url = asked.url
        answer = _ask(asked)
    except BadRequest as error:
        sys.stderr.write(f"pacer.probe: {error}\n")
        return 2
    except NoAnswer as error:
        sys.stderr.write(f"pacer.probe: {url}: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    document = {
        "waited_s": round(answer.waited_s, 6),
        "status": answer.status,
        "headers": answer.headers,
        "body_base64": base64.b64encode(answer.body).decode(),
        "attempts": answer.attempts,
    }
    sys.stdout.write(json.dumps(document) + "\n")
    return 0


def _read_arguments(arguments: list[str]) -> argparse.Namespace:
    """Return the value of each argument. Raises BadRequest."""
    parser = _Parser(
        prog="pacer.probe", description="Wait until a server answers at all.", allow_abbrev=False
    )
    reach.add_arguments(parser)
    parser.add_argument("--timeout", type=float, required=True, metavar="S", help="seconds")
    parser.add_argument("--method", help="(GET, or POST with a body)")
    parser.add_argument("--body", metavar="TEXT")
    parser.add_argument("--header", action="append", default=[], metavar="'NAME: VALUE'")
    asked = parser.parse_args(arguments)
    if not (math.isfinite(asked.timeout) and asked.timeout > 0):
        raise BadRequest("--timeout must be above 0")
    return asked


def _ask(asked: argparse.Namespace) -> Answer:
    """Return the first answer to the request asked for. Raises BadRequest or NoAnswer."""
    target = parse_url(asked.url)
    method = meant_method(asked.method, asked.body)
    request = build(
        target,
        method=method,
        headers=[parse_header(text) for text in asked.header],
        body=(asked.body or "").encode(),
        keepalive=False,
    )
    return probe(
        target,
        request,
        asked.timeout,
        to_head_request=method == "HEAD",
        unix_socket=reach.unix_socket(asked),
        trust=reach.trust(asked, target),
    )


def command() -> int:
    """Ask as the arguments of this process say, and return the exit code."""
    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(command())
