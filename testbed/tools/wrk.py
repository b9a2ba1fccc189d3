"""Call wrk: a closed loop, as fast as answers come. wrk_report.py reads its report."""

from collections.abc import Sequence

from testbed.model.load import Load
from testbed.tools import wrk_report
from testbed.tools.errors import ParseError
from testbed.tools.found import Found
from testbed.tools.lines import Line
from testbed.tools.tool import Generator, Target, each

LUA_FILE = "request.lua"
# wrk parses the request that a script makes, and ends at a method that its parser does not know.
# wrk2 has an older parser than wrk 4.1: the later methods are not asked of it
KNOWN_METHODS = {
    *("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"),
    *("COPY", "LOCK", "MKCOL", "MOVE", "PROPFIND", "PROPPATCH", "SEARCH", "UNLOCK", "REPORT"),
    *("MKACTIVITY", "CHECKOUT", "MERGE", "M-SEARCH", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "PURGE"),
}
LATER_METHODS = {"ACL", "BIND", "LINK", "MKCALENDAR", "REBIND", "UNBIND", "UNLINK"}


class Wrk(Generator):
    """wrk. Its latencies begin when a request was sent."""

    name = wrk_report.WRK
    package: str | None = wrk_report.WRK
    banner = r"Running \S+ test @ .*"
    inner = r"\d+ threads? and \d+ connections?"
    refusals: tuple[str, ...] = (
        r"unable to (?:connect|resolve|create) .*",
        r"number of connections must be .*",
        r"invalid URL: .*",
        r"wrk\d? .*(?:Copyright|version) .*",
    )
    saturates = True
    whole_seconds = True
    whole_timeouts = True
    late_answers_time_out = True
    adds_samples = True
    waits_after_head = True
    methods: frozenset[str] | None = frozenset(KNOWN_METHODS | LATER_METHODS)
    reads = (LUA_FILE,)

    def command(self, load: Load, target: Target, folder: str, cpus: int) -> list[str]:
        """Return the command of wrk with its latency distribution, for whole seconds."""
        return [
            self.name,
            f"-t{load.threads}",
            f"-c{load.connections}",
            f"-d{max(1, round(load.duration_s))}s",
            *(["-R", f"{load.rate_rps:.0f}"] if load.rate_rps is not None else []),
            "--latency",
            "--timeout",
            f"{load.timeout_s:.0f}s",
            *([] if load.keepalive else ["-H", "Connection: close"]),
            *each("-H", target.all_header_lines),
            *(["-s", f"{folder}/{LUA_FILE}"] if self.files(target) else []),
            target.url,
        ]

    def files(self, target: Target) -> dict[str, str]:
        """Return a Lua script for a method other than GET and a body: wrk has no options for them.

        Headers of a script would replace those of the command line.
        """
        if target.method == "GET" and target.body_file is None:
            return {}
        body = f'wrk.body = assert(io.open("{target.body_file}", "rb")):read("*a")\n'
        return {LUA_FILE: f'wrk.method = "{target.method}"\n{body if target.body_file else ""}'}

    def find(self, lines: Sequence[Line]) -> list[Found]:
        """Return all runs whose report has nothing that only wrk2 prints."""
        return [run for run in wrk_report.find(lines) if run.output.tool == self.name]

    def find_own(self, lines: Sequence[Line]) -> list[Found]:
        """Return all runs. Raises ParseError if wrk2 printed one of them."""
        runs = wrk_report.find(lines)
        for run in runs:
            if run.output.tool != self.name:
                raise ParseError(
                    f"this is {run.output.tool}'s output, not {self.name}'s", line=run.line
                )
        return runs
