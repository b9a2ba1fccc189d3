"""Does a run count? Each check looks at one thing and says what it saw; the worst verdict holds.

Pure but for reading the run's own files. To add a check: write it, list it in CHECKS, and put its
limits into validity_limits.yml.
"""

import csv
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from statistics import fmean, median

import yaml
from scipy.stats import kendalltau, theilslopes

from testbed.model.base import Model
from testbed.model.catalogue import Statement
from testbed.model.results import (
    AnswerCheck,
    Failure,
    Finding,
    HostRole,
    LinkRecord,
    Load,
    SqlSeen,
    Verdict,
)
from testbed.model.tool_output import ToolOutput
from testbed.sql import collapsed

LIMITS_FILE = Path(__file__).with_name("validity_limits.yml")
CENSORED_PERCENT = 1.0  # of requests without an answer: from here on p99 is a lower bound
STEADY_SECONDS = 10  # fewer say nothing about a trend
STEADY_LEVEL = 0.01  # significance of the trend test
ORDER: list[Verdict] = ["valid", "doubtful", "invalid"]

Samples = list[dict[str, float]]


class Limit(Model):
    """One limit, with why it is where it is."""

    doubtful: float | None
    invalid: float | None
    unit: str
    reason: str
    source: str


@lru_cache(maxsize=1)
def limits() -> dict[str, Limit]:
    """All limits by name."""
    data = yaml.safe_load(LIMITS_FILE.read_text(encoding="utf-8"))
    return {name: Limit.model_validate(item) for name, item in data.items()}


@dataclass(frozen=True)
class Evidence:
    """What the checks look at. `folder` is the run's, with its telemetry."""

    load: Load
    output: ToolOutput | None
    answers: list[AnswerCheck]
    sql: list[SqlSeen] | None
    statements: list[Statement]  # that the workload declares for the endpoint
    unit: dict[str, str] | None
    failure: Failure | None
    link: LinkRecord | None
    generator_processes: int
    folder: Path

    @cached_property
    def telemetry(self) -> dict[HostRole, Samples]:
        """Samples by host; empty where nothing was recorded."""
        return {"server": self._samples("server"), "client": self._samples("client")}

    @cached_property
    def timeline(self) -> Samples:
        """The generator's whole seconds of the measured part; empty where it keeps none."""
        path = self.folder / "timeline.csv"
        if not path.is_file():
            return []
        with path.open(newline="") as stream:
            rows = [row for row in csv.DictReader(stream) if row["phase"] == "measured"]
        return [
            {key: float(value) for key, value in row.items() if value and key != "phase"}
            for row in rows[: int(self.load.duration_s)]
        ]

    def _samples(self, role: HostRole) -> Samples:
        path = self.folder / f"telemetry-{role}.csv"
        if not path.is_file():
            return []
        with path.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        return [{key: float(value) for key, value in row.items() if value} for row in rows]


def worst(findings: Iterable[Finding]) -> Verdict:
    """The verdict of a run: that of its worst finding."""
    return max((finding.verdict for finding in findings), key=ORDER.index, default="valid")


def judge(evidence: Evidence) -> list[Finding]:
    """What is wrong with the run; nothing, if it is valid."""
    if evidence.failure:
        sentence = f"no figures: failed in stage '{evidence.failure.stage}'"
        return [Finding(check="failure", verdict="invalid", sentence=sentence)]
    return [
        finding.model_copy(update={"check": check.__name__})
        for check in CHECKS
        for finding in check(evidence)
    ]


def _found(verdict: Verdict, sentence: str) -> Finding:
    return Finding(check="", verdict=verdict, sentence=sentence)


def _beyond(name: str, value: float | None, sentence: str) -> list[Finding]:
    """A finding if `value` is at or beyond a limit; `sentence` may hold {value:...}."""
    if value is None:
        return []
    limit = limits()[name]
    for verdict, bound in (("invalid", limit.invalid), ("doubtful", limit.doubtful)):
        if bound is not None and value >= bound:
            text = sentence.format(value=value)
            return [
                _found(
                    "invalid" if verdict == "invalid" else "doubtful",
                    f"{text} (limit {bound:g}): {limit.reason}",
                )
            ]
    return []


def answer(evidence: Evidence) -> list[Finding]:
    """The app answered as its workload expects, before and after the load."""
    return [
        _found("invalid", f"wrong answer {check.when} the load: {check.problem}")
        for check in evidence.answers
        if not check.ok
    ]


def sql(evidence: Evidence) -> list[Finding]:
    """PostgreSQL saw the statements that the workload declares, as often as declared, no others."""
    if evidence.sql is None:
        return [_found("doubtful", "which SQL the app sent was not observed")]
    findings = [
        _found(
            "invalid", f"SQL that the workload does not declare, {seen.calls} calls: {seen.text}"
        )
        for seen in evidence.sql
        if seen.kind == "unexpected"
    ]
    for statement in evidence.statements:
        texts = set(map(collapsed, statement.texts))
        calls = sum(seen.calls for seen in evidence.sql if seen.text in texts)
        findings += _calls_off(evidence, statement, calls)
    return findings


def _calls_off(evidence: Evidence, statement: Statement, calls: int) -> list[Finding]:
    """Requests without an answer may or may not have got as far as their query.

    So may those that were under way when the counting began or ended: at most one a connection.
    """
    output = evidence.output
    answered = output.all_answered if output else None
    if output is None or answered is None:
        return []
    unclear = output.errors.total + (output.unanswered or 0) + evidence.load.connections
    least = statement.calls_per_request * answered
    most = statement.calls_per_request * (answered + unclear)
    off = 100 * max(least - calls, calls - most, 0) / max(least, 1)
    text = collapsed(statement.texts[0]).replace("{", "{{").replace("}", "}}")
    sentence = (
        f"{calls} calls for {answered} answers, {{value:.1f}} % off the declared, of `{text}`"
    )
    return _beyond("sql_calls_off_percent", off, sentence)


def daemon(evidence: Evidence) -> list[Finding]:
    """The app's unit ran through."""
    unit = evidence.unit or {}
    if unit.get("ActiveState") != "active":
        state = unit.get("ActiveState", "unknown")
        return [_found("invalid", f"the app's unit was not active after the load, but {state}")]
    if unit.get("NRestarts", "0") != "0":
        return [_found("invalid", f"the app's unit restarted {unit['NRestarts']} times")]
    return []


def tool_output(evidence: Evidence) -> list[Finding]:
    """The generator's output holds together."""
    problems = evidence.output.problems if evidence.output else []
    return [_found("doubtful", f"the generator's output: {problem}") for problem in problems]


def no_good_answer(evidence: Evidence) -> list[Finding]:
    """At least one request was answered correctly."""
    output = evidence.output
    if output and not output.goodput_rps:
        return [_found("invalid", "not one request was answered correctly")]
    return []


def generator_lag(evidence: Evidence) -> list[Finding]:
    """The generator kept its own schedule."""
    lag = evidence.output.lag_us if evidence.output else None
    p99 = lag.percentiles.get("99") if lag else None
    return _beyond("generator_lag_p99_us", p99, "the generator lagged: p99 {value:.0f} us")


def generator_cpu(evidence: Evidence) -> list[Finding]:
    """The generator had CPU time to spare."""
    percent = evidence.output.cpu_percent if evidence.output else None
    if percent is None:
        return []
    each = percent / evidence.generator_processes
    return _beyond("generator_cpu_percent", each, "the generator used {value:.0f} % of a core")


def rate_reached(evidence: Evidence) -> list[Finding]:
    """A rate that was not put on is the server's doing only if the server was busy."""
    output = evidence.output
    if not output or not output.due or output.unsent is None:
        return []
    busy = _mean(evidence.telemetry["server"], "cpu_percent")
    bound = limits()["server_busy_percent"].doubtful
    if busy is None or bound is None or busy >= bound:
        return []
    short = 100 * output.unsent / output.due
    sentence = "{value:.1f} % of the requests due were never sent, yet the server's CPUs were at "
    return _beyond("rate_short_percent", short, f"{sentence}{busy:.0f} %")


def censored(evidence: Evidence) -> list[Finding]:
    """A remark: which percentiles of response time are only lower bounds.

    Requests that were never answered have no response time; each would have had a longer one than
    the run saw. That is a result of an overloaded server, and no fault of the run.
    """
    output = evidence.output
    if not output or not output.due or output.requests is None:
        return []
    share = 100 * (output.due - output.requests) / output.due
    if share < CENSORED_PERCENT:
        return []
    return [
        _found(
            "valid",
            f"{share:.1f} % of the requests due were never answered: response "
            f"times from the {100 - share:.1f}th percentile on are lower bounds",
        )
    ]


def steady(evidence: Evidence) -> list[Finding]:
    """Throughput no longer drifted: Mann-Kendall's test for a trend over the measured seconds.

    Its size is Theil and Sen's slope over the whole run, in percent of the median (Mann 1945,
    Kendall 1975; Sen 1968). Both are robust against single bad seconds.
    """
    completed = [row["completed"] for row in evidence.timeline]
    if len(completed) < STEADY_SECONDS:
        return []
    seconds = range(len(completed))
    if kendalltau(seconds, completed).pvalue >= STEADY_LEVEL:
        return []
    middle = median(completed)
    slope = theilslopes(completed, seconds).slope
    drift = 100 * abs(slope) * len(completed) / middle if middle else 100.0
    return _beyond("drift_percent", drift, "throughput drifted by {value:.0f} % over the run")


def steal(evidence: Evidence) -> list[Finding]:
    """The hosts kept their CPUs to themselves."""
    return [
        finding
        for role, samples in evidence.telemetry.items()
        for finding in _beyond(
            "steal_percent", _mean(samples, "steal_percent"), f"{role}: {{value:.1f}} % CPU stolen"
        )
    ]


def swap(evidence: Evidence) -> list[Finding]:
    """Nothing was swapped."""
    findings = []
    for role, samples in evidence.telemetry.items():
        moved = _growth(samples, "swap_in_bytes") + _growth(samples, "swap_out_bytes")
        findings += _beyond("swap_bytes", moved, f"{role}: {{value:.0f}} bytes swapped")
    return findings


def telemetry(evidence: Evidence) -> list[Finding]:
    """Both hosts were watched throughout."""
    findings = []
    for role, samples in evidence.telemetry.items():
        times = [sample["t_s"] for sample in samples]
        if not times:
            findings.append(_found("doubtful", f"{role}: nothing was recorded by telemetry"))
            continue
        gaps = [abs(b - a) for a, b in itertools.pairwise(times)]
        longest = max(gaps, default=None)
        findings += _beyond("telemetry_gap_s", longest, f"{role}: {{value:.1f}} s without a sample")
    return findings


def link_use(evidence: Evidence) -> list[Finding]:
    """The link had room."""
    samples = evidence.telemetry["server"]
    if evidence.link is None or len(samples) < 2:
        return []
    verified = min(way.mbit_per_s for way in evidence.link.directions)
    elapsed_s = samples[-1]["t_s"] - samples[0]["t_s"]
    if elapsed_s <= 0:
        return []
    mbit_per_s = _growth(samples, "net_tx_bytes") * 8e-6 / elapsed_s
    return _beyond(
        "link_use_percent",
        100 * mbit_per_s / verified,
        "the link from server to client was used to {value:.0f} %",
    )


def tail_samples(evidence: Evidence) -> list[Finding]:
    """Enough answers that a p99 means something."""
    requests = evidence.output.requests if evidence.output else None
    limit = limits()["tail_samples"]
    beyond = None if requests is None else requests * 0.01
    if beyond is None or limit.doubtful is None or beyond >= limit.doubtful:
        return []
    return [
        _found(
            "doubtful",
            f"only {requests} answers: {beyond:.1f} of them lie beyond p99 "
            f"(limit {limit.doubtful:g}): {limit.reason}",
        )
    ]


def _mean(samples: Samples, column: str) -> float | None:
    values = [sample[column] for sample in samples if column in sample]
    return fmean(values) if values else None


def _growth(samples: Samples, column: str) -> float:
    """By how much a counter grew over the samples."""
    values = [sample[column] for sample in samples if column in sample]
    return values[-1] - values[0] if values else 0.0


CHECKS: list[Callable[[Evidence], list[Finding]]] = [
    answer,
    sql,
    daemon,
    no_good_answer,
    tool_output,
    generator_lag,
    generator_cpu,
    rate_reached,
    censored,
    steady,
    steal,
    swap,
    telemetry,
    link_use,
    tail_samples,
]
