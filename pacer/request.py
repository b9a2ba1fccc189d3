"""Build the request that is sent again and again: its target and its bytes."""

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from pacer import __version__
from pacer.refused import Refused, url_shown

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[A-Za-z0-9._~-]+")  # a name or an IPv4 address
_ZONE = re.compile(r"%(?:25(?=.))?(.+)")  # RFC 6874, and the way in which curl takes it, too
_NO_BODY_METHODS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS", "TRACE"})
_STANDARD_METHODS = _NO_BODY_METHODS | {"POST", "PUT", "PATCH"}
_TUNNEL = "CONNECT"

Address = tuple[str, int]


class BadRequest(Refused):
    """Raised for a URL, method or header that cannot be sent; the message says which."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go. `path` includes the query."""

    host: str  # a name or an address; of a link-local one, with its zone: fe80::1%eth0
    port: int
    authority: str  # the value of the Host header
    path: str
    https: bool = False


def parse_url(url: str) -> Target:
    """Return the target of an http or https URL. Raises BadRequest."""
    if not re.fullmatch(r"[!-~]+", url):
        raise _bad(url, "percent-encode blanks and non-ASCII letters")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise _bad(url, str(error)) from None
    if parts.scheme == "unix":
        raise _bad(url, f"give the socket as --unix-socket {parts.path or 'PATH'}")
    if parts.scheme not in _PORTS or not parts.netloc:
        raise _bad(url, "http[s]://HOST[:PORT]/PATH is needed")
    if parts.username is not None or parts.password is not None:
        raise _bad(url, "give credentials as --header 'Authorization: ...'")
    try:
        port = parts.port
    except ValueError:  # its message quotes what may be a part of a password
        raise _bad(url, "its port is no number from 1 to 65535") from None
    if not parts.hostname:
        raise _bad(url, "http[s]://HOST[:PORT]/PATH is needed")
    if port == 0:
        raise _bad(url, "port 0")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host, zone = _host_and_zone(url, parts.hostname)
    # The zone means something on this host alone, so it is not told to the server
    bracketed = f"[{host}]" if ":" in host else parts.netloc.partition(":")[0]
    authority = bracketed if port is None else f"{bracketed}:{port}"
    full_host = f"{host}%{zone}" if zone else host
    https = parts.scheme == "https"
    return Target(full_host, port or _PORTS[parts.scheme], authority, path, https)


def _bad(url: str, why: str) -> BadRequest:
    return BadRequest(f"bad URL {url_shown(url)}: {why}")


def _host_and_zone(url: str, hostname: str) -> tuple[str, str]:
    """Return the host of a URL without its zone, and the zone ('' if there is none)."""
    host, percent, rest = hostname.partition("%")
    if ":" not in host:
        if not _HOST.fullmatch(hostname):
            raise _bad(url, f"'{hostname}' is not a host name")
        return hostname, ""
    match = _ZONE.fullmatch(percent + rest)
    if percent and match is None:
        raise _bad(url, "no zone after '%'")
    try:
        ipaddress.IPv6Address(host)
    except ValueError as error:
        raise _bad(url, str(error)) from None
    return host, match[1] if match else ""


def resolve(target: Target) -> list[Address]:
    """Return the addresses of the target's host, in the resolver's order.

    Those of IPv6 that have a zone have it as a number: 'fe80::1%2'.
    Raises OSError if the name cannot be resolved, or if there is no such zone.
    """
    host, _, zone = target.host.partition("%")
    if zone and not _has_interface(zone):
        raise OSError(f"this host has no network interface '{zone}'")
    # The resolver takes a zone for link-local addresses alone; for others it means nothing
    linked = zone and ipaddress.IPv6Address(host).is_link_local
    try:
        found = socket.getaddrinfo(
            target.host if linked else host, target.port, type=socket.SOCK_STREAM
        )
    except UnicodeError as error:  # a label of more than 63 letters
        raise OSError(f"not a host name: {target.host} ({error})") from None
    return list(dict.fromkeys(_address(*entry[4]) for entry in found))


def _has_interface(zone: str) -> bool:
    """Return whether this host has a network interface of that name or number."""
    try:
        if zone.isascii() and zone.isdigit():
            socket.if_indextoname(int(zone))
        else:
            socket.if_nametoindex(zone)
    except (OSError, OverflowError):
        return False
    return True


def _address(host: str, port: int, _: int = 0, zone: int = 0) -> Address:
    return (f"{host}%{zone}" if zone else host), port


def parse_header(text: str) -> tuple[str, str]:
    """Return name and value of a header given as 'Name: value'. Raises BadRequest."""
    name, colon, value = text.partition(":")
    if not colon or not _TOKEN.fullmatch(name):
        raise BadRequest(f"bad header {text!r}: 'Name: value' is needed")
    if re.search(r"[^\t -~]", value):
        raise BadRequest(
            f"bad header {text!r}: line breaks, other control characters and non-ASCII letters "
            "cannot be sent"
        )
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

    Raises BadRequest for a method that cannot be meant, and for headers that contradict the body.
    """
    head = request_line(method, target.path) + header_lines(
        target, method=method, headers=headers or [], length=len(body), keepalive=keepalive
    )
    return head.encode("ascii") + body


def meant_method(method: str | None, body: bytes | str | None) -> str:
    """Return the method that is asked for; without one, POST if there is a body, be it empty."""
    if method is not None:
        return method
    return "GET" if body is None else "POST"


def request_line(method: str, path: str) -> str:
    """Return the first line of a request.

    Raises BadRequest for a method that HTTP does not allow as a name, that is another one than it
    looks like, since case matters, or that asks for a tunnel.
    """
    if not _TOKEN.fullmatch(method):
        raise BadRequest(f"bad method {method!r}")
    if (meant := method.upper()) == _TUNNEL:
        raise BadRequest(f"bad method {method!r}: it asks a proxy for a tunnel, not for an answer")
    if meant in _STANDARD_METHODS and meant != method:
        raise BadRequest(
            f"bad method {method!r}: methods are case-sensitive (RFC 9110, 9.1), so that is not "
            f"{meant}: write it in capitals"
        )
    return f"{method} {path} HTTP/1.1\r\n"


def header_lines(
    target: Target,
    *,
    method: str,
    headers: list[tuple[str, str]],
    length: int | str,
    keepalive: bool,
) -> str:
    """Return all headers and the empty line after them.

    The given headers replace those that pacer sets itself. `length` is that of the body in bytes,
    0 without a body, or a text that stands for it. Raises BadRequest for headers that say something
    else of the body.
    """
    _check_framing(headers, length)
    _check_host(headers)
    own = [("Host", target.authority), ("User-Agent", f"pacer/{__version__}"), ("Accept", "*/*")]
    if length or method not in _NO_BODY_METHODS:
        own.append(("Content-Length", str(length)))
    if not keepalive:
        own.append(("Connection", "close"))
    replaced = {name.lower() for name, _ in headers}
    kept = [(name, value) for name, value in own if name.lower() not in replaced]
    return "".join(f"{name}: {value}\r\n" for name, value in [*kept, *headers]) + "\r\n"


def _check_framing(headers: list[tuple[str, str]], length: int | str) -> None:
    """Raise BadRequest unless the headers leave the body's length to pacer, or say it rightly.

    Otherwise the server would wait for more than is sent, or take the rest for another request.
    """
    told = [value for name, value in headers if name.lower() == "content-length"]
    if told not in ([], [str(length)]):
        is_sent = f"{length} bytes are sent" if isinstance(length, int) else "bodies differ"
        raise BadRequest(
            f"bad header 'Content-Length: {told[-1]}': {is_sent}; leave it out, and pacer sets it"
        )
    for name, value in headers:
        if name.lower() == "transfer-encoding":
            raise BadRequest(
                f"bad header '{name}: {value}': pacer sends bodies as they are, with a "
                "Content-Length; leave it out"
            )


def _check_host(headers: list[tuple[str, str]]) -> None:
    """Raise BadRequest for two hosts, whatever they are: a server must refuse them."""
    told = [value for name, value in headers if name.lower() == "host"]
    if len(told) > 1:
        raise BadRequest(f"bad header 'Host: {told[-1]}': a request has one (RFC 9112, 3.2)")
