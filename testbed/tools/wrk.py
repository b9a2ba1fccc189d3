"""wrk: closed loop, as fast as answers come. Its report is read in wrk_report.py."""

from collections.abc import Sequence

from testbed.model.load import Load
from testbed.tools import wrk_report
from testbed.tools.errors import ParseError
from testbed.tools.found import Found
from testbed.tools.lines import Line
from testbed.tools.tool import Generator, Target

LUA_FILE = "request.lua"


class Wrk(Generator):
    """wrk. Its latencies count from when a request was sent."""

    name = wrk_report.WRK
    package: str | None = wrk_report.WRK
    banner = r"Running \S+ test @ .*"
    refusals: tuple[str, ...] = (
        r"unable to (?:connect|resolve|create) .*",
        r"number of connections must be .*",
        r"invalid URL: .*",
        r"wrk\d? .*(?:Copyright|version) .*",
    )
    saturates = True
    taken_by_auto = True
    late_answers_time_out = True
    reads = (LUA_FILE,)

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

    def _command(
        self, load: Load, target: Target, folder: str, duration_s: float, rate_rps: float | None
    ) -> list[str]:
        return [
            self.name,
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

    def find(self, lines: Sequence[Line]) -> list[Found]:
        """Runs whose report holds nothing that only wrk2 prints."""
        return [run for run in wrk_report.find(lines) if run.output.tool == self.name]

    def find_own(self, lines: Sequence[Line]) -> list[Found]:
        """The same. Raises ParseError where the report is wrk2's."""
        runs = wrk_report.find(lines)
        for run in runs:
            if run.output.tool != self.name:
                raise ParseError(
                    f"this is {run.output.tool}'s output, not {self.name}'s", line=run.line
                )
        return runs
