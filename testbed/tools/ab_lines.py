"""Tell the lines of ab's report, and those that it prints on the way, from one another."""

import re

from testbed.tools.sections import ITEM, Part, broken, near, part

_COUNT = r"(?P<value>\d+)"
_NUMBER = r"(?P<value>\S+)"
# Labels of lines with figures, and of lines that a report can do without.
FIGURES = (
    *("Concurrency Level", "Time taken for tests", "Complete requests", "Failed requests"),
    *("Non-2xx responses", "Total transferred", "Requests per second", "Transfer rate"),
)
WORDS = (
    *("Server Hostname", "Server Port", "Document Path", "Document Length", "Write errors"),
    *("HTML transferred",),
)


def _labelled(rank: int, label: str, value: str, *, telling: bool = False) -> Part:
    return part(label, rank, rf"{re.escape(label)}:\s*{value}", telling=telling)


_PRINTED = [
    part("banner", 0, r"This is ApacheBench, Version .*"),
    part("benchmarking", 1, r"Benchmarking .* \(be patient\)(?P<dots>\.*)(?P<rest>.*)"),
    part("completed", 2, r"Completed \d+ requests", repeats=True, telling=False),
    part("finished", 3, r"Finished \d+ requests|\.*done", telling=False),
    part(
        "failure",
        4,
        r"(?P<what>(?:apr_|SSL |socket: |Send request failed).*|Test aborted .*)",
        telling=False,
        anywhere=True,
    ),
    _labelled(6, "Server Software", r"(?P<value>.*)"),
    _labelled(7, "Server Hostname", r"(?P<value>[\w.:%\[\]-]+)"),
    _labelled(8, "Server Port", _COUNT),
    _labelled(9, "SSL/TLS Protocol", r"(?P<value>.*)"),
    _labelled(10, "Document Path", _NUMBER),
    _labelled(11, "Document Length", r"(?P<value>\d+ bytes|Variable)"),
    _labelled(12, "Concurrency Level", _COUNT, telling=True),
    _labelled(13, "Time taken for tests", rf"{_NUMBER} seconds", telling=True),
    _labelled(14, "Complete requests", _COUNT, telling=True),
    _labelled(15, "Failed requests", _COUNT, telling=True),
    part(
        "breakdown",
        16,
        r"\(Connect: (?P<connect>\d+), (?:Receive: (?P<receive>\d+), )?"
        r"Length: (?P<length>\d+), Exceptions: (?P<exceptions>\d+)\)",
        telling=False,
    ),
    _labelled(17, "Write errors", _COUNT),
    part("Write errors", 17, rf"Broken pipe errors:\s*{_COUNT}", telling=False),  # before 2.0
    _labelled(18, "Non-2xx responses", _COUNT),  # scripts of wrk print this, too
    _labelled(19, "Keep-Alive requests", _COUNT),
    _labelled(20, "Total transferred", rf"{_COUNT} bytes"),
    _labelled(21, "Total body sent", _COUNT),
    _labelled(22, "HTML transferred", rf"{_COUNT} bytes"),
    _labelled(23, "Requests per second", rf"{_NUMBER} \[#/sec\] \(mean\)", telling=True),
    part("per request", 24, rf"Time per request:\s*{_NUMBER} \[ms\] \(mean.*\)", repeats=True),
    _labelled(25, "Transfer rate", rf"{_NUMBER} \[Kbytes/sec\] received"),
    part(
        "Total",
        26,
        r"Total:\s+(?P<min>\d+)\s+(?P<mean>\d+)(?:\s+(?P<stdev>\d+\.\d+)\s+(?P<median>\d+))?"
        r"\s+(?P<max>\d+)",
        telling=False,
    ),
    part(
        "percentages",
        27,
        r"Percentage of the requests served within a certain time \(ms\)",
    ),
    part(
        "percentile",
        28,
        r"(?P<percentile>\d+)%\s+(?P<ms>-?(?:\d[\d.,e]*|nan|inf))(?:\s+\(longest request\))?",
        repeats=True,
        telling=False,
    ),
    part("html", 6, rf"<tr\b[^>]*>\s*<th\b[^>]*>(?:{'|'.join(FIGURES)}):</th>.*", repeats=True),
    # ab prints this when it gives up: what follows is of another run
    part("total", 30, rf"Total of {_COUNT} requests completed"),
]
_RANKS = {one.kind: one.rank for one in _PRINTED}
PARTS = [
    *_PRINTED,
    # A known label followed by something unexpected; tried where no part above fits.
    *(broken(label, 29, rf"{label}:.*") for label in (*FIGURES, *WORDS)),
    broken("Total", 29, r"Total:(?:\s+\S+){3}(?:\s+\S+\s+\S+)?"),
    broken("breakdown", 29, r"\(Connect: .*\)"),
    # The same in other forms, where ab prints them
    *(broken(label, _RANKS[label], near(label), within=True) for label in FIGURES),
    *(broken(label, _RANKS[label], near(label, r"\W+\S.*"), within=True) for label in WORDS),
    # Where no such line is printed there was no such answer
    broken("Non-2xx responses", _RANKS["Non-2xx responses"], near("Non-2xx", r"\W*"), within=True),
    broken("Total", 26, near("Total", r"[\W_]+\d.*"), within=True),
    broken(
        "breakdown", 16, near("Connect", r"[\W_]*(?:\d+(?:\W*|[\W_]+[A-Za-z].*))?"), within=True
    ),
    # Other tools print a unit, or 'in'.
    broken("percentile", 28, r"\d\S*%\s+(?!in\b|\S*\d(?:us|ms|s|m)\b)\S.*", within=True),
    broken("percentile", 28, ITEM + r"\d+[\W_]*%[\W_]*~?\d+[\W_]*(?:\(.*)?", within=True),
]
# With -v ab prints requests and answers from here on, until it says that it is done.
VERBOSE = re.compile(r"Benchmarking .* \(be patient\)\.*(?:INFO|LOG|WARNING): .*")
AFTER_ANSWERS = re.compile(r"\.*done|Finished \d+ requests|Server Software:.*")
