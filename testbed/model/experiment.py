"""What an experiment file declares: what to run, and with which load."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from testbed.model.base import Model
from testbed.model.catalogue import Name
from testbed.model.results import Generator, HostRole

OPEN_LOOP: tuple[Generator, ...] = ("wrk2", "pacer")
CLOSED_LOOP: tuple[Generator, ...] = ("wrk", "ab")
PER_CPU = re.compile(r"(\d+) per cpu")


class Ramp(Model):
    """More and more load, each step a run of its own on a fresh app.

    Steps of `connections` are saturated; steps of `users` each ask once in `think_s`, whether they
    were answered or not, over a connection each.
    """

    of: Literal["connections", "users"]
    steps: list[Annotated[int, Field(gt=0)]] = Field(min_length=2)
    think_s: float = Field(default=1, gt=0)

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if sorted(set(self.steps)) != self.steps:
            raise ValueError("steps must rise")
        return self


class Capacity(Model):
    """The highest rate at which an objective is met, searched for with runs on a fresh app each."""

    from_rps: float = Field(gt=0)  # tried first; doubled or halved until the answer is bracketed
    to_rps: float = Field(gt=0)  # not searched beyond
    p99_ms: float = Field(gt=0)  # objective: p99 of response time at most this
    errors_percent: float = Field(ge=0, lt=100)  # objective: errors and unsent, of requests due
    precision_percent: float = Field(default=5, gt=0)  # bisect until the bracket is this narrow

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.from_rps > self.to_rps:
            raise ValueError("from_rps must not exceed to_rps: nothing is searched beyond that")
        return self


class LoadSpec(Model):
    """The load of an experiment's runs, before a generator is chosen."""

    mode: Literal["saturation", "constant_rate", "ramp", "capacity"]
    generator: Literal["auto"] | Generator = "auto"
    from_host: HostRole = "client"  # 'server': over loopback, a calibration
    rate_rps: float | None = Field(default=None, gt=0)
    connections: int = Field(gt=0)  # of a ramp: not used, its steps say
    threads: int = Field(gt=0)
    duration_s: float = Field(gt=0)
    warmup_s: float = Field(ge=0)
    warmup_rate_rps: float | None = Field(default=None, gt=0)  # None: at the rate that is measured
    timeout_s: float = Field(gt=0)
    keepalive: bool = True  # False: a connection for each request
    ramp: Ramp | None = None
    capacity: Capacity | None = None

    @property
    def open_loop(self) -> bool:
        """Requests are due by a schedule, not when the one before is answered."""
        closed_ramp = self.ramp is not None and self.ramp.of == "connections"
        return self.mode != "saturation" and not closed_ramp

    @property
    def whole_rates(self) -> bool:
        """Whether each rate is a whole number of requests per second, which is all wrk2 takes."""
        users = self.ramp.steps if self.ramp and self.ramp.of == "users" else []
        rates = [self.rate_rps or 0, *(n / self.ramp.think_s for n in users if self.ramp)]
        return all(float(rate).is_integer() for rate in rates)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for key, mode in (
            ("rate_rps", "constant_rate"),
            ("ramp", "ramp"),
            ("capacity", "capacity"),
        ):
            if (self.mode == mode) != (getattr(self, key) is not None):
                raise ValueError(f"{key} belongs to the mode {mode}, and only to it")
        if self.open_loop and self.generator in CLOSED_LOOP:
            raise ValueError(f"{self.generator} cannot hold a rate: take wrk2 or pacer")
        if not self.open_loop and self.generator in OPEN_LOOP:
            raise ValueError(f"{self.generator} holds a rate: take wrk or ab for saturation")
        if not self.open_loop and self.warmup_rate_rps is not None:
            raise ValueError("warmup_rate_rps is for loads that hold a rate")
        if self.capacity and self.generator == "wrk2":
            raise ValueError(
                "wrk2 does not count requests that were never sent or answered: take pacer to "
                "search for a capacity"
            )
        if self.generator == "wrk2" and not self.whole_rates:
            raise ValueError("wrk2 takes whole requests per second: take pacer for others")
        if self.generator == "ab" and self.threads != 1:
            raise ValueError("ab has one thread: threads must be 1")
        if self.threads > self.connections:
            raise ValueError("more threads than connections: some would have nothing to do")
        return self

    def step(self, number: int) -> Self:
        """The load of one step of a ramp, for `number` connections or users."""
        if self.ramp is None:
            raise ValueError("not a ramp")
        held = {"connections": number, "threads": min(self.threads, number)}
        if self.ramp.of == "connections":
            return self._single(mode="saturation", rate_rps=None, **held)
        # one generator for all steps, which are compared with each other
        generator = self.generator if self.whole_rates or self.generator != "auto" else "pacer"
        rate_rps = number / self.ramp.think_s
        return self._single(mode="constant_rate", rate_rps=rate_rps, generator=generator, **held)

    def at(self, rate_rps: float) -> Self:
        """The load of one probe of a capacity search; by pacer, which counts all that was due."""
        return self._single(mode="constant_rate", rate_rps=rate_rps, generator="pacer")

    def _single(self, **changes: Any) -> Self:
        data = self.model_dump(exclude={"ramp", "capacity"})
        return self.model_validate(data | changes)


class Variant(Model):
    """Settings that differ from the apps' defaults; for all apps, or for those named.

    'N per cpu' stands for N times the CPUs that the server's processes may use.
    """

    apps: list[Name] | None = None
    settings: dict[Name, str | int] = {}  # which every app of the variant must have
    app_settings: dict[Name, dict[Name, str | int]] = {}  # by app, on top of `settings`


class Question(Model):
    """What is compared, and under which load. `apps: null` stands for all apps of the workload."""

    title: str
    description: str
    apps: list[Name] | None = None
    endpoints: list[Name] = Field(min_length=1)
    variants: dict[Name, Variant] = {"default": Variant()}
    trials: int = Field(ge=1)
    load: LoadSpec
    # Round-trip time that the data link is given for this experiment, and rid of again
    link_delay_ms: float = Field(default=0, ge=0, le=1000)
    # Why apps of one endpoint and variant have unlike many workers; None: they should not
    unequal_workers: Annotated[str, Field(min_length=1)] | None = None
    telemetry_interval_s: float = Field(default=1, ge=0.1, le=60)

    @model_validator(mode="after")
    def _delays_what_is_used(self) -> Self:
        if self.link_delay_ms and self.load.from_host == "server":
            raise ValueError("link_delay_ms delays the link, which a load from_host server skips")
        return self


class Experiment(Question):
    """An experiment file."""

    schema_version: Literal[1]
    workload: Name

    @property
    def calibration(self) -> bool:
        """Generator and server share one host: marked everywhere, never ranked."""
        return self.load.from_host == "server"


class PlannedRun(Model):
    """One run to be: position, what is served, what is asked of it."""

    run_id: str
    app: Name
    endpoint: Name
    variant: Name
    settings: dict[str, Any]  # all settings of the app, with the variant's applied
    trial: int
    load: LoadSpec  # saturation or constant rate
