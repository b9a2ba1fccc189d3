"""Define how long the other service of a workload takes, and what a run records of it."""

from typing import Literal, Self

from pydantic import Field, model_validator

from testbed.model.base import Declared, Model
from testbed.model.kinds import LatencyMs, Seed


class Upstream(Declared):
    """How long the other service takes for each answer: always the same, or log-normal."""

    latency_ms: LatencyMs = 0  # the time itself, or the median of a log-normal distribution
    distribution: Literal["constant", "lognormal"] = "constant"
    # Standard deviation of the logarithm: at 0.5, p99 is 3.2 times the median; at 3, 1073 times
    sigma: float = Field(default=0, ge=0, le=3)

    @model_validator(mode="after")
    def _says_how_it_varies(self) -> Self:
        varies = self.distribution == "lognormal"
        if varies != (self.sigma > 0):
            raise ValueError("sigma belongs to the distribution lognormal, which needs one above 0")
        if varies and not self.latency_ms:
            raise ValueError("latency_ms is the median of a lognormal distribution: above 0")
        return self

    @property
    def words(self) -> str:
        """Return how long an answer takes: '50 ms'."""
        if self.distribution == "constant":
            return f"{self.latency_ms:g} ms"
        return f"{self.latency_ms:g} ms at the median, log-normal with sigma {self.sigma:g}"


class UpstreamRecord(Model):
    """What the other service was asked to do in a run, and how it did in the measured part.

    Times are microseconds by percentile, rounded up to two digits; None: there were none.
    """

    asked: Upstream
    seed: Seed  # of what it draws; equal for all apps that are compared
    address: str  # where apps asked it, as 198.18.0.2:8081
    seconds: float | None = None  # of the measured part, covered by its rows; None: no rows
    requests: int | None = None
    answers: int | None = None
    gone: int | None = None  # clients that closed their connection before the answer was due
    strange: int | None = None  # requests that it does not know
    most_waiting: int | None = None  # answers that were waited for at once
    cpu_percent: float | None = None  # of one core
    drawn_us: dict[str, int] = {}  # the times that it took on purpose
    # How long after an answer was due it was given
    late_us: dict[str, int] = {}
    # How late its process woke up while nothing else was due. A request could have waited as long
    lag_us: dict[str, int] = {}
