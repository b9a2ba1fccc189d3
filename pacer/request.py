"""Build the request that is sent again and again: its target and its bytes."""

import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from pacer import __version__

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_NO_BODY_METHODS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS", "TRACE"})

Address = tuple[str, int]


class BadRequest(ValueError):
    """Raised for a URL, method or header that cannot be sent; the message says which."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go. `host` is a name or an address, `path` includes the query."""

    host: str
    port: int
    authority: str  # the value of the Host header
    path: str


def parse_url(url: str) -> Target:
    """Return the target of an http URL. Raises BadRequest."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadRequest(f"bad URL '{url}': {error}") from None
    if parts.scheme != "http" or not parts.hostname:
        raise BadRequest(f"bad URL '{url}': http://HOST[:PORT]/PATH is needed (no https)")
    if parts.username is not None or parts.password is not None:
        raise BadRequest(f"bad URL '{url}': give credentials as --header 'Authorization: ...'")
    if port == 0:
        raise BadRequest(f"bad URL '{url}': port 0")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not re.fullmatch(r"[!-~]+", parts.netloc + path):
        raise BadRequest(f"bad URL '{url}': percent-encode blanks and non-ASCII letters")
    return Target(parts.hostname, port or 80, parts.netloc, path)


def resolve(target: Target) -> list[Address]:
    """Return the addresses of the target's host, in the resolver's order.

    Raises OSError if the name cannot be resolved.
    """
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label of more than 63 letters
        raise OSError(f"not a host name: {target.host} ({error})") from None
    addresses = [(str(entry[4][0]), int(entry[4][1])) for entry in found]
    return list(dict.fromkeys(addresses))


def parse_header(text: str) -> tuple[str, str]:
    """Return name and value of a header given as 'Name: value'. Raises BadRequest."""
    name, colon, value = text.partition(":")
    if not colon or not _TOKEN.fullmatch(name):
        raise BadRequest(f"bad header '{text}': 'Name: value' is needed")
    if re.search(r"[\r\n\0]", value) or not value.isascii():
        raise BadRequest(f"bad header '{text}': line breaks and non-ASCII letters cannot be sent")
    return name, value.strip()


def build(
    target: Target,
    *,
    method: str = "GET",
    headers: list[tuple[str, str]] | None = None,
    body: bytes = b"",
    keepalive: bool = True,
) -> bytes:
    """Return the request as bytes. The given headers replace those that pacer sets itself.

    Raises BadRequest for a method that HTTP does not allow as a name.
    """
    if not _TOKEN.fullmatch(method):
        raise BadRequest(f"bad method '{method}'")
    given = headers or []
    own = [("Host", target.authority), ("User-Agent", f"pacer/{__version__}"), ("Accept", "*/*")]
    if body or method not in _NO_BODY_METHODS:
        own.append(("Content-Length", str(len(body))))
    if not keepalive:
        own.append(("Connection", "close"))
    replaced = {name.lower() for name, _ in given}
    lines = [f"{method} {target.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in own if name.lower() not in replaced]
    lines += [f"{name}: {value}" for name, value in given]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body
