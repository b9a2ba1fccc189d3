"""Print figures in the tools' layouts, so that reading can be tested against known figures."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

TIME_US = (1000, ["us", "ms", "s"])
TIME_S = (60, ["s", "m", "h"])
BINARY = (1024, ["", "K", "M", "G", "T", "P"])
PERCENTILES = (50.0, 75.0, 90.0, 99.0, 99.9, 99.99, 99.999, 100.0)


def scaled(value: float, scale: tuple[int, list[str]], digits: int = 2) -> str:
    """Return a figure as wrk scales it: from 85 % of the next unit on in that unit.

    The last unit is never used.
    """
    factor, units = scale
    step = 0
    while step + 2 < len(units) and value >= factor * 0.85:
        value, step = value / factor, step + 1
    return f"{value:.{digits}f}{units[step]}"


def time_us(us: float) -> str:
    """Return a time as wrk prints it."""
    return scaled(us / 1e6, TIME_S) if us >= 1e6 else scaled(us, TIME_US)


def size(count: float) -> str:
    """Return a size as wrk prints it."""
    return f"{scaled(count, BINARY)}B"


def column(text: str, width: int) -> str:
    """Return a column as wrk prints it: cut to a fixed width, with the unit on the right."""
    padding = 2 - sum(letter.isalpha() for letter in text[-2:])
    width -= padding
    return f"{text[:width]:>{width}}" + " " * padding


@dataclass
class Wrk:
    """One run of wrk or wrk2, with its true figures."""

    asked_s: int = 30
    url: str = "http://198.18.0.1:8080/agents"
    threads: int = 12
    connections: int = 400
    latency_us: list[int] = field(default_factory=lambda: [1200, 1500, 1900, 2500, 9000])
    requests: int = 120_000
    runtime_us: int = 30_030_000
    bytes: int = 781_000_000
    connect: int = 0
    read: int = 0
    write: int = 0
    timeout: int = 0
    status: int = 0
    uncorrected_us: list[int] | None = None  # wrk2 -U

    @property
    def mean(self) -> float:
        return sum(self.latency_us) / len(self.latency_us)

    @property
    def stdev(self) -> float:
        count, mean = len(self.latency_us), self.mean
        squares = sum((value - mean) ** 2 for value in self.latency_us)
        return math.sqrt(squares / (count - 1)) if count > 1 else 0.0

    @property
    def rate(self) -> float:
        return self.requests / (self.runtime_us / 1e6)


def at(values: list[int], percentile: float) -> int:
    """Return the value at a percentile, by nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percentile / 100) - 1)]


def wrk(run: Wrk, *, latency: bool = True) -> str:
    """Return wrk's report."""
    lines = [*_head(run), *_stats(run)]
    if latency:
        lines.append("  Latency Distribution")
        for percentile in PERCENTILES[:4]:
            value = time_us(at(run.latency_us, percentile))
            lines.append(f"{percentile:7.0f}%{column(value, 10)}")
    return "\n".join([*lines, *_totals(run), ""])


def wrk2(run: Wrk) -> str:
    """Return wrk2's report with --latency, and with -U if the run has uncorrected latencies."""
    lines = _head(run)
    lines += [
        f"  Thread calibration: mean lat.: {run.mean / 1000:.3f}ms, rate sampling interval: 10ms"
    ] * run.threads
    lines += _stats(run)
    lines += [*_hdr("Recorded Latency", run.latency_us), "-" * 58]
    if run.uncorrected_us is not None:
        title = "Uncorrected Latency (measured without taking delayed starts into account)"
        lines += ["", *_hdr(title, run.uncorrected_us), "-" * 58]
    return "\n".join([*lines, *_totals(run), ""])


def _head(run: Wrk) -> list[str]:
    return [
        f"Running {scaled(run.asked_s, TIME_S, 0)} test @ {run.url}",
        f"  {run.threads} threads and {run.connections} connections",
    ]


def _stats(run: Wrk) -> list[str]:
    cells = [run.mean, run.stdev, max(run.latency_us)]
    texts = [column(time_us(c), w) for c, w in zip(cells, (8, 10, 9), strict=True)]
    return [
        f"  Thread Stats{'Avg':>6}{'Stdev':>11}{'Max':>8}{'+/- Stdev':>12}",
        f"    {'Latency':<10}{''.join(texts)}{75.0:8.2f}%",
        f"    {'Req/Sec':<10}{column('336.10', 8)}{column('12.00', 10)}{column('1.20k', 9)}"
        f"{66.67:8.2f}%",
    ]


def bucket(value: int) -> int:
    """The highest value that a histogram of 3 significant digits does not tell from this one."""
    bits = max(0, value.bit_length() - 11)
    return (((value >> bits) + 1) << bits) - 1


def nearest(values: list[int], percentile: float) -> int:
    """The value at a percentile as wrk2's summary has it: of the nearer of two answers."""
    rank = int(percentile / 100 * len(values) + 0.5)
    return bucket(sorted(values)[max(0, rank - 1)])


def spectrum(values: list[int]) -> Iterator[tuple[float, int, int]]:
    """Percentiles, values and answers up to there, as wrk2's detailed table has them."""
    counts = Counter(bucket(value) for value in values)
    percentile, answers = 0.0, 0
    for value in sorted(counts):
        answers += counts[value]
        while percentile <= 100 * answers / len(values):
            yield percentile, value, answers
            if answers == len(values):
                break
            percentile += 100 / (5 * 2 ** (int(math.log2(100 / (100 - percentile))) + 1))
    yield 100.0, max(counts), len(values)


def _hdr(title: str, values: list[int]) -> list[str]:
    lines = [f"  Latency Distribution (HdrHistogram - {title})"]
    for percentile in PERCENTILES:
        lines.append(f"{percentile:7.3f}%{column(time_us(nearest(values, percentile)), 10)}")
    lines += ["", "  Detailed Percentile spectrum:"]
    lines += [f"{'Value':>12} {'Percentile':>12} {'TotalCount':>12} 1/(1-Percentile)", ""]
    for percentile, value, rank in spectrum(values):
        inverse = f"{1 / (1 - percentile / 100):12.2f}" if percentile < 100 else f"{'inf':>12}"
        lines.append(f"{value / 1000:12.3f} {percentile / 100:12.6f} {rank:12d} {inverse}")
    mean = sum(values) / len(values)
    stdev = math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
    return [
        *lines,
        f"#[Mean    = {mean / 1000:12.3f}, StdDeviation   = {stdev / 1000:12.3f}]",
        f"#[Max     = {max(values) / 1000:12.3f}, Total count    = {len(values):12d}]",
        f"#[Buckets = {27:12d}, SubBuckets     = {2048:12d}]",
    ]


def _totals(run: Wrk) -> list[str]:
    lines = [f"  {run.requests} requests in {time_us(run.runtime_us)}, {size(run.bytes)} read"]
    if run.connect or run.read or run.write or run.timeout:
        lines.append(
            f"  Socket errors: connect {run.connect}, read {run.read}, write {run.write}, "
            f"timeout {run.timeout}"
        )
    if run.status:
        lines.append(f"  Non-2xx or 3xx responses: {run.status}")
    return [
        *lines,
        f"Requests/sec: {run.rate:9.2f}",
        f"Transfer/sec: {scaled(run.bytes / (run.runtime_us / 1e6), BINARY):>10}B",
    ]


@dataclass
class Ab:
    """One run of ab, with its true figures."""

    host: str = "198.18.0.1"
    port: int = 8080
    path: str = "/agents"
    concurrency: int = 50
    seconds: float = 1.25
    complete: int = 1000
    connect: int = 0
    receive: int = 0
    length: int = 0
    exceptions: int = 0
    write: int = 0
    status: int = 0
    bytes: int = 6_700_000
    times_ms: list[int] = field(default_factory=lambda: [3, 5, 8, 13, 120])

    @property
    def mean(self) -> int:
        return round(sum(self.times_ms) / len(self.times_ms))


def ab(run: Ab) -> str:
    """Return ab's report."""
    failed = run.connect + run.receive + run.length + run.exceptions
    rate = run.complete / run.seconds
    lines = [
        "This is ApacheBench, Version 2.3 <$Revision$>",
        "",
        f"Benchmarking {run.host} (be patient).....done",
        "",
        "Server Software:        nginx",
        f"Server Hostname:        {run.host}",
        f"Server Port:            {run.port}",
        "",
        f"Document Path:          {run.path}",
        "Document Length:        6500 bytes",
        "",
        f"Concurrency Level:      {run.concurrency}",
        f"Time taken for tests:   {run.seconds:.3f} seconds",
        f"Complete requests:      {run.complete}",
        f"Failed requests:        {failed}",
    ]
    if failed:
        lines.append(
            f"   (Connect: {run.connect}, Receive: {run.receive}, Length: {run.length}, "
            f"Exceptions: {run.exceptions})"
        )
    lines += [f"Write errors:           {run.write}"] * bool(run.write)
    lines += [f"Non-2xx responses:      {run.status}"] * bool(run.status)
    lines += [
        f"Total transferred:      {run.bytes} bytes",
        f"HTML transferred:       {run.bytes} bytes",
        f"Requests per second:    {rate:.2f} [#/sec] (mean)",
        f"Time per request:       {run.concurrency / rate * 1000:.3f} [ms] (mean)",
        f"Time per request:       {1000 / rate:.3f} [ms] (mean, across all concurrent requests)",
        f"Transfer rate:          {run.bytes / 1024 / run.seconds:.2f} [Kbytes/sec] received",
        "",
        "Connection Times (ms)",
        "              min  mean[+/-sd] median   max",
        f"Connect:    {0:5} {0:4} {0.1:5.1f} {0:6} {1:7}",
        f"Total:      {min(run.times_ms):5} {run.mean:4} {1.5:5.1f} {at(run.times_ms, 50):6}"
        f" {max(run.times_ms):7}",
        "",
        "Percentage of the requests served within a certain time (ms)",
        *(f"  {p}%  {at(run.times_ms, p):5}" for p in (50, 66, 75, 80, 90, 95, 98, 99)),
        f" 100%  {max(run.times_ms):5} (longest request)",
    ]
    return "\n".join([*lines, ""])
