"""Tell the lines of wrk's and wrk2's reports from one another, and from those of similar tools."""

from testbed.tools.sections import ITEM, broken, near, part
from testbed.tools.wrk_tables import CELL

OTHERS = "another tool's"  # kinds of lines of reports that are none of wrk
GO_WRK = "go-wrk's"
_NUMBER = r"-?\d+\.\d+|-?nan"
_SPECTRUM_PARTS = [
    part("spectrum", 6, r"Detailed Percentile spectrum:", repeats=True),
    part("spectrum head", 6, r"Value\s+Percentile\s+TotalCount\s+1/\(1-Percentile\)", repeats=True),
    part(
        "spectrum row",
        6,
        r"(?P<ms>\d+\.\d+)\s+(?P<fraction>[01]\.\d+)\s+(?P<count>\d+)\s+(?:\d+\.\d+|inf)",
        repeats=True,
    ),
    part(
        "spectrum mean",
        6,
        rf"#\[Mean\s*=\s*(?P<mean>{_NUMBER}), StdDeviation\s*=\s*(?P<stdev>{_NUMBER})\]",
        repeats=True,
    ),
    part(
        "spectrum max",
        6,
        rf"#\[Max\s*=\s*(?P<max>{_NUMBER}), Total count\s*=\s*(?P<count>\d+)\]",
        repeats=True,
    ),
    part("spectrum buckets", 6, r"#\[Buckets\s*=.*\]", repeats=True),
    # A ruler elsewhere, as scripts and forks print it, is no line of wrk2.
    part("end of table", 6, r"-{20,}", repeats=True, telling=False, beside=True),
]
PARTS = [
    part("running", 0, r"(?P<before>.*\s)?Running (?P<asked>\d+[smh]?) test @ (?P<url>\S+)"),
    # The first version did not run for a time
    part("running", 0, r"Making (?P<asked>(?!))?\d+ requests to (?P<url>\S+)"),
    part(
        "threads",
        1,
        r"(?P<threads>\d+) threads? and (?P<connections>\d+) connections?",
        telling=False,
    ),
    part(
        "calibration",
        2,
        r"Thread calibration: mean lat\.: (?:(?P<mean>\d+\.\d+)ms, rate sampling interval: "
        r"(?P<interval>\d+)ms|.*)",
        repeats=True,
    ),
    # A fork of wrk2 prints it for each URL
    part("results of", 2, r"Test Results @ (?P<url>\S+)", repeats=True, telling=False),
    part("stats", 3, r"Thread Stats\s+(?P<columns>\S.*?)\s+\+/- Stdev"),
    part(
        "latency",
        4,
        # A maximum of 1000.00ms fills its column and touches the column before.
        rf"Latency(?P<cells>\s+{CELL}(?:(?:\s+|(?<=[a-z])){CELL})+)\s+(?P<within>\S+)%",
    ),
    part("per thread", 5, r"Req/Sec\s+\S+\s+\S+\s+\S+\s+\S+%"),
    part(
        "distribution",
        6,
        r"Latency Distribution(?: \(HdrHistogram - (?P<of>.+)\))?",
        repeats=True,
    ),
    part(
        "percentile",
        6,
        r"(?P<percentile>\d+(?:\.\d+)?)%\s+(?P<time>\S+)",
        repeats=True,
        telling=False,
    ),
    *_SPECTRUM_PARTS,
    part(
        "requests", 7, r"(?P<requests>\d+) requests in (?P<duration>\S+?)(?:, (?P<bytes>\S+) read)?"
    ),
    part(
        "socket errors",
        8,
        r"Socket errors: connect (?P<connect>\d+), read (?P<read>\d+), write (?P<write>\d+), "
        r"timeout (?P<timeout>\d+)",
    ),
    part("status errors", 9, r"Non-2xx or 3xx responses:\s+(?P<count>\d+)"),
    part("rate", 10, r"Requests/sec:\s*(?P<rate>\S+)"),
    part("byte rate", 11, r"Transfer/sec:\s*(?P<rate>\S+)"),
    # Summaries that look like wrk's, and are read by the files of their tools.
    part(GO_WRK, 1, r"\d+ goroutine\(s\) running concurrently"),
    part(
        GO_WRK,
        12,
        r"(?:Avg Req Time|Number of Errors|(?:Fastest|Slowest) Request):.*",
        repeats=True,
        telling=False,
    ),
    part(OTHERS, 1, r"\d+ process\(es\) and \d+ connections, .*"),
    part(OTHERS, 0, r"Bombarding .* using \d+ connection\(s\)"),
    part(OTHERS, 3, r"Statistics\s+Avg\s+Stdev\s+Max"),
    part(OTHERS, 6, r"Value\(ms\)\s+Percentile\s.*", repeats=True),  # vegeta's hdrplot
    part(OTHERS, 3, r"\u2502 Stat\s.*", repeats=True),  # autocannon's tables, which nothing reads
    # Lines that resemble those above, tried where none of them fits.
    # A second heading begins a report, even if it is malformed.
    part(
        "broken running",
        0,
        near("Running", r"\W+\d\S*(?: \S+)? (?i:test)\b.*"),
        repeats=True,
        telling=False,
    ),
    broken(
        "threads",
        1,
        ITEM + r"\d\S*\s+(?i:threads?\s+and)\s+\S+\s+(?i:connections?)\b.*",
        within=True,
    ),
    broken("threads", 1, ITEM + r"\d+\s+(?i:threads?)\b.*", within=True),
    broken("calibration", 2, near("Thread calibration", ".*"), within=True),
    broken("latency", 4, r"Latency(?:\s+\S+){2,}\s+\S+%"),
    broken("latency", 4, near("Latency", r"(?:[\W_]+\d[\d.,]*\s*[a-zA-Z]*){2,}.*"), within=True),
    broken("percentile", 6, r"\d\S*%\s+\S.*", within=True),
    broken("percentile", 6, ITEM + r"(?:\d[\d.,]*\W*%|(?i:p)\d[\d.,]*\b).*", within=True),
    broken("spectrum max", 6, near("Max", r".*(?i:count)\W.*\d.*"), within=True),
    broken("requests", 7, r"\S+ requests in \d\S*(?:\W.*\bread)?"),
    broken(
        "requests",
        7,
        ITEM + r"\d\S*\s+(?i:requests)(?:\W*|\W+(?i:in)\W+\d.*|\W+(?i:in))",
        within=True,
    ),
    broken("socket errors", 8, r"Socket errors:.*"),
    # Where no such line is printed there was no error. So these are looked for in all forms.
    broken("socket errors", 8, near("Socket errors", ".*"), within=True),
    broken("socket errors", 8, r".*\b(?i:connect\W+\d+\W+read\W+\d+).*", within=True),
    broken("status errors", 9, r"Non-2xx or 3xx responses:.*"),
    broken("status errors", 9, near("Non-2xx", r"(?:\W+(?i:or)\b.*)?"), within=True),
    broken("rate", 10, r"Requests/sec:.*"),
    broken("rate", 10, near("Requests/sec"), within=True),
    broken("byte rate", 11, r"Transfer/sec:.*"),
    broken("byte rate", 11, near("Transfer/sec"), within=True),
]
