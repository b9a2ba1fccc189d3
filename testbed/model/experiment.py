"""What an experiment file declares: what to run, and with which load."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from testbed.model.base import Model
from testbed.model.catalogue import Name
from testbed.model.results import Generator, HostRole, LoadMode


class LoadSpec(Model):
    """The load of every run of an experiment, before a generator is chosen."""

    mode: LoadMode
    generator: Literal["auto"] | Generator = "auto"
    from_host: HostRole = "client"  # 'server': over loopback, a calibration
    rate_rps: float | None = Field(default=None, gt=0)
    connections: int = Field(gt=0)
    threads: int = Field(gt=0)
    duration_s: float = Field(gt=0)
    warmup_s: float = Field(ge=0)
    timeout_s: float = Field(gt=0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.mode == "constant_rate") != (self.rate_rps is not None):
            raise ValueError("rate_rps belongs to the constant_rate mode, and only to it")
        if self.mode == "constant_rate" and self.generator == "wrk":
            raise ValueError("wrk cannot hold a rate: take wrk2 or pacer")
        if self.mode == "saturation" and self.generator in ("wrk2", "pacer"):
            raise ValueError(f"{self.generator} holds a rate: take wrk for saturation")
        if self.threads > self.connections:
            raise ValueError("more threads than connections: some would have nothing to do")
        return self


class Variant(Model):
    """Settings that differ from the apps' defaults; for all apps, or for those named."""

    apps: list[Name] | None = None
    settings: dict[Name, str | int] = {}


class Experiment(Model):
    """An experiment file. `apps: null` stands for all apps of the workload."""

    schema_version: Literal[1]
    title: str
    description: str
    workload: Name
    apps: list[Name] | None = None
    endpoints: list[Name] = Field(min_length=1)
    variants: dict[Name, Variant] = {"default": Variant()}
    trials: int = Field(ge=1)
    load: LoadSpec

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
