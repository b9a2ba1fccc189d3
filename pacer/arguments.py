"""The arguments of `python -m pacer`, and what their values may be."""

import argparse
import math
import re
from typing import NoReturn

from pacer import __version__, inputs, outputs, reach
from pacer.refused import Refused

DEFAULT_TIMEOUT_S = 5.0
MAX_PROCESSES = 256
MAX_RATE_RPS = 1_000_000.0
MIN_RATE_RPS = 1e-6  # a request in eleven days
MAX_TIME_S = 1_000_000.0  # eleven days; of every option in seconds or milliseconds
MIN_GOOD_MS = 0.001  # response times are in whole microseconds
DEFAULT_SAMPLE = 100
MAX_SAMPLE = 10_000


class BadOption(Refused):
    """Raised for an option that makes no sense; the message is for the user."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadOption(message)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number) or "_" in text:
        raise ValueError
    return number


def _integer(text: str) -> int:
    if "_" in text:
        raise ValueError
    return int(text)


# argparse uses these names in its messages
_number.__name__ = "number"
_integer.__name__ = "integer"


def read(arguments: list[str]) -> argparse.Namespace:
    """Return the value of each argument. Raises BadOption for one that may not have its value."""
    parser = _Parser(
        prog="pacer",
        description="Send HTTP/1.1 requests and say what became of each.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"pacer {__version__}")
    reach.add_arguments(parser)
    load = parser.add_argument_group("load")
    _add_kind(load)
    _add_size(load)
    _add_schedule(load)
    _add_request(parser.add_argument_group("request ('-' as FILE is standard input)"))
    _add_answer(parser.add_argument_group("expected answer (else counted as wrong_body)"))
    _add_output(parser.add_argument_group("output ('-' as FILE is standard output)"))
    asked = parser.parse_args(arguments)
    _check_bounds(asked)
    _check_together(asked)
    return asked


def _add_kind(load: argparse._ArgumentGroup) -> None:
    kind = load.add_mutually_exclusive_group(required=True)
    kind.add_argument(
        "--rate", type=_number, metavar="R", help="requests per s, due whether answered or not"
    )
    kind.add_argument(
        "--closed",
        action="store_true",
        help="instead of --rate: each connection sends its next request when the last is answered",
    )


def _add_size(load: argparse._ArgumentGroup) -> None:
    load.add_argument(
        "--connections",
        type=_integer,
        required=True,
        metavar="C",
        help="at most this many at a time",
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


def _add_schedule(load: argparse._ArgumentGroup) -> None:
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
        "--processes",
        type=_integer,
        default=1,
        metavar="N",
        help="that share load and connections (1)",
    )
    load.add_argument(
        "--arrivals",
        choices=("constant", "poisson", "deterministic"),
        help="every 1/R seconds (constant, the default), or at random times that average to R; "
        "deterministic is an older word for constant",
    )
    load.add_argument(
        "--seed", type=_integer, help="of Poisson arrivals and of --requests (drawn and reported)"
    )


def _add_request(request: argparse._ArgumentGroup) -> None:
    request.add_argument("--method", help="(GET, or POST with a body)")
    request.add_argument("--header", action="append", default=[], metavar="'NAME: VALUE'")
    body = request.add_mutually_exclusive_group()
    body.add_argument("--body", metavar="TEXT")
    body.add_argument("--body-file", type=inputs.named, metavar="FILE")
    request.add_argument(
        "--no-keepalive", action="store_true", help="a connection of its own for each request"
    )
    request.add_argument(
        "--requests",
        type=inputs.named,
        metavar="FILE.json",
        help="several requests with weights and drawn values, instead of one (FORMAT.md)",
    )


def _add_answer(answer: argparse._ArgumentGroup) -> None:
    answer.add_argument("--expect-length", type=_integer, metavar="BYTES", help="of the body")
    answer.add_argument("--expect-sha256", metavar="HEX", help="of the body")
    answer.add_argument(
        "--good-within",
        type=_number,
        metavar="MS",
        help="response time beyond which a correct answer is not counted as good, milliseconds",
    )
    answer.add_argument(
        "--check-every", type=_integer, default=1, metavar="N", help="digest of one answer in N (1)"
    )


def _add_output(output: argparse._ArgumentGroup) -> None:
    for option, metavar, what in (
        ("--json", "FILE", "all figures (FORMAT.md)"),
        ("--timeline", "FILE.csv", "a row per second"),
        ("--hdr", "FILE", "HdrHistogram log, per second"),
        ("--sample", "FILE", "some answers, as JSON lines (FORMAT.md)"),
    ):
        output.add_argument(option, type=outputs.named, metavar=metavar, help=what)
    output.add_argument(
        "--sample-size",
        type=_integer,
        metavar="N",
        help=f"of --sample: this many answers at most ({DEFAULT_SAMPLE})",
    )
    output.add_argument("--quiet", action="store_true", help="no summary, no progress")


def _check_bounds(asked: argparse.Namespace) -> None:
    """Raise BadOption for a value that is not possible by itself."""
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
            f"--rate {asked.rate:.12g}: at least {MIN_RATE_RPS:.6f}, at most {MAX_RATE_RPS:.0f}"
        )
    for name in ("duration", "warmup", "timeout"):
        if getattr(asked, name) > MAX_TIME_S:
            raise BadOption(f"--{name} {getattr(asked, name):.12g}: at most {MAX_TIME_S:.0f}")
    good_ms = asked.good_within
    if good_ms is not None and not MIN_GOOD_MS <= good_ms <= MAX_TIME_S * 1000:
        raise BadOption(
            f"--good-within {good_ms:.12g}: at least {MIN_GOOD_MS}, at most {MAX_TIME_S * 1000:.0f}"
        )
    if asked.processes > MAX_PROCESSES:
        raise BadOption(f"--processes {asked.processes}: at most {MAX_PROCESSES}")
    if asked.expect_length is not None and asked.expect_length < 0:
        raise BadOption("--expect-length must not be negative")
    if asked.expect_sha256 is not None and not re.fullmatch(
        r"[0-9A-Fa-f]{64}", asked.expect_sha256
    ):
        raise BadOption("--expect-sha256 must be 64 hexadecimal digits")
    if asked.sample_size is not None and not 1 <= asked.sample_size <= MAX_SAMPLE:
        raise BadOption(f"--sample-size {asked.sample_size}: at least 1, at most {MAX_SAMPLE:,}")


def _check_together(asked: argparse.Namespace) -> None:
    """Raise BadOption for options that do not fit together."""
    if asked.connections < asked.processes:
        raise BadOption(
            f"fewer connections ({asked.connections}) than processes ({asked.processes}): "
            "some would have nothing to do"
        )
    if asked.closed and asked.arrivals is not None:
        raise BadOption("--arrivals is for --rate: a closed loop has no schedule")
    if asked.seed is not None and asked.arrivals != "poisson" and not asked.requests:
        raise BadOption("--seed is for --arrivals poisson and --requests: nothing else is drawn")
    if asked.sample_size is not None and not asked.sample:
        raise BadOption("--sample-size is for --sample")
