"""Check which Content-Length pacer takes, beside what curl 7.88.1 took of the same headers.

RFC 9110 (8.6) allows digits alone, and one number in a list of several equal ones.
"""

import pytest

from pacer.response import BadResponse, ResponseReader

SENT = b"hello world, and more"  # after each head; then the server closed the connection
# By the values of the header, as many times as there are values: the bytes of the body that curl
# printed (None: it refused the answer), and whether pacer takes the same
CURL: dict[tuple[str, ...], tuple[int | None, bool]] = {
    ("2",): (2, True),
    (" 2",): (2, True),
    ("\t2",): (2, True),
    ("2 ",): (2, True),
    ("2\t",): (2, True),
    ("02",): (2, True),
    ("000000000000000000002",): (2, True),
    ("+2",): (2, True),
    ("+0",): (0, True),
    ("2,2",): (2, True),
    ("2, 2",): (2, True),
    ("2", "2"): (2, True),
    ("2", "02"): (2, True),
    ("2", "+2"): (2, True),
    ("",): (None, True),
    ("-1",): (None, True),
    ("-0",): (None, True),
    ("+",): (None, True),
    ("++2",): (None, True),
    ("+ 2",): (None, True),
    ("- 1",): (None, True),
    ("abc",): (None, True),
    ("\u00b2",): (None, True),
    ("", "2"): (None, True),
    ("2", ""): (None, True),
    ("abc", "2"): (None, True),
    ("2", "abc"): (None, True),
    # curl ends at the first other character, and takes the last header: refused, as the next answer
    # of the connection could begin elsewhere
    ("2, 3",): (2, False),
    ("2,",): (2, False),
    ("2 3",): (2, False),
    ("2;x",): (2, False),
    ("2abc",): (2, False),
    ("2.0",): (2, False),
    ("1e0",): (1, False),
    ("0x2",): (0, False),
    ("2", "3"): (3, False),
    ("3", "2"): (2, False),
    # curl reads to the end of the connection: refused, as no answer is that long
    ("9223372036854775808",): (len(SENT), False),
    ("18446744073709551616",): (len(SENT), False),
}


@pytest.mark.parametrize("values", CURL)
def test_lengths_are_taken_as_curl_does_where_that_is_safe(values: tuple[str, ...]) -> None:
    taken, the_same = CURL[values]
    lines = b"".join(b"Content-Length: %s\r\n" % value.encode("latin-1") for value in values)
    reader = ResponseReader()
    if taken is None or not the_same:
        with pytest.raises(BadResponse, match="contradictory or bad Content-Length"):
            reader.feed(b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n" + SENT)
        return
    assert reader.feed(b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n" + SENT)
    assert (reader.body_length, reader.head.keep_alive) == (taken, True)
