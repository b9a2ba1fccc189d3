"""Define a question: what somebody has to decide, over stacks and over something that is swept.

`experiments/questions/<name>.yml` is a QuestionFile. What becomes of it at one scale is a
QuestionPlan, which the campaign's record keeps (testbed/asked/questions.py makes it).
"""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainValidator, model_validator

from testbed.model.article import Scale
from testbed.model.base import Declared, Model, wrong
from testbed.model.kinds import (
    LEAST_OF_A_TIME,
    MOST_LATENCY_MS,
    MOST_NUMBER,
    Connections,
    Differing,
    DurationSeconds,
    LatencyMs,
    Name,
    Rate,
    ResponseTimeMs,
    SettingValue,
    Text,
    Threads,
    TimeoutSeconds,
    Title,
    Trials,
    Version1,
    WarmupSeconds,
)
from testbed.model.load import Arrivals
from testbed.numbers import written_out

UPSTREAM = "upstream"  # what is swept, if it is no setting: the latency of the other service
MOST_POINTS = 20
Point = float | str  # latencies are numbers of milliseconds; a setting may have texts


def as_point(value: Any) -> Point:
    """Return the value as a point. Raises ValueError if it cannot be one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("must be a number or a text")
    if isinstance(value, str):
        if not value or len(value) > 100:
            raise ValueError("must have from 1 to 100 characters")
        return value
    if not math.isfinite(value) or not 0 <= value <= MOST_NUMBER:
        raise ValueError(f"must be a finite number from 0 to {MOST_NUMBER:,}")
    return float(value) + 0.0  # -0.0 becomes 0.0


PointValue = Annotated[Point, PlainValidator(as_point, json_schema_input_type=float | str)]
Points = Annotated[list[PointValue], Field(min_length=1, max_length=MOST_POINTS), Differing]


def point_text(point: Point) -> str:
    """Return a point as users write it: 50, 0.5 or 'uvicorn'. Different points differ in it."""
    return point if isinstance(point, str) else written_out(point, significant=15)


def in_order(points: list[Point]) -> list[Point]:
    """Return points in rising order if all of them are numbers, else as they are."""
    numbers = [point for point in points if not isinstance(point, str)]
    return [*sorted(numbers)] if len(numbers) == len(points) else points


class Sweep(Declared):
    """What the question sweeps: the other service's latency, or a setting of the stacks."""

    setting: Name | None = Field(
        default=None,
        description="the setting of every stack that is swept; left out: the latency of the other"
        " service, in milliseconds",
    )
    distribution: Literal["constant", "lognormal"] = Field(
        default="constant", description="of the latency: always the same, or log-normal"
    )
    sigma: float | None = Field(
        default=None,
        gt=0,
        le=3,
        description="of a log-normal latency: the standard deviation of its logarithm",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.setting is not None and self.distribution != "constant":
            raise wrong("the distribution is that of a latency, and a setting is swept", "setting")
        if self.setting == UPSTREAM:
            raise wrong("leave it out to sweep the latency; no setting has this name", "setting")
        if (self.sigma is not None) != (self.distribution == "lognormal"):
            raise wrong("sigma belongs to the distribution lognormal, and only to it", "sigma")
        return self

    @property
    def of(self) -> str:
        """Return the name of what is swept: a setting's, or UPSTREAM."""
        return self.setting or UPSTREAM


class LatencyRule(Declared):
    """A whole number that follows the latency: as many as keep the CPU busy while others wait.

    It is headroom * (1 + latency / work_ms), rounded up: while one request waits, as many others
    can be worked on as its waiting is times its work (B. Goetz, Java Concurrency in Practice, 2006,
    8.2).
    """

    work_ms: float = Field(
        ge=0.001, le=10_000, description="CPU time of one answer, milliseconds of one core"
    )
    headroom: float = Field(
        default=1, ge=1, le=10, description="how many times as many as that takes"
    )
    least: int = Field(default=1, ge=1, le=MOST_NUMBER, description="never fewer")
    most: int = Field(ge=1, le=MOST_NUMBER, description="never more")

    @model_validator(mode="after")
    def _a_range(self) -> Self:
        if self.least > self.most:
            raise wrong("least is more than most", "least")
        return self

    def value(self, latency_ms: float) -> int:
        """Return the number at a latency."""
        wanted = math.ceil(self.headroom * (1 + latency_ms / self.work_ms) - 1e-9)
        return min(max(wanted, self.least), self.most)


class Follows(Declared):
    """How a setting follows what is swept: by a rule, or with a value for each point."""

    reason: Text = Field(description="why a competent operator would choose it so")
    rule: LatencyRule | None = Field(default=None, description="a number that follows the latency")
    values: dict[str, SettingValue] = Field(
        default={}, description='its value at each point; the points are texts, as `"50"`'
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.rule is None) != bool(self.values):
            raise wrong("give a rule, or values, and not both", "values" if self.rule else "rule")
        return self


class Stack(Declared):
    """One way to serve, as a competent operator would choose it."""

    app: Name = Field(description="an app of the workload")
    title: Title | None = Field(
        default=None, description="in answers, tables and charts; left out: the app's"
    )
    reason: Text = Field(description="why it is served like this")
    settings: dict[Name, SettingValue] = Field(
        default={}, description="settings that differ from the app's defaults"
    )
    follows: dict[Name, Follows] = Field(
        default={}, description="settings that follow what is swept"
    )
    more_of: Name | None = Field(
        default=None,
        description="the stack that this one is with more of something, such as threads: the answer"
        " says whether that would have done",
    )


class ScaleOf(Declared):
    """How much is measured at one scale."""

    points: Points = Field(description="the latencies in ms, or the values of the setting")
    trials: Trials = Field(description="how often each search is made")
    duration_s: DurationSeconds = Field(description="seconds of a probe's measured load")
    warmup_s: WarmupSeconds = Field(description="seconds of load before them")
    precision_percent: float = Field(
        default=5, ge=0.1, le=100, description="a search ends when its interval is this narrow"
    )
    most_probes: int | None = Field(
        default=None, ge=1, le=200, description="the most probes of a search"
    )
    endpoints: Annotated[list[Name], Field(min_length=1), Differing] | None = Field(
        default=None, description="the only endpoints at this scale; left out: all"
    )
    stacks: Annotated[list[Name], Field(min_length=1), Differing] | None = Field(
        default=None, description="the only stacks at this scale; left out: all"
    )


class Objective(Declared):
    """What each answer must hold for a rate to count."""

    p99_ms: ResponseTimeMs = Field(description="the 99th percentile is at most this")
    errors_percent: float = Field(
        ge=0, lt=100, description="errors and unsent, of the requests due, at most"
    )


class Search(Declared):
    """Where capacities are searched, and by which load."""

    from_rps: Rate = Field(description="the rate that is tried first")
    to_rps: Rate = Field(description="no higher rate is tried")
    connections: Connections = Field(
        description="connections kept open: at least the rate times the response time"
    )
    threads: Threads = Field(description="processes of the generator, at most")
    timeout_s: TimeoutSeconds = Field(description="seconds until a request has timed out")
    arrivals: Arrivals | None = Field(
        default=None, description="when requests are due; left out: at random (poisson)"
    )

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.from_rps > self.to_rps:
            raise wrong("is more than to_rps: nothing is searched beyond that", "from_rps")
        if self.threads > self.connections:
            raise wrong("more threads than connections: some would have nothing to do", "threads")
        return self


class QuestionFile(Declared):
    """`experiments/questions/<name>.yml`: what somebody has to decide."""

    schema_version: Version1 = Field(description="of this file's format: 1")
    title: Title = Field(description="the question in a line")
    decision: Text = Field(description="what is to be decided, and what speaks for each side")
    workload: Name = Field(description="the workload that is asked")
    endpoints: Annotated[list[Name], Field(min_length=1), Differing] = Field(
        description="the endpoints of which each has an answer of its own"
    )
    upstream_ms: LatencyMs | None = Field(
        default=None, description="the other service's latency where a setting is swept"
    )
    sweep: Sweep = Field(description="what is swept")
    objective: Objective = Field(description="what each answer must hold")
    search: Search = Field(description="where capacities are searched")
    baseline: Name = Field(description="the stack that every other one is compared with")
    stacks: dict[Name, Stack] = Field(
        min_length=1, description="the ways to serve that are compared"
    )
    scales: dict[Scale, ScaleOf] = Field(
        min_length=1, description="how much is measured: `full`, and `small` to try it out"
    )

    @model_validator(mode="after")
    def _names_its_own(self) -> Self:
        if self.baseline not in self.stacks:
            raise wrong(f"must be one of the stacks: {', '.join(self.stacks)}", "baseline")
        if self.sweep.setting is None and self.upstream_ms is not None:
            raise wrong("the latency is swept, so it is not one alone", "upstream_ms")
        for name, stack in self.stacks.items():
            self._check_stack(name, stack)
        for name, scale in self.scales.items():
            self._check_scale(name, scale)
        return self

    def _check_stack(self, name: str, stack: Stack) -> None:
        place, swept = ("stacks", name), self.sweep.setting
        if stack.more_of is not None and (
            stack.more_of == name or stack.more_of not in self.stacks
        ):
            others = ", ".join(other for other in self.stacks if other != name) or "none"
            raise wrong(f"must be another of the stacks: {others}", *place, "more_of")
        if name in self._less_than(stack):
            raise wrong(f"{stack.more_of} is itself one with more of {name}", *place, "more_of")
        for setting, how in stack.follows.items():
            if setting == swept:
                raise wrong("is what the question sweeps", *place, "follows", setting)
            if setting in stack.settings:
                raise wrong("stands in settings, too", *place, "follows", setting)
            if how.rule is not None and swept is not None:
                at = (*place, "follows", setting, "rule")
                raise wrong("a rule follows a latency, and a setting is swept: give values", *at)
        if swept in stack.settings:
            raise wrong("is what the question sweeps", *place, "settings", str(swept))

    def _less_than(self, stack: Stack) -> list[str]:
        """Return the stacks that this one is with more of something, the nearest first."""
        found: list[str] = []
        less: str | None = stack.more_of
        while less is not None and less in self.stacks and less not in found:
            found.append(less)
            less = self.stacks[less].more_of
        return found

    def _check_scale(self, name: str, scale: ScaleOf) -> None:
        for key, known in (("endpoints", self.endpoints), ("stacks", list(self.stacks))):
            for number, one in enumerate(getattr(scale, key) or []):
                if one not in known:
                    names = ", ".join(known)
                    at = ("scales", name, key, number)
                    raise wrong(f"must be one of the question's {key}: {names}", *at)
        for number, point in enumerate(scale.points):
            if problem := self.point_problem(point):
                raise wrong(problem, "scales", name, "points", number)

    def point_problem(self, point: Point) -> str | None:
        """Return why a point cannot be one of those swept; None if it can."""
        if self.sweep.setting is None:
            if isinstance(point, str) or point > MOST_LATENCY_MS:
                return f"a latency is a number of milliseconds up to {MOST_LATENCY_MS:,}"
            if 0 < point < LEAST_OF_A_TIME:
                return f"a latency is 0, or {LEAST_OF_A_TIME} ms at least"
        elif not isinstance(point, str) and not point.is_integer():
            return "a setting is a text or a whole number"
        return None


class PlannedStack(Model):
    """A stack as it was planned."""

    name: Name
    app: Name
    title: str
    reason: str
    follows: dict[str, str] = {}  # setting: why it follows what is swept
    more_of: Name | None = None


class QuestionCell(Model):
    """A stack at one point, and the variant in which it is measured."""

    stack: Name
    point: Point
    variant: Name
    settings: dict[str, Any]  # those that differ from the app's defaults


class QuestionPlan(Model):
    """A question at one scale: what a campaign of `fab run-question` measures."""

    name: str  # of its file
    title: str
    decision: str
    scale: Scale
    swept: str  # a setting's name, or UPSTREAM
    # How the latency is distributed, in words; None: no latency is swept
    distribution: str | None
    upstream_ms: float | None = None  # where a setting is swept
    points: list[Point]  # rising, if they are numbers
    baseline: Name
    stacks: list[PlannedStack]
    cells: list[QuestionCell]

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        """Refuse a record, perhaps edited, that lacks a cell or names a stack that there is not."""
        names = [stack.name for stack in self.stacks]
        named = [self.baseline, *(stack.more_of for stack in self.stacks if stack.more_of)]
        if not {*named} <= {*names}:
            raise ValueError("question: baseline or more_of names none of its stacks")
        whole = {(name, point) for name in names for point in self.points}
        if {(cell.stack, cell.point) for cell in self.cells} != whole:
            raise ValueError("question: its cells are not each stack at each point")
        return self

    @property
    def of_latency(self) -> bool:
        """Return whether the other service's latency is swept."""
        return self.swept == UPSTREAM

    @property
    def ordered(self) -> bool:
        """Return whether the points are numbers, so that one is more than another."""
        return not any(isinstance(point, str) for point in self.points)

    def stack(self, name: str) -> PlannedStack:
        """Return the stack of that name."""
        return next(one for one in self.stacks if one.name == name)

    def cell(self, stack: str, point: Point) -> QuestionCell:
        """Return a stack's cell at one point."""
        return next(one for one in self.cells if (one.stack, one.point) == (stack, point))

    def at(self, point: Point) -> str:
        """Return a point in words: 'at 50 ms', or 'workers = 4'."""
        text = point_text(point)
        return f"at {text} ms" if self.of_latency else f"{self.swept} = {text}"
