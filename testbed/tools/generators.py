"""Load generators behind one interface: the command that puts a load on a URL, and its files.

Pure: builds commands, runs nothing. To add a generator, write its class and list it in ADAPTERS.
"""

import json
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from testbed.errors import Exit, TestbedError
from testbed.model.experiment import LoadSpec
from testbed.model.results import Before, Generator, Load

LUA_FILE = "request.lua"
# What generators print, and the limit of open files that their shell wrote (testbed/run/run.py): a
# page or two; ab and wrk2 with a line per error, some more
PRINTED = {
    "generator.txt": 16 * 2**20,
    "warm-up.txt": 16 * 2**20,
    "generator-open-files.txt": 100,
}
AB_MOST_RPS = 50_000  # beyond what ab's one thread can do; ab sets 32 bytes aside for each


@dataclass(frozen=True)
class Target:
    """What is asked, and the answer that was verified before the load."""

    url: str
    method: str
    answer_bytes: int | None  # length of the verified answer's body; None: not always the same
    answer_sha256: str | None
    content_type: str | None = None  # of the body that is sent, if any
    body_file: str | None = None  # on the generating host


def processes(load: Load, cpus: int) -> int:
    """How many processes pacer takes: as many as threads are asked, but one a CPU at most.

    Of the others, which run as one process, CPU use is not known.
    """
    return max(1, min(load.threads, cpus)) if load.generator == "pacer" else 1


class Adapter(Protocol):
    """How one generator is called on a host. Commands are argument lists."""

    program: str  # as found on the host's PATH, or below the testbed's prefix
    version_option: str  # makes it print its version, first of all
    output: str  # file in the run's folder on the host that holds the figures
    leaves: dict[str, int]  # its files in that folder, with the most bytes that each may have

    def warms_up_itself(self, load: Load) -> bool:
        """Whether `command` holds the warm-up, and `warm_up` is not called."""
        ...

    def command(self, load: Load, target: Target, folder: str, cpus: int) -> list[str]:
        """The measured load; `cpus` are those of the generating host."""
        ...

    def warm_up(self, load: Load, target: Target, folder: str) -> list[str]:
        """The same load for `warmup_s`, at its own rate if it has one; its figures thrown away."""
        ...

    def files(self, target: Target) -> dict[str, str]:
        """Files that the commands read from the run's folder, by name."""
        ...

    def measured_from(self, output: str) -> datetime | None:
        """Start of the measured part by the generating host's clock; None: its output is silent."""
        ...


class Wrk:
    """wrk: closed loop, as fast as answers come."""

    program = "wrk"
    version_option = "--version"
    output = "generator.txt"
    leaves = PRINTED

    def warms_up_itself(self, load: Load) -> bool:
        """Never."""
        return False

    def command(self, load: Load, target: Target, folder: str, cpus: int) -> list[str]:
        """wrk with its latency distribution; whole seconds are all it takes."""
        return self._command(load, target, folder, load.duration_s, load.rate_rps)

    def warm_up(self, load: Load, target: Target, folder: str) -> list[str]:
        """The same for the warm-up's duration."""
        rate_rps = load.warmup_rate_rps or load.rate_rps
        return self._command(load, target, folder, load.warmup_s, rate_rps)

    def files(self, target: Target) -> dict[str, str]:
        """A Lua script where a body is sent: wrk has no option for one."""
        if target.body_file is None:
            return {}
        return {
            LUA_FILE: f'wrk.method = "{target.method}"\n'
            f'wrk.headers["Content-Type"] = "{target.content_type}"\n'
            f'wrk.body = assert(io.open("{target.body_file}", "rb")):read("*a")\n'
        }

    def measured_from(self, output: str) -> datetime | None:
        """Not told; it begins as it is started."""
        return None

    def _command(
        self, load: Load, target: Target, folder: str, duration_s: float, rate_rps: float | None
    ) -> list[str]:
        return [
            self.program,
            f"-t{load.threads}",
            f"-c{load.connections}",
            f"-d{max(1, round(duration_s))}s",
            *(["-R", f"{rate_rps:.0f}"] if rate_rps is not None else []),
            "--latency",
            "--timeout",
            f"{max(1, round(load.timeout_s))}s",
            *([] if load.keepalive else ["-H", "Connection: close"]),
            *(["-s", f"{folder}/{LUA_FILE}"] if target.body_file else []),
            target.url,
        ]


class Wrk2(Wrk):
    """wrk2: constant rate; takes wrk's options and -R."""

    program = "wrk2"


class Pacer:
    """pacer: constant rate, counts response time from when each request was due."""

    program = "pacer"
    version_option = "--version"
    output = "pacer.json"
    leaves = PRINTED | {
        "pacer.json": 64 * 2**20,
        "timeline.csv": 64 * 2**20,  # a line of about 100 bytes a second: a week
        "latency.hdr": 16 * 2**20,
    }

    def warms_up_itself(self, load: Load) -> bool:
        """By a schedule that runs through, unless the warm-up has a rate of its own."""
        return load.warmup_rate_rps is None

    def command(self, load: Load, target: Target, folder: str, cpus: int) -> list[str]:
        """pacer with all its files."""
        return [
            *self._command(load, target, load.rate_rps, load.duration_s),
            f"--processes={processes(load, cpus)}",
            f"--warmup={load.warmup_s if self.warms_up_itself(load) else 0:g}",
            f"--json={folder}/pacer.json",
            f"--timeline={folder}/timeline.csv",
            f"--hdr={folder}/latency.hdr",
        ]

    def warm_up(self, load: Load, target: Target, folder: str) -> list[str]:
        """pacer at the warm-up's own rate."""
        return self._command(load, target, load.warmup_rate_rps, load.warmup_s)

    def _command(
        self, load: Load, target: Target, rate_rps: float | None, duration_s: float
    ) -> list[str]:
        return [
            self.program,
            f"--url={target.url}",
            f"--method={target.method}",
            f"--rate={rate_rps:.12g}",
            f"--connections={load.connections}",
            f"--duration={duration_s:g}",
            f"--timeout={load.timeout_s:g}",
            *([] if load.keepalive else ["--no-keepalive"]),
            *([f"--body-file={target.body_file}"] if target.body_file else []),
            *([f"--header=Content-Type: {target.content_type}"] if target.content_type else []),
            *([] if target.answer_bytes is None else [f"--expect-length={target.answer_bytes}"]),
            *([] if target.answer_sha256 is None else [f"--expect-sha256={target.answer_sha256}"]),
            "--quiet",
        ]

    def files(self, target: Target) -> dict[str, str]:
        """None."""
        return {}

    def measured_from(self, output: str) -> datetime | None:
        """As its document has it; what is no time with its zone tells none."""
        try:
            told = datetime.fromisoformat(json.loads(output)["started_at"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        return told if told.tzinfo else None


class Ab:
    """Apache Benchmark: closed loop, one thread, HTTP/1.0.

    Keep-alive is asked for by a header (-k), as HTTP/1.0 has it; a server that does not know that
    closes all the same, and 'Keep-Alive requests' in the raw output tells how many it granted.
    """

    program = "ab"
    version_option = "-V"
    output = "generator.txt"
    leaves = PRINTED

    def warms_up_itself(self, load: Load) -> bool:
        """Never."""
        return False

    def command(self, load: Load, target: Target, folder: str, cpus: int) -> list[str]:
        """ab for a time; whole seconds are all it takes."""
        return self._command(load, target, load.duration_s)

    def warm_up(self, load: Load, target: Target, folder: str) -> list[str]:
        """The same for the warm-up's duration."""
        return self._command(load, target, load.warmup_s)

    def files(self, target: Target) -> dict[str, str]:
        """None."""
        return {}

    def measured_from(self, output: str) -> datetime | None:
        """Not told; it begins as it is started."""
        return None

    def _command(self, load: Load, target: Target, duration_s: float) -> list[str]:
        seconds = max(1, round(duration_s))
        return [
            self.program,
            "-q",
            "-r",  # counts what fails, and goes on
            f"-c{load.connections}",
            # this order: -t by itself would end at 50000 requests
            f"-t{seconds}",
            f"-n{max(load.connections, AB_MOST_RPS * seconds)}",
            f"-s{max(1, math.ceil(load.timeout_s))}",
            *(["-k"] if load.keepalive else []),
            *(["-l"] if target.answer_bytes is None else []),  # else compares with the first
            *(["-p", target.body_file] if target.body_file else []),
            *(["-T", target.content_type] if target.content_type else []),
            target.url,
        ]


ADAPTERS: dict[Generator, Adapter] = {
    "wrk": Wrk(),
    "wrk2": Wrk2(),
    "pacer": Pacer(),
    "ab": Ab(),
}


def measured_from(output: str, load: Load, host: Before) -> datetime | None:
    """Start of the measured part by the control side's clock, where the generator tells it."""
    told = ADAPTERS[load.generator].measured_from(output)
    if told is None or host.clock_offset_s is None:
        return None
    return told - timedelta(seconds=host.clock_offset_s)


def choose(spec: LoadSpec, available: set[Generator]) -> Load:
    """The load of one run with its generator chosen among those `available` on that host.

    `auto` takes wrk for saturation; for a rate wrk2 where there is one and it takes that rate, else
    pacer.
    Raises TestbedError if the one asked for, or every candidate, is missing there.
    """
    holding_a_rate: list[Generator] = ["wrk2", "pacer"] if spec.whole_rates else ["pacer"]
    candidates: list[Generator] = holding_a_rate if spec.open_loop else ["wrk"]
    wanted = candidates if spec.generator == "auto" else [spec.generator]
    found = next((name for name in wanted if name in available), None)
    if found is None:
        raise TestbedError(
            f"{spec.from_host} host: no {' or '.join(wanted)} there",
            remedy="run `ansible-playbook site.yml` for this inventory, or choose --generator",
            exit_code=Exit.NOT_READY,
        )
    data = spec.model_dump(exclude={"ramp", "capacity"})
    return Load.model_validate(data | {"generator": found})
