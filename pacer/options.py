"""Read the command line of `python -m pacer`, and check it before anything is sent."""

import argparse
import math
import random
import re
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

from pacer import __version__, reach
from pacer.mix import Recipe
from pacer.mix_file import BadMix, Common, read_mix
from pacer.outputs import Unwritable, check_outputs
from pacer.request import BadRequest, Target, build, parse_header, parse_url
from pacer.schedule import Arrivals
from pacer.tls import Trust

Moment = Literal["due", "sent"]

DEFAULT_TIMEOUT_S = 5.0
MAX_PROCESSES = 256
MAX_RATE_RPS = 1_000_000.0
MIN_RATE_RPS = 1e-6  # a request in eleven days
MAX_TIME_S = 1_000_000.0  # eleven days, of whatever is told in seconds or milliseconds
MIN_GOOD_MS = 0.001  # response times are told in microseconds
MAX_BODY_BYTES = 64 << 20
DEFAULT_SAMPLE = 100
MAX_SAMPLE = 10_000
SPARE_FILES = 64  # open files that a process needs besides its connections


class BadOption(ValueError):
    """Raised for an option that makes no sense; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks of a run."""

    url: str
    target: Target
    recipes: list[Recipe]
    requests_file: Path | None
    unix_socket: str | None
    trust: Trust | None  # None: no https
    method: str | None  # None: as the file of requests has it
    rate_rps: float | None  # None: a closed loop
    connections: int
    duration_s: float
    warmup_s: float
    timeout_s: float
    timeout_from: Moment
    good_within_ms: float | None  # None: every correct answer is good
    processes: int
    keepalive: bool
    expect_length: int | None
    expect_sha256: str | None
    check_every: int
    arrivals: Arrivals | None  # None: a closed loop
    # Of Poisson arrivals and of a mix of requests; drawn at random if none was given
    seed: int | None
    json_file: Path | None
    timeline_file: Path | None
    hdr_file: Path | None
    sample_file: Path | None
    sample_size: int
    quiet: bool

    @property
    def files(self) -> list[Path]:
        """Return the files that will be written."""
        named = (self.json_file, self.timeline_file, self.hdr_file, self.sample_file)
        return [file for file in named if file is not None]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadOption(message)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


_number.__name__ = "number"  # argparse uses this name in its messages


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="pacer",
        description="Send HTTP/1.1 requests and say what became of each.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--version", action="version", version=f"pacer {__version__}")
    reach.add_arguments(parser)
    load = parser.add_argument_group("load")
    kind = load.add_mutually_exclusive_group(required=True)
    kind.add_argument(
        "--rate", type=_number, metavar="R", help="requests per s, due whether answered or not"
    )
    kind.add_argument(
        "--closed",
        action="store_true",
        help="instead of --rate: each connection sends its next request when the last is answered",
    )
    load.add_argument(
        "--connections", type=int, required=True, metavar="C", help="at most this many at a time"
    )
    load.add_argument(
        "--duration", type=_number, required=True, metavar="S", help="measured part, seconds"
    )
    load.add_argument(
        "--warmup",
        type=_number,
        default=0.0,
        metavar="S",
        help="the same load before the measured part, in no figure, seconds (0)",
    )
    load.add_argument(
        "--timeout",
        type=_number,
        default=DEFAULT_TIMEOUT_S,
        metavar="S",
        help=f"of one request, and of the drain after the last, seconds ({DEFAULT_TIMEOUT_S:g})",
    )
    load.add_argument(
        "--timeout-from",
        choices=("due", "sent"),
        default="due",
        help="count the time-out from when a request was due (the default), or from when a "
        "connection took it up to send it",
    )
    load.add_argument(
        "--processes", type=int, default=1, metavar="N", help="that share load and connections (1)"
    )
    load.add_argument(
        "--arrivals",
        choices=("constant", "poisson", "deterministic"),
        help="every 1/R seconds (constant, the default), or at random times that average to R; "
        "deterministic is an older word for constant",
    )
    load.add_argument(
        "--seed", type=int, help="of Poisson arrivals and of --requests (drawn and reported)"
    )
    request = parser.add_argument_group("request")
    request.add_argument("--method", help="(GET, or POST with a body)")
    request.add_argument("--header", action="append", default=[], metavar="'NAME: VALUE'")
    body = request.add_mutually_exclusive_group()
    body.add_argument("--body", metavar="TEXT")
    body.add_argument("--body-file", type=Path, metavar="FILE")
    request.add_argument(
        "--no-keepalive", action="store_true", help="a connection of its own for each request"
    )
    request.add_argument(
        "--requests",
        type=Path,
        metavar="FILE.json",
        help="several requests with weights and drawn values, instead of one (FORMAT.md)",
    )
    answer = parser.add_argument_group("expected answer (else counted as wrong_body)")
    answer.add_argument("--expect-length", type=int, metavar="BYTES", help="of the body")
    answer.add_argument("--expect-sha256", metavar="HEX", help="of the body")
    answer.add_argument(
        "--good-within",
        type=_number,
        metavar="MS",
        help="response time beyond which a correct answer is not counted as good, milliseconds",
    )
    answer.add_argument(
        "--check-every", type=int, default=1, metavar="N", help="digest of one answer in N (1)"
    )
    output = parser.add_argument_group("output")
    output.add_argument("--json", type=Path, metavar="FILE", help="all figures (FORMAT.md)")
    output.add_argument("--timeline", type=Path, metavar="FILE.csv", help="a row per second")
    output.add_argument("--hdr", type=Path, metavar="FILE", help="HdrHistogram log, per second")
    output.add_argument(
        "--sample", type=Path, metavar="FILE", help="some answers, as JSON lines (FORMAT.md)"
    )
    output.add_argument(
        "--sample-size",
        type=int,
        metavar="N",
        help=f"of --sample: this many answers at most ({DEFAULT_SAMPLE})",
    )
    output.add_argument("--quiet", action="store_true", help="no summary, no progress")
    return parser


def parse(arguments: list[str]) -> Options:
    """Return the options of a command line. Raises BadOption with a sentence for the user."""
    asked = _parser().parse_args(arguments)
    _check_numbers(asked)
    try:
        target = parse_url(asked.url)
        recipes = _recipes(asked, target)
        unix_socket, trust = reach.unix_socket(asked), reach.trust(asked, target)
    except (BadRequest, BadMix) as error:
        raise BadOption(str(error)) from None
    seed = asked.seed
    if seed is None and (asked.arrivals == "poisson" or asked.requests):
        seed = random.SystemRandom().randrange(2**31)
    options = Options(
        url=asked.url,
        target=target,
        recipes=recipes,
        requests_file=asked.requests,
        unix_socket=unix_socket,
        trust=trust,
        method=None if asked.requests else recipes[0].method,
        rate_rps=asked.rate,
        connections=asked.connections,
        duration_s=asked.duration,
        warmup_s=asked.warmup,
        timeout_s=asked.timeout,
        timeout_from=asked.timeout_from,
        good_within_ms=asked.good_within,
        processes=asked.processes,
        keepalive=not asked.no_keepalive,
        expect_length=asked.expect_length,
        expect_sha256=asked.expect_sha256.lower() if asked.expect_sha256 else None,
        check_every=asked.check_every,
        arrivals=_arrivals(asked),
        seed=seed,
        json_file=asked.json,
        timeline_file=asked.timeline,
        hdr_file=asked.hdr,
        sample_file=asked.sample,
        sample_size=asked.sample_size or DEFAULT_SAMPLE,
        quiet=asked.quiet,
    )
    if options.sample_file and options.sample_size < len(recipes):
        raise BadOption(f"--sample-size {options.sample_size}: at least one of each request")
    try:
        check_outputs(options.files)
    except Unwritable as error:
        raise BadOption(str(error)) from None
    return options


def _recipes(asked: argparse.Namespace, target: Target) -> list[Recipe]:
    """Return what is to be sent. Raises BadRequest or BadMix."""
    headers = [parse_header(text) for text in asked.header]
    keepalive = not asked.no_keepalive
    if asked.requests:
        _check_mixed(asked, target)
        return read_mix(asked.requests, Common(target, headers, keepalive))
    body = _body(asked)
    method = asked.method or ("POST" if body else "GET")
    fixed = build(target, method=method, headers=headers, body=body, keepalive=keepalive)
    digest = asked.expect_sha256.lower() if asked.expect_sha256 else None
    return [Recipe(method=method, fixed=fixed, length=asked.expect_length, sha256=digest)]


def _check_mixed(asked: argparse.Namespace, target: Target) -> None:
    for name in ("method", "body", "body_file", "expect_length", "expect_sha256"):
        if getattr(asked, name) is not None:
            raise BadOption(
                f"--{name.replace('_', '-')} is for a single request: the file of --requests says "
                "that of each"
            )
    if target.path != "/":
        raise BadOption(
            f"--url {asked.url}: without a path, as the file of --requests has one for each request"
        )


def _arrivals(asked: argparse.Namespace) -> Arrivals | None:
    if asked.closed:
        return None
    return "poisson" if asked.arrivals == "poisson" else "constant"


def _check_numbers(asked: argparse.Namespace) -> None:
    for name in ("rate", "duration", "timeout", "good_within"):
        given = getattr(asked, name)
        if given is not None and given <= 0:
            raise BadOption(f"--{name.replace('_', '-')} must be above 0")
    for name in ("connections", "processes", "check_every"):
        if getattr(asked, name) < 1:
            raise BadOption(f"--{name.replace('_', '-')} must be at least 1")
    if asked.warmup < 0:
        raise BadOption("--warmup must not be negative")
    if asked.rate is not None and not MIN_RATE_RPS <= asked.rate <= MAX_RATE_RPS:
        raise BadOption(
            f"--rate {asked.rate:g}: at least {MIN_RATE_RPS:g}, at most {MAX_RATE_RPS:g}"
        )
    for name in ("duration", "warmup", "timeout"):
        if getattr(asked, name) > MAX_TIME_S:
            raise BadOption(f"--{name} {getattr(asked, name):g}: at most {MAX_TIME_S:g}")
    good_ms = asked.good_within
    if good_ms is not None and not MIN_GOOD_MS <= good_ms <= MAX_TIME_S * 1000:
        raise BadOption(
            f"--good-within {good_ms:g}: at least {MIN_GOOD_MS:g}, at most {MAX_TIME_S * 1000:g}"
        )
    if asked.processes > MAX_PROCESSES:
        raise BadOption(f"--processes {asked.processes}: at most {MAX_PROCESSES}")
    if asked.connections < asked.processes:
        raise BadOption(
            f"fewer connections ({asked.connections}) than processes ({asked.processes}): "
            "some would have nothing to do"
        )
    if asked.expect_length is not None and asked.expect_length < 0:
        raise BadOption("--expect-length must not be negative")
    if asked.expect_sha256 and not re.fullmatch(r"[0-9A-Fa-f]{64}", asked.expect_sha256):
        raise BadOption("--expect-sha256 must be 64 hexadecimal digits")
    if asked.closed and asked.arrivals is not None:
        raise BadOption("--arrivals is for --rate: a closed loop has no schedule")
    if asked.seed is not None and asked.arrivals != "poisson" and not asked.requests:
        raise BadOption("--seed is for --arrivals poisson and --requests: nothing else is drawn")
    if asked.sample_size is not None and not asked.sample:
        raise BadOption("--sample-size is for --sample")
    if asked.sample_size is not None and not 1 <= asked.sample_size <= MAX_SAMPLE:
        raise BadOption(f"--sample-size {asked.sample_size}: at least 1, at most {MAX_SAMPLE:,}")


def _body(asked: argparse.Namespace) -> bytes:
    if asked.body is not None:
        return str(asked.body).encode()
    if asked.body_file is None:
        return b""
    try:
        with Path(asked.body_file).open("rb") as stream:
            body = stream.read(MAX_BODY_BYTES + 1)  # a device may never end
    except OSError as error:
        raise BadOption(f"--body-file {asked.body_file}: {error.strerror}") from None
    if len(body) > MAX_BODY_BYTES:
        raise BadOption(f"--body-file {asked.body_file}: more than {MAX_BODY_BYTES:,} bytes")
    return body


def raise_file_limit(connections_per_process: int) -> None:
    """Let this process and its children open as many files as the system allows.

    Connections that a server is slow to close come on top of the asked number. Raises BadOption if
    even the asked number of connections would not fit.
    """
    needed = connections_per_process + SPARE_FILES
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise BadOption(
            f"{connections_per_process} connections per process need {needed} open files, and the "
            f"limit is {hard}: raise it (ulimit -n), or use more --processes"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
