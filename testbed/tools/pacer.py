"""Call pacer, this project's own generator, and read its JSON document (see pacer/FORMAT.md).

pacer itself counts what has to be calculated from the output of other tools. Of ToolOutput:

- `requests` counts the complete answers to requests that were due in the measured part, whenever
  the answers came. Throughput and goodput count the answers that came within the measured part,
  whenever they were due.
- `threads` is the number of its load processes.
- A closed loop has no schedule. Its `due`, `unsent` and `lag_us` are None. Its response times begin
  when a connection begins the request, so they hold the opening of a connection, if there was one.
- Without an expected length or digest no body was checked, so wrong_body is unknown, not 0. Of a
  mix, each request has an expectation of its own.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from testbed import files
from testbed.model.load import Load
from testbed.model.results import HISTOGRAM_FILE, TIMELINE_FILE
from testbed.model.tool_output import (
    AnswersPerConnection,
    Distribution,
    Errors,
    ErrorText,
    RequestFigures,
    ToolOutput,
)
from testbed.numbers import written_out
from testbed.tools import checks, documents
from testbed.tools.checks import Times
from testbed.tools.documents import Document as WrittenDocument
from testbed.tools.documents import Fields, Percentile
from testbed.tools.errors import ParseError
from testbed.tools.found import Found
from testbed.tools.lines import Line
from testbed.tools.tool import PRINTED, SAMPLE_FILE, Generator, Target

NAME = "pacer"
SCHEMA_VERSIONS = {1, 2, 3, 4}
_SUMMARY = re.compile(r"\d+ process\(es\) and \d+ connections, .*")  # a line of it


class Pacer(Generator):
    """pacer: a rate, or a closed loop. Response times of a rate begin when a request was due."""

    name = NAME
    saturates = True
    holds_a_rate = True
    taken_by_auto = True
    most_rps = 1_000_000  # as pacer/arguments.py has it, and the most processes
    most_threads = 256
    counts_unsent = True
    from_due = True
    gives_up = True
    draws_arrivals = True
    times_out_from_due = True
    has_a_deadline = True
    compares = "length and digest"
    mixes = True
    output = "pacer.json"
    leaves = PRINTED | {
        "pacer.json": files.LARGEST_BYTES,
        TIMELINE_FILE: files.LARGEST_BYTES,  # enough for a week, at 100 bytes a second
        HISTOGRAM_FILE: files.LARGEST_BYTES,  # a mix has one for each of its parts, too
        SAMPLE_FILE: 16 * 2**20,  # a hundred answers of 64 KiB, in base64
    }

    def warms_up_itself(self, load: Load) -> bool:
        """Return whether pacer warms up itself, before the measured part of the same schedule.

        It does unless the warm-up has a rate of its own.
        """
        return load.warmup_rate_rps is None

    def command(self, load: Load, target: Target, folder: str, cpus: int) -> list[str]:
        """Return the command of pacer, which makes it write all its files."""
        return [
            *self._command(load, target, load.rate_rps, load.duration_s),
            f"--processes={self.processes(load, cpus)}",
            f"--warmup={load.warmup_s if self.warms_up_itself(load) else 0:g}",
            f"--json={folder}/pacer.json",
            f"--timeline={folder}/{TIMELINE_FILE}",
            f"--hdr={folder}/{HISTOGRAM_FILE}",
            *([f"--sample={folder}/{SAMPLE_FILE}"] if target.keep_sample else []),
        ]

    def warm_up(self, load: Load, target: Target, folder: str, cpus: int) -> list[str]:
        """Return the command of pacer at the warm-up's own rate."""
        return self._command(load, target, load.warmup_rate_rps, load.warmup_s)

    def _command(
        self, load: Load, target: Target, rate_rps: float | None, duration_s: float
    ) -> list[str]:
        return [
            self.name,
            f"--url={target.url}",
            *self._asked(target),
            "--closed" if rate_rps is None else f"--rate={rate_rps:.12g}",
            f"--connections={load.connections}",
            f"--duration={duration_s:g}",
            f"--timeout={load.timeout_s:g}",
            *([] if rate_rps is None else [f"--timeout-from={load.timeout_from}"]),
            *([] if rate_rps is None else [f"--arrivals={load.arrivals}"]),
            *([] if target.seed is None else [f"--seed={target.seed}"]),
            *([] if load.good_within_ms is None else [f"--good-within={load.good_within_ms:g}"]),
            *([] if load.keepalive else ["--no-keepalive"]),
            "--quiet",
        ]

    def _asked(self, target: Target) -> list[str]:
        """Return the options that say what is asked, and what the answer must be."""
        if target.requests_file is not None:
            return [f"--requests={target.requests_file}"]
        return [
            f"--method={target.method}",
            *([f"--body-file={target.body_file}"] if target.body_file else []),
            *(f"--header={text}" for text in target.all_header_lines),
            *([] if target.answer_bytes is None else [f"--expect-length={target.answer_bytes}"]),
            *([] if target.answer_sha256 is None else [f"--expect-sha256={target.answer_sha256}"]),
        ]

    def processes(self, load: Load, cpus: int) -> int:
        """Return as many processes as threads are asked for, but at most one for each CPU."""
        return max(1, min(load.threads, cpus))

    def measured_from(self, output: str) -> datetime | None:
        """Return the start that its document has; None if that is not a time with a time zone."""
        try:
            told = datetime.fromisoformat(json.loads(output)["started_at"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        return told if told.tzinfo else None

    def find(self, lines: Sequence[Line]) -> list[Found]:
        """Return all runs of pacer in a text, and as refused its summaries for people."""
        return [
            *documents.find(lines, NAME, f'"{NAME}"', lambda data: data.get("tool") == NAME, _read),
            *documents.texts_for_people(
                lines, NAME, _SUMMARY, "this is pacer's summary for people; parse its --json file"
            ),
        ]


class _Times(Fields):
    mean: float | None
    stdev: float | None
    min: float | None
    max: float | None
    percentiles: dict[Percentile, float]


class _Process(Fields):
    role: str
    cpu_percent: float | None


class _Errors(Fields):
    connect: int
    read: int
    write: int
    timeout: int
    status: int
    wrong_body: int


class _ErrorText(Fields):
    kind: str
    text: str
    count: int


class _Warmup(Fields):
    completed: int


class _Request(Fields):
    """The figures of one request of a mix."""

    due: int
    completed: int
    ok: int
    errors: _Errors
    unsent: int
    unanswered: int
    throughput_rps: float | None
    goodput_rps: float | None
    response_us: _Times
    correct_us: _Times
    failed_us: _Times
    service_us: _Times
    warmup: _Warmup


class _AnswersPerConnection(Fields):
    connections: int
    none: int
    min: int
    p5: int
    p50: int
    p95: int
    mean: float
    max: int


class _Document(Fields):
    """The keys of pacer's document that are read here."""

    command: str
    url: str
    loop: Literal["open", "closed"] = "open"  # from version 3 on
    rate_rps: float | None
    connections: int
    duration_s: float
    measured_s: float
    complete: bool
    due: int
    completed: int
    ok: int
    errors: _Errors
    error_texts: list[_ErrorText] = []  # from version 4 on, as the next two
    status_codes: dict[str, int] = {}
    handshake_us: _Times | None = None
    unsent: int
    unanswered: int
    bytes: int
    throughput_rps: float | None
    goodput_rps: float | None
    expect_length: int | None
    expect_sha256: str | None
    good_within_ms: float | None = None  # from version 3 on, as the next two
    correct_us: _Times | None = None
    failed_us: _Times | None = None
    response_us: _Times
    service_us: _Times
    lag_us: _Times
    connections_opened: int
    answers_per_connection: _AnswersPerConnection | None
    cpu_percent: float | None
    processes: list[_Process]
    warmup: _Warmup
    by_request: dict[str, _Request] = {}  # from version 4 on
    problems: list[str]


def _checked(written: WrittenDocument) -> _Document:
    """Return the keys that are read here. Raises ParseError if pacer does not write them so."""
    data, line = written.data, written.line
    version = data.get("schema_version")
    if type(version) is not int or version not in SCHEMA_VERSIONS:
        raise ParseError(
            f"pacer's document has schema_version {version}; known: {sorted(SCHEMA_VERSIONS)}",
            line=line.number,
        )
    if version == 1:  # its answers_per_connection did not count connections that were closed
        data = data | {"answers_per_connection": None}
    return replace(written, data=data).read(NAME, _Document)


def _read(written: WrittenDocument) -> ToolOutput:
    """Return what a document says. Raises ParseError if it is not as pacer writes it."""
    document = _checked(written)
    errors, answers = document.errors.model_dump(), document.answers_per_connection
    shares = [one.cpu_percent for one in document.processes if one.cpu_percent is not None]
    closed = document.loop == "closed"
    expects = document.expect_length is not None or document.expect_sha256 is not None
    if not (expects or document.by_request):
        errors["wrong_body"] = None
    return ToolOutput(
        tool=NAME,
        command=document.command,
        url=document.url,
        duration_s=document.measured_s,
        connections=document.connections,
        threads=sum(process.role == "load" for process in document.processes),
        rate_rps=document.rate_rps,
        requests=document.completed,
        correct=document.ok,
        warmup_requests=document.warmup.completed,
        throughput_rps=document.throughput_rps,
        goodput_rps=document.goodput_rps,
        good_within_ms=document.good_within_ms,
        bytes=document.bytes,
        errors=Errors(**errors),
        error_texts=[ErrorText(**one.model_dump()) for one in document.error_texts],
        status_codes=document.status_codes,
        latency_us=Distribution(**document.response_us.model_dump()),
        correct_us=_distribution(document.correct_us),
        failed_us=_distribution(document.failed_us),
        service_us=_distribution(document.service_us),
        handshake_us=_handshake(document),
        lag_us=None if closed else _distribution(document.lag_us),
        due=None if closed else document.due,
        unsent=None if closed else document.unsent,
        unanswered=document.unanswered,
        cpu_percent=document.cpu_percent,
        busiest_process_cpu_percent=max(shares, default=None),
        connections_opened=document.connections_opened,
        answers_per_connection=AnswersPerConnection(**answers.model_dump()) if answers else None,
        by_request={name: _request(one, closed) for name, one in document.by_request.items()},
        problems=[*document.problems, *_problems(document)],
    )


def _request(one: _Request, closed: bool) -> RequestFigures:
    return RequestFigures(
        due=None if closed else one.due,
        requests=one.completed,
        correct=one.ok,
        warmup_requests=one.warmup.completed,
        throughput_rps=one.throughput_rps,
        goodput_rps=one.goodput_rps,
        errors=Errors(**one.errors.model_dump()),
        latency_us=Distribution(**one.response_us.model_dump()),
        correct_us=_distribution(one.correct_us),
        failed_us=_distribution(one.failed_us),
        service_us=_distribution(one.service_us),
        unsent=None if closed else one.unsent,
        unanswered=one.unanswered,
    )


def _handshake(document: _Document) -> Distribution | None:
    """Return the times of TLS handshakes; None without https."""
    return _distribution(document.handshake_us) if document.url.startswith("https:") else None


def _distribution(times: _Times | None) -> Distribution | None:
    return None if times is None else Distribution(**times.model_dump())


def _problems(document: _Document) -> list[str]:
    found = []
    if not document.complete:
        found.append(
            f"The run ended early: {written_out(document.measured_s)} s of the "
            f"{written_out(document.duration_s)} s asked for."
        )
    errors = document.errors
    ended = document.unsent + document.unanswered + document.completed
    ended += errors.connect + errors.read + errors.write + errors.timeout
    if ended != document.due:
        were = "due" if document.loop == "open" else "begun"
        found.append(f"{document.due} requests were {were}, but {ended} are accounted for.")
    if document.completed != document.ok + errors.status + errors.wrong_body:
        found.append(
            f"{document.completed} answers are not the sum of the correct and the wrong ones."
        )
    throughput, goodput = document.throughput_rps, document.goodput_rps
    if throughput is not None and goodput is not None and goodput > throughput:
        found.append(
            f"A goodput of {written_out(goodput)}/s exceeds the throughput of "
            f"{written_out(throughput)}/s."
        )
    for name in ("response", "correct", "failed", "service", "lag", "handshake"):
        if times := getattr(document, f"{name}_us"):
            found += checks.order(_printed(times), f"{name} time")
    if document.by_request:
        found += _sums(document)
    return found


def _sums(document: _Document) -> list[str]:
    """Return a sentence for each count that is not the sum of those of the mix's requests."""
    found = []
    for name in ("due", "completed", "ok", "unsent", "unanswered"):
        all_of_them = sum(getattr(one, name) for one in document.by_request.values())
        if all_of_them != getattr(document, name):
            found.append(
                f"'{name}' is {getattr(document, name)}, but the requests of the mix have "
                f"{all_of_them} together."
            )
    return found


def _printed(of: _Times) -> Times:
    return documents.times(
        1, mean=of.mean, stdev=of.stdev, low=of.min, high=of.max, percentiles=of.percentiles
    )
