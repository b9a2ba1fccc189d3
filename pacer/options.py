"""What a run of `python -m pacer` is asked to do; it is checked before anything is sent."""

import argparse
import random
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pacer import arguments as given
from pacer import inputs, reach
from pacer.arguments import BadOption
from pacer.mix import Recipe
from pacer.mix_file import Common, read_mix
from pacer.outputs import Unwritable, check_outputs
from pacer.refused import Refused
from pacer.request import Target, build, meant_method, parse_header, parse_url
from pacer.schedule import Arrivals
from pacer.tls import Trust

Moment = Literal["due", "sent"]

MAX_BODY_BYTES = 64 << 20
SPARE_FILES = 64  # open files that a process needs besides its connections


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


def parse(arguments: list[str]) -> Options:
    """Return the options of a command line. Raises BadOption with a sentence for the user."""
    asked = given.read(arguments)
    try:
        target = parse_url(asked.url)
        recipes = _recipes(asked, target)
        unix_socket, trust = reach.unix_socket(asked), reach.trust(asked, target)
    except Refused as error:
        raise BadOption(str(error)) from None
    options = Options(
        url=asked.url,
        target=target,
        recipes=recipes,
        requests_file=asked.requests,
        unix_socket=unix_socket,
        trust=trust,
        method=None if asked.requests else recipes[0].method,
        keepalive=not asked.no_keepalive,
        expect_length=asked.expect_length,
        expect_sha256=_digest(asked),
        check_every=asked.check_every,
        **_load(asked),
        **_output(asked),
    )
    if options.sample_file and options.sample_size < len(recipes):
        raise BadOption(f"--sample-size {options.sample_size}: at least one of each request")
    try:
        check_outputs(options.files)
    except Unwritable as error:
        raise BadOption(str(error)) from None
    return options


def _load(asked: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of Options on how many requests are sent, and when."""
    seed = asked.seed
    if seed is None and (asked.arrivals == "poisson" or asked.requests):
        seed = random.SystemRandom().randrange(2**31)
    return {
        "rate_rps": asked.rate,
        "connections": asked.connections,
        "duration_s": asked.duration,
        "warmup_s": asked.warmup,
        "timeout_s": asked.timeout,
        "timeout_from": asked.timeout_from,
        "good_within_ms": asked.good_within,
        "processes": asked.processes,
        "arrivals": _arrivals(asked),
        "seed": seed,
    }


def _output(asked: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of Options on what is written."""
    return {
        "json_file": asked.json,
        "timeline_file": asked.timeline,
        "hdr_file": asked.hdr,
        "sample_file": asked.sample,
        "sample_size": asked.sample_size or given.DEFAULT_SAMPLE,
        "quiet": asked.quiet,
    }


def _digest(asked: argparse.Namespace) -> str | None:
    return None if asked.expect_sha256 is None else asked.expect_sha256.lower()


def _recipes(asked: argparse.Namespace, target: Target) -> list[Recipe]:
    """Return what is to be sent. Raises BadRequest or BadMix."""
    headers = [parse_header(text) for text in asked.header]
    keepalive = not asked.no_keepalive
    if asked.requests:
        _check_mixed(asked, target)
        return read_mix(asked.requests, Common(target, headers, keepalive))
    body = _body(asked)
    method = meant_method(asked.method, body)
    fixed = build(target, method=method, headers=headers, body=body or b"", keepalive=keepalive)
    length, digest = asked.expect_length, _digest(asked)
    return [Recipe(method=method, fixed=fixed, length=length, sha256=digest)]


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


def _body(asked: argparse.Namespace) -> bytes | None:
    """Return the body, which may be empty; None if none was given. Raises Unreadable."""
    if asked.body is not None:
        return str(asked.body).encode()
    if asked.body_file is None:
        return None
    return inputs.read("--body-file", asked.body_file, MAX_BODY_BYTES)


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
