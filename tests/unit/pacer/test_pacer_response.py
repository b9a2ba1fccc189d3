"""Answers are read right however their bytes arrive."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacer.response import MAX_HEAD_BYTES, MAX_LINE_BYTES, BadResponse, ResponseReader

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n6;name=value\r\n world\r\n0\r\nTrailer: x\r\n\r\n"
)
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\nhello"

COMPLETE = {
    "length": (PLAIN, 200, b"hello", True),
    "no reason phrase": (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, b"", True),
    "close": (
        b"HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 2\r\n\r\nhi",
        200,
        b"hi",
        False,
    ),
    "close among others": (
        b"HTTP/1.1 200 OK\r\nConnection: foo, Close\r\ncontent-length: 0\r\n\r\n",
        200,
        b"",
        False,
    ),
    "1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", False),
    "1.0 kept alive": (
        b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nhi",
        200,
        b"hi",
        True,
    ),
    "chunked": (CHUNKED, 200, b"hello world", True),
    "chunked beats length": (
        CHUNKED.replace(b"\r\n\r\n5", b"\r\nContent-Length: 3\r\n\r\n5"),
        200,
        b"hello world",
        True,
    ),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, b"", True),
    "error": (b"HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\nbad", 500, b"bad", True),
    "interim answers": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + PLAIN,
        200,
        b"hello",
        True,
    ),
    "same length twice": (
        PLAIN.replace(b"h: 5", b"h: 5\r\nContent-Length: 5"),
        200,
        b"hello",
        True,
    ),
    # What follows is read by curl 7.88, too
    "LF alone": (PLAIN.replace(b"\r\n", b"\n"), 200, b"hello", True),
    "LF after the head": (PLAIN.replace(b"\r\n\r\n", b"\r\n\n"), 200, b"hello", True),
    "CRLF after the head alone": (
        b"HTTP/1.1 200 OK\nContent-Length: 5\n\r\nhello",
        200,
        b"hello",
        True,
    ),
    "LF in one place": (PLAIN.replace(b"OK\r\n", b"OK\r\nX: a\n"), 200, b"hello", True),
    "a body with empty lines": (
        b"HTTP/1.1 200 OK\nContent-Length: 8\n\n\r\n\r\n\n\n\n\n",
        200,
        b"\r\n\r\n\n\n\n\n",
        True,
    ),
    "chunks with LF alone": (CHUNKED.replace(b"\r\n", b"\n"), 200, b"hello world", True),
    "interim answers with LF alone": (
        b"HTTP/1.1 100 Continue\n\n" + PLAIN.replace(b"\r\n", b"\n"),
        200,
        b"hello",
        True,
    ),
    "a chunk with a remark": (
        CHUNKED.replace(b";name=value", b" or so"),
        200,
        b"hello world",
        True,
    ),
    "identity": (
        PLAIN.replace(b"OK\r\n", b"OK\r\nTransfer-Encoding: Identity\r\n"),
        200,
        b"hello",
        True,
    ),
    "no coding named": (
        PLAIN.replace(b"OK\r\n", b"OK\r\nTransfer-Encoding:\r\n"),
        200,
        b"hello",
        True,
    ),
    "chunked and identity": (
        CHUNKED.replace(b"chunked", b"chunked, identity"),
        200,
        b"hello world",
        True,
    ),
    "identity in a header of its own": (
        CHUNKED.replace(b"chunked\r\n", b"chunked\r\nTransfer-Encoding: identity\r\n"),
        200,
        b"hello world",
        True,
    ),
    "blank before a colon": (PLAIN.replace(b"Length:", b"Length :"), 200, b"hello", True),
    "a header without name": (PLAIN.replace(b"OK\r\n", b"OK\r\n: x\r\n"), 200, b"hello", True),
    "a tab after HTTP/2": (PLAIN.replace(b"1.1 200", b"2\t200"), 200, b"hello", True),
    "a blank and a tab": (PLAIN.replace(b"1.1 200", b"1.1 \t200"), 200, b"hello", True),
    "closes, whatever a later header says": (
        PLAIN.replace(b"OK\r\n", b"OK\r\nConnection: close\r\nConnection: keep-alive\r\n"),
        200,
        b"hello",
        False,
    ),
    "1.0 kept alive by the second header": (
        PLAIN.replace(
            b"1.1 200 OK\r\n", b"1.0 200 OK\r\nConnection: x\r\nConnection: keep-alive\r\n"
        ),
        200,
        b"hello",
        True,
    ),
    "blanks in the status line": (PLAIN.replace(b" 200 ", b"  200\t"), 200, b"hello", True),
    "no blank before the reason": (PLAIN.replace(b"200 OK", b"200OK"), 200, b"hello", True),
    "a claim of HTTP/2": (PLAIN.replace(b"1.1 200 OK", b"2 200"), 200, b"hello", True),
    "HTTP/2.0": (PLAIN.replace(b"1.1 200", b"2.0  404"), 404, b"hello", True),
    "lower case": (PLAIN.replace(b"HTTP", b"http"), 200, b"hello", True),
    "folded header": (PLAIN.replace(b"\r\n\r\n", b"\r\nX: a\r\n  b\r\n\r\n"), 200, b"hello", True),
}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("name", COMPLETE)
def test_answers_in_pieces(name: str, size: int) -> None:
    data, status, body, keep_alive = COMPLETE[name]
    reader = ResponseReader(keep_body=True)
    for _ in range(3):  # the second and third take the short way where there is one
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        results = [reader.feed(piece) for piece in pieces]
        assert results == [False] * (len(pieces) - 1) + [True]
        assert reader.head.status == status
        assert reader.body == body
        assert reader.body_length == len(body)
        assert reader.head.keep_alive is keep_alive
        assert reader.total_bytes == len(data)
        assert not reader.surplus


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_closing_ends_a_body_without_length(size: int) -> None:
    reader = ResponseReader(keep_body=True)
    for start in range(0, len(UNTIL_CLOSE), size):
        assert not reader.feed(UNTIL_CLOSE[start : start + size])
    assert reader.eof()
    assert reader.body == b"hello"
    assert not reader.head.keep_alive


@pytest.mark.parametrize("data", [PLAIN[:-1], CHUNKED[:-1], b"HTTP/1.1 200 OK\r\n", b""])
def test_closing_breaks_others_off(data: bytes) -> None:
    reader = ResponseReader()
    if data:
        assert not reader.feed(data)
    assert not reader.eof()


def test_answer_to_head_has_no_body() -> None:
    reader = ResponseReader(to_head_request=True)
    for _ in range(2):
        assert reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        assert reader.body_length == 0


@pytest.mark.parametrize("times", [1, 2])
def test_surplus_is_noticed(times: int) -> None:
    reader = ResponseReader()
    for _ in range(times):
        assert reader.feed(PLAIN + b"HTTP")
        assert reader.surplus


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/3 200\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1\t200 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/1.1 000 OK\r\n\r\n",
        b"HTTP/1.1 1000 OK\r\n\r\n",
        b"HTTP/1.1 +200 OK\r\n\r\n",
        b"HTTP/1.2 200 OK\r\n\r\n",
        b"HTTP/1.10 200 OK\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 O\0K\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n folded: x\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nhello",
        b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nhello\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 10_000,
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000,
        PLAIN.replace(b"\r\n\r\n", b"\r\nX: " + b"y" * 70_000 + b"\r\n\r\n"),
    ],
)
@pytest.mark.parametrize("size", [1, 100_000])
def test_what_is_no_answer(data: bytes, size: int) -> None:
    reader = ResponseReader()
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    with pytest.raises(BadResponse):
        [reader.feed(piece) for piece in pieces]


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """The bytes of an answer, and its body."""
    if draw(st.booleans()):
        body = draw(st.binary(max_size=300))
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body), body
    chunks = draw(st.lists(st.binary(min_size=1, max_size=60), max_size=6))
    data = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n"
    return head + data + b"0\r\n\r\n", b"".join(chunks)


@given(
    sent=st.lists(answers(), min_size=1, max_size=4),
    cuts=st.lists(st.integers(min_value=1, max_value=400), max_size=12),
)
def test_any_answers_in_any_pieces(sent: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    reader = ResponseReader(keep_body=True)
    for data, body in sent:
        edges = [0, *sorted({cut for cut in cuts if cut < len(data)}), len(data)]
        results = [reader.feed(data[start:end]) for start, end in pairwise(edges)]
        assert results == [False] * (len(edges) - 2) + [True]
        assert reader.body == body
        assert reader.body_length == len(body)
        assert reader.total_bytes == len(data)


@given(st.binary(max_size=200))
def test_garbage_raises_or_waits(data: bytes) -> None:
    reader = ResponseReader()
    try:
        complete = reader.feed(b"HTTP/1.1 200 OK\r\n" + data)
    except BadResponse:
        return
    assert complete is (reader.head.status == 200 and not reader.started)


def test_remembered_heads_are_bounded() -> None:
    heads: dict[bytes, object] = {}
    reader = ResponseReader(heads=heads)  # type: ignore[arg-type]
    for number in range(2000):
        assert reader.feed(b"HTTP/1.1 200 OK\r\nX: %d\r\nContent-Length: 0\r\n\r\n" % number)
    assert 0 < len(heads) < 1000


PARTS = (
    b"HTTP/1.1 200",
    b"HTTP/1.0 404 No",
    b"http/1.1 204 OK",
    *(b"HTTP/2 200", b"HTTP/2.0 200 OK", b"HTTP/3 200", b"HTTP/2.1 200", b"HTTP/2"),
    b"HTTP/1.1 100 Go on",
    b"\r",
    b"x",
)
LINES = (
    *(b"Content-Length: 3", b"Content-Length: 4", b"Content-Length : 3", b"Content-Length: x"),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", b"transfer-encoding: a,b"),
    *(b"Connection: close", b" folded", b"\tfolded: 3", b"no colon", b": no name", b"A: \x00\xff"),
    *(b"", b"3", b"abc", b"0", b"3;a", b"3 b", b"HTTP/1.1 200 OK", b"X: " + b"y" * 70_000),
)
ENDS = (b"\r\n", b"\n", b"\r\r\n", b"\r")


@given(
    first=st.sampled_from(PARTS),
    lines=st.lists(st.tuples(st.sampled_from(ENDS), st.sampled_from(LINES)), max_size=8),
    last=st.sampled_from(ENDS),
    size=st.integers(min_value=1, max_value=50_000),
    asked=st.booleans(),
)
def test_pieces_decide_nothing(
    first: bytes, lines: list[tuple[bytes, bytes]], last: bytes, size: int, asked: bool
) -> None:
    """Whatever comes in, it is read as the same answer, or refused, in one piece as in any."""
    data = b"".join([first, *(end + line for end, line in lines), last])

    def read(size: int) -> object:
        reader = ResponseReader(to_head_request=asked, keep_body=True)
        for start in range(0, len(data), size):
            try:
                complete = reader.feed(data[start : start + size])
            except BadResponse:
                return "refused"
            if complete:  # what follows belongs to no answer
                return reader.head, reader.body
        return reader.eof(), reader.head, reader.body

    assert read(size) == read(len(data))


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("beyond", [0, 1])
def test_the_longest_head_is_the_same_in_any_pieces(end: bytes, beyond: int) -> None:
    start = b"HTTP/1.1 200 OK" + end + b"Content-Length: 0" + end + b"X: "
    room = MAX_HEAD_BYTES - len(start + end + end) + beyond
    data = start + b"y" * room + end + end
    for size in (1000, len(data) - 1, len(data)):
        reader = ResponseReader()
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        if beyond:
            with pytest.raises(BadResponse, match="a head of more than"):
                [reader.feed(piece) for piece in pieces]
        else:
            assert [reader.feed(piece) for piece in pieces][-1]


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("beyond", [0, 1])
def test_the_longest_line_is_the_same_in_any_pieces(end: bytes, beyond: int) -> None:
    line = b"0;" + b"y" * (MAX_LINE_BYTES - 2 - len(end) + beyond) + end
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + line + end
    for size in (1, 100, len(data)):
        reader = ResponseReader()
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        if beyond:
            with pytest.raises(BadResponse, match="a line of more than"):
                [reader.feed(piece) for piece in pieces]
        else:
            assert [reader.feed(piece) for piece in pieces][-1]
