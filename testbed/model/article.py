"""Define a published comparison: how it is asked again, what it printed and what it claims.

`experiments/articles/<name>.yml` has an Article, `experiments/published/<name>.yml` a Published,
and `series.json` the Series that `fab run-article` makes of them.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from testbed.model.base import Declared, Model
from testbed.model.experiment import MOST_STEPS, Design, Experiment
from testbed.model.kinds import (
    Connections,
    DurationSeconds,
    Line,
    Name,
    Rate,
    Text,
    Threads,
    TimeoutSeconds,
    Title,
    Trials,
    Version1,
    WarmupSeconds,
)

Mode = Literal["as_published", "fair"]
Scale = Literal["full", "small"]
# Older names of metrics, which older series and users' files have: figures were later renamed to
# those of table.csv
EARLIER_NAMES = {
    "latency_mean_us": "response_mean_us",
    "latency_p50_us": "response_p50_us",
    "latency_p99_us": "response_p99_us",
}


def _name_of_today(value: Any) -> Any:
    return EARLIER_NAMES.get(value, value) if isinstance(value, str) else value


# Ratios and orders are judged, but never the figures themselves, which are of another machine. A
# share of failures is already a ratio. A figure of the result table has the name of its column.
MetricName = Literal[
    "throughput_rps",
    "goodput_rps",
    "errors_percent",  # errors, unsent and unanswered, as a share of the requests due or made
    "response_mean_us",
    "response_p50_us",
    "response_p99_us",
    "cpu_ms_per_answer",
    "memory_peak_mb",
    "slowdown_users",  # of a ramp: the first step that is slow (analysis/ramp.py)
    "errors_users",  # of a ramp: the first step with errors (analysis/ramp.py)
]
Metric = Annotated[MetricName, BeforeValidator(_name_of_today)]
SHARES: tuple[Metric, ...] = ("errors_percent",)


class Small(Declared):
    """What `--scale small` replaces, to be quick rather than exact. None leaves it as it is."""

    trials: Trials = 2
    duration_s: DurationSeconds = 3
    warmup_s: WarmupSeconds = 1
    rate_rps: Rate | None = None
    connections: Connections | None = None
    threads: Threads | None = None
    timeout_s: TimeoutSeconds | None = None
    steps: list[Connections] | None = Field(default=None, max_length=MOST_STEPS)  # of a ramp


class Part(Design):
    """One experiment of an article."""

    small: Small = Small()


class Asked(Declared):
    """An article's question asked one way."""

    description: Text
    # Differences from the article, a sentence each; with `fair` also what is equal
    differences: list[Text]
    parts: dict[Name, Part] = Field(min_length=1)  # carried out in this order


class Article(Declared):
    """How a published comparison is asked again."""

    schema_version: Version1
    title: Title
    workload: Name
    as_published: Asked
    fair: Asked

    def asked(self, mode: Mode) -> Asked:
        """Return the question in this mode."""
        return self.as_published if mode == "as_published" else self.fair

    def experiment(self, mode: Mode, part: str, scale: Scale) -> Experiment:
        """Return a part as an experiment. Raises ValueError if `small` does not fit its load."""
        design = self.asked(mode).parts[part]
        data = design.model_dump(exclude={"small"})
        if scale == "small":
            small = design.small.model_dump(exclude_none=True)
            data["trials"] = small.pop("trials")
            steps = small.pop("steps", None)
            data["load"] |= small
            if steps is not None and data["load"]["ramp"] is not None:
                data["load"]["ramp"]["steps"] = steps
        return Experiment.model_validate(data | {"schema_version": 1, "workload": self.workload})


class CellRef(Declared):
    """One app, endpoint and variant of a part: what a figure belongs to."""

    part: Name
    app: Name
    endpoint: Name
    variant: Name = "default"


class PublishedFigure(Declared):
    """A figure that the article printed. A misprint is corrected, with a note."""

    cell: CellRef  # of as_published
    metric: Metric
    value: float
    printed: Text | None = None  # as the article printed it, if `value` differs from that
    note: Text | None = None


class ComparedCells(Declared):
    """Which cells a claim compares: the ratio of `of` to `to`. A share has no `to`."""

    of: CellRef
    to: CellRef | None = None


class Accept(Declared):
    """The range in which a ratio (or a share, in percent) must be; None means no limit."""

    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _a_range(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("give at_least, at_most or both, else every figure would do")
        if None not in (self.at_least, self.at_most) and self.at_least > self.at_most:  # type: ignore[operator]
            raise ValueError("at_least is above at_most")
        return self


class Claim(Declared):
    """Something that the article says, and when it counts as reproduced.

    It is 'reproduced' if the 95 % interval of the ratio is within `accept`, and 'not reproduced' if
    all of the interval is outside. Otherwise it is 'undecided'. There is 'no data' on it if a side
    has no run that counts.
    """

    text: Text  # what the article says, in our words
    metric: Metric
    published: float | None  # the ratio (or share in percent) of its figures; None: they are lost
    accept: Accept
    rule: Text  # why this range
    compare: dict[Mode, ComparedCells] = Field(min_length=1)

    @model_validator(mode="after")
    def _shares_stand_alone(self) -> Self:
        for cells in self.compare.values():
            if cells.to is None and self.metric not in SHARES:
                raise ValueError(
                    f"{self.metric}: figures of other machines are not judged; name a cell `to`"
                )
        return self


class Published(Declared):
    """`experiments/published/<name>.yml`: the article's figures and claims."""

    schema_version: Version1
    title: Title
    author: Line | None
    year: int | None = Field(ge=1990, le=2100)  # since there was HTTP
    machines: Text  # on what it was measured
    slips: list[Text]  # what is wrong with it or missing, a sentence each
    figures: list[PublishedFigure]
    claims: dict[Name, Claim] = Field(min_length=1)


class SeriesPart(Model):
    """One campaign of a series."""

    mode: Mode
    part: Name
    campaign: str  # its folder, beside series.json


class Series(Model):
    """`results/<series>/series.json`: all campaigns of an article asked again."""

    schema_version: Literal[1]
    series: str  # the folder's name
    article_name: Name
    article: Article
    published: Published
    scale: Scale
    seed: int
    parts: list[SeriesPart]  # in the order carried out; a campaign not yet begun has no folder
    created_at: datetime
    ended_at: datetime | None
    digest: str | None = None  # of all the above (testbed/seal.py); None: not recorded
