"""Define the experiment file: what to run, and with which load."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from testbed.host_roles import HostRole
from testbed.model.base import Declared, Model, wrong
from testbed.model.kinds import (
    MOST_RPS,
    Connections,
    DelayMs,
    Differing,
    IntervalSeconds,
    Name,
    Rate,
    ResponseTimeMs,
    SettingValue,
    Text,
    Title,
    Trials,
    Version1,
)
from testbed.model.load import Arrivals, LoadShape
from testbed.model.upstream import Upstream

AUTO = "auto"  # instead of a generator's name: whichever fits the load and is there
MOST_STEPS = 200  # of a ramp: each is a run for each cell and trial


class Ramp(Declared):
    """A load that increases in steps. Each step is a separate run on a freshly started app.

    A step of `connections` saturates the app. In a step of `users`, each user has a connection and
    asks once every `think_s` seconds, whether the request before was answered or not.
    """

    of: Literal["connections", "users"]
    steps: list[Connections] = Field(min_length=2, max_length=MOST_STEPS)
    think_s: float = Field(default=1, ge=0.01, le=3600)  # a hundredth of a second to an hour

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if sorted(set(self.steps)) != self.steps:
            raise ValueError("steps must rise")
        return self


class Capacity(Declared):
    """A search for the highest rate at which an objective is met. Each probe is a separate run."""

    from_rps: Rate  # tried first; doubled or halved until the answer is bracketed
    to_rps: Rate  # not searched beyond
    p99_ms: ResponseTimeMs  # objective: p99 of response time is at most this
    errors_percent: float = Field(ge=0, lt=100)  # objective: errors and unsent, of requests due
    # Probe until the interval is this narrow. Runs never agree to a tenth of a percent
    precision_percent: float = Field(default=5, ge=0.1, le=100)
    # None: as many as a bisection down to precision_percent would take
    most_probes: int | None = Field(default=None, ge=1, le=200)

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.from_rps > self.to_rps:
            raise ValueError("from_rps must not exceed to_rps: nothing is searched beyond that")
        return self


def _without_connections(schema: dict[str, Any]) -> None:
    """Have a load's JSON Schema not ask for `connections`, which a ramp says by its steps."""
    schema["required"].remove("connections")


class LoadSpec(LoadShape, Declared):
    """The load of an experiment's runs, before a generator is chosen.

    It is not checked here whether the generator exists and takes this load. The reader of an
    experiment does that with the table of generators (testbed/asked/loads.py).
    """

    model_config = ConfigDict(json_schema_extra=_without_connections)

    mode: Literal["saturation", "constant_rate", "ramp", "capacity"]
    generator: str = AUTO
    from_host: HostRole = "client"
    ramp: Ramp | None = None  # its steps say how many connections; `connections` is not needed
    capacity: Capacity | None = None

    @model_validator(mode="before")
    @classmethod
    def _steps_say_connections(cls, data: Any) -> Any:
        """Take the last step's number for the connections of a ramp that declares none."""
        if not isinstance(data, dict) or "connections" in data:
            return data
        ramp = data.get("ramp")
        steps = ramp.get("steps") if isinstance(ramp, dict) else getattr(ramp, "steps", None)
        return {**data, "connections": steps[-1]} if isinstance(steps, list) and steps else data

    @property
    def open_loop(self) -> bool:
        """Return whether requests are due by a schedule, and not when the last was answered."""
        closed_ramp = self.ramp is not None and self.ramp.of == "connections"
        return self.mode != "saturation" and not closed_ramp

    @property
    def usual_arrivals(self) -> Arrivals | None:
        """Return how requests arrive: as declared, or else as is usual for the mode.

        Users who do not know of each other ask at random times (Poisson), and so does the load of a
        search for the capacity that they find. A constant rate has constant intervals. Return None
        for a closed loop, which has no schedule.
        """
        if not self.open_loop:
            return None
        return self.arrivals or ("constant" if self.mode == "constant_rate" else "poisson")

    @property
    def rates_rps(self) -> list[float]:
        """Return every declared rate: of the load, of each step of users, or a search's first."""
        if self.ramp and self.ramp.of == "users":
            return [number / self.ramp.think_s for number in self.ramp.steps]
        if self.capacity:
            return [self.capacity.from_rps]
        return [] if self.rate_rps is None else [self.rate_rps]

    @property
    def whole_rates(self) -> bool:
        """Return whether each rate is a whole number per second, which some generators need."""
        return all(float(rate).is_integer() for rate in self.rates_rps)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for key, mode in (
            ("rate_rps", "constant_rate"),
            ("ramp", "ramp"),
            ("capacity", "capacity"),
        ):
            given = getattr(self, key) is not None
            if given and self.mode != mode:
                raise ValueError(f"{key} belongs to the mode {mode}, and only to it")
            if not given and self.mode == mode:
                raise ValueError(f"the mode {mode} takes {key}, which is missing")
        if not self.open_loop and self.warmup_rate_rps is not None:
            raise ValueError("warmup_rate_rps is for loads that hold a rate")
        if not self.open_loop and self.arrivals is not None:
            raise ValueError("arrivals is for loads that hold a rate")
        if self.warmup_rate_rps and 0 < self.warmup_rate_rps * self.warmup_s < 1:
            raise ValueError("at warmup_rate_rps no request falls due in warmup_s")
        if any(rate * self.duration_s < 1 for rate in self.rates_rps):
            raise ValueError("at this rate no request falls due in duration_s")
        if any(rate > MOST_RPS for rate in self.rates_rps):
            raise ValueError(f"steps / think_s: more than {MOST_RPS:,} requests per second")
        if self.capacity and self.capacity.p99_ms > 1000 * self.timeout_s:
            never = (
                f"requests time out after {1000 * self.timeout_s:g} ms (timeout_s): a p99 of "
                f"{self.capacity.p99_ms:g} ms is never seen; wait at least as long, or allow less"
            )
            raise wrong(never, "capacity", "p99_ms")
        if self.threads > self.connections:
            raise ValueError("more threads than connections: some would have nothing to do")
        return self

    def step(self, number: int) -> Self:
        """Return the load of one step of a ramp, for `number` connections or users."""
        if self.ramp is None:
            raise ValueError("not a ramp")
        held = {"connections": number, "threads": min(self.threads, number)}
        if self.ramp.of == "connections":
            return self._single(mode="saturation", rate_rps=None, **held)
        rate_rps = number / self.ramp.think_s
        return self._at(rate_rps, **held)

    def at(self, rate_rps: float) -> Self:
        """Return the load of one probe of a capacity search."""
        return self._at(rate_rps)

    def _at(self, rate_rps: float, **changes: Any) -> Self:
        arrivals = self.usual_arrivals
        return self._single(mode="constant_rate", rate_rps=rate_rps, arrivals=arrivals, **changes)

    def _single(self, **changes: Any) -> Self:
        data = self.model_dump(exclude={"ramp", "capacity"})
        return self.model_validate(data | changes)


class Variant(Declared):
    """Settings that differ from the apps' defaults, for all apps or for the named ones.

    'N per cpu' stands for N times the number of CPUs that the server's processes may use.
    """

    apps: Annotated[list[Name], Field(min_length=1), Differing] | None = None
    settings: dict[Name, SettingValue] = {}  # which every app of the variant must have
    # By app, on top of `settings`
    app_settings: dict[Name, dict[Name, SettingValue]] = {}
    upstream: Upstream | None = None  # in place of the experiment's

    @model_validator(mode="after")
    def _is_for_its_apps(self) -> Self:
        for name in self.app_settings:
            if self.apps is not None and name not in self.apps:
                raise ValueError(f"app_settings: {name} is none of the variant's apps")
        return self


class Design(Declared):
    """What is compared, and with which load. `apps: null` stands for all apps of the workload."""

    title: Title
    description: Text
    apps: Annotated[list[Name], Field(min_length=1), Differing] | None = None
    endpoints: Annotated[list[Name], Field(min_length=1), Differing]
    variants: dict[Name, Variant] = Field({"default": Variant()}, min_length=1)
    trials: Trials
    load: LoadSpec
    # Round-trip time that the data link has during this experiment, and not afterwards
    link_delay_ms: DelayMs = 0
    # How long the other service takes; for workloads with `services: [upstream]`. None: no time
    upstream: Upstream | None = None
    # Why apps of one endpoint and variant have different numbers of workers; None: they must not
    unequal_workers: Text | None = None
    # Between two samples of a host. None: a second, or less in a short run
    telemetry_interval_s: IntervalSeconds | None = None

    @model_validator(mode="after")
    def _delays_what_is_used(self) -> Self:
        if self.link_delay_ms and self.load.from_host == "server":
            raise ValueError("link_delay_ms delays the link, which a load from_host server skips")
        return self


class Experiment(Design):
    """An experiment file."""

    schema_version: Version1
    workload: Name

    @property
    def calibration(self) -> bool:
        """Return whether generator and server share one host. Such results are never ranked."""
        return self.load.from_host == "server"


class PlannedRun(Model):
    """A planned run: its position, what is served and what is asked of it."""

    run_id: str
    app: Name
    endpoint: Name
    variant: Name
    settings: dict[str, Any]  # all settings of the app, with the variant's applied
    trial: int
    load: LoadSpec  # saturation or constant rate
    upstream: Upstream | None = None  # None: the workload asks no other service
