"""Requests and their targets."""

import re
import socket

import pytest

from pacer.request import BadRequest, Target, build, parse_header, parse_url, resolve


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://host", Target("host", 80, "host", "/")),
        ("http://host:8080/a/b?c=d", Target("host", 8080, "host:8080", "/a/b?c=d")),
        ("http://198.18.0.1:80/#part", Target("198.18.0.1", 80, "198.18.0.1:80", "/")),
        ("http://[::1]:81/x", Target("::1", 81, "[::1]:81", "/x")),
        ("HTTP://Host:081?a", Target("host", 81, "Host:81", "/?a")),
        ("https://host/x", Target("host", 443, "host", "/x", https=True)),
        ("https://host:8443", Target("host", 8443, "host:8443", "/", https=True)),
        ("http://host:/", Target("host", 80, "host", "/")),
        # Zones of link-local addresses, as RFC 6874 has them and as people write them
        ("http://[fe80::1%eth0]:81/", Target("fe80::1%eth0", 81, "[fe80::1]:81", "/")),
        ("http://[fe80::1%25eth0]:81/", Target("fe80::1%eth0", 81, "[fe80::1]:81", "/")),
        ("http://[FE80::1%Eth0.5]", Target("fe80::1%Eth0.5", 80, "[fe80::1]", "/")),
        ("http://[fe80::1%25]/", Target("fe80::1%25", 80, "[fe80::1]", "/")),
        ("http://[fe80::1%2525]/", Target("fe80::1%25", 80, "[fe80::1]", "/")),
    ],
)
def test_url(url: str, target: Target) -> None:
    assert parse_url(url) == target


@pytest.mark.parametrize(
    "url",
    [
        *(
            "ftp://host/",
            "unix:///run/app.sock",
            "host:80/x",
            "/path",
            "http://",
            "http://host:99999/",
            "http://host:0/",
        ),
        *(
            "http://host:x/",
            "http://user:secret@host/",
            "http://host/a b",
            "http://hést/",
            "http://[::1/",
            "http://[fe80::1%]/",
            "http://[fe80:%eth0]/",
            "http://ho\nst/",
            "http://host/a\tb",
            " http://host/",
            "http://host\\\\x/",
            "http://h%41/",
            "http://h,st/",
            "http:/host/",
        ),
    ],
)
def test_bad_url(url: str) -> None:
    with pytest.raises(BadRequest, match="bad URL"):
        parse_url(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://me:word@host/x@y", "http://****@host/x@y"),
        ("http://word@host/", "http://****@host/"),
        ("http:/me:word@host/", "http:/****@host/"),
        ("me:word@host/", "****@host/"),
        ("http://me:wo/rd@host/", "http://****@host/"),  # characters that should be encoded
        ("http://me:wo#rd@host/", "http://****@host/"),
        ("http://me:wo rd@host/", "http://****@host/"),
        ("http://host:80/x@y z", "http://host:80/x@y z"),
        ("http://[::1]:80/?x@y z", "http://[::1]:80/?x@y z"),
    ],
)
def test_a_url_is_shown_without_user_and_password(url: str, shown: str) -> None:
    with pytest.raises(BadRequest, match=f"bad URL '{re.escape(shown)}': ") as caught:
        parse_url(url)
    assert "word" not in str(caught.value)
    assert "'wo" not in str(caught.value)


def test_request_of_a_plain_get() -> None:
    request = build(parse_url("http://host:81/a?b=c"))
    lines = request.decode().split("\r\n")
    assert lines[0] == "GET /a?b=c HTTP/1.1"
    assert "Host: host:81" in lines
    assert "Connection: close" not in lines
    assert not any(line.startswith("Content-Length") for line in lines)
    assert request.endswith(b"\r\n\r\n")


def test_request_with_body_and_headers() -> None:
    headers = [parse_header("host: other"), parse_header("X-A:  b: c ")]
    request = build(
        parse_url("http://host/"), method="POST", headers=headers, body=b"\x00\xff", keepalive=False
    )
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert body == b"\x00\xff"
    assert {"Content-Length: 2", "Connection: close", "host: other", "X-A: b: c"} <= set(lines)
    assert "Host: host" not in lines


def test_post_without_body_says_so() -> None:
    assert b"Content-Length: 0\r\n" in build(parse_url("http://host/"), method="POST")


@pytest.mark.parametrize("header", ["nocolon", ": x", "a b: c", "a: b\r\nc: d", "a: é"])
def test_bad_header(header: str) -> None:
    with pytest.raises(BadRequest, match="bad header"):
        parse_header(header)


def test_bad_method() -> None:
    with pytest.raises(BadRequest, match="bad method"):
        build(parse_url("http://host/"), method="GET /")


def test_resolving() -> None:
    assert resolve(parse_url("http://127.0.0.1:81/")) == [("127.0.0.1", 81)]
    assert resolve(parse_url("http://[::1]:81/")) == [("::1", 81)]
    with pytest.raises(OSError, match="not a host name"):
        resolve(parse_url(f"http://{'a' * 70}/"))


@pytest.mark.parametrize("sign", ["%", "%25"])
def test_an_address_keeps_its_zone(sign: str) -> None:
    number = socket.if_nametoindex("lo")
    assert resolve(parse_url(f"http://[fe80::1{sign}lo]:81/")) == [(f"fe80::1%{number}", 81)]
    assert resolve(parse_url(f"http://[::1{sign}lo]:81/")) == [("::1", 81)]  # means nothing there
    for nowhere in ("nowhere", "123456", "9" * 30):
        with pytest.raises(OSError, match=f"this host has no network interface '{nowhere}'"):
            resolve(parse_url(f"http://[fe80::1{sign}{nowhere}]:81/"))
