"""Define the noise document: how much a place's figures vary though nothing was changed.

schema_version history (raise it with any change a reader would notice):
  1  first version
"""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from testbed.host_roles import HostRole
from testbed.model.base import Model
from testbed.model.experiment import Capacity
from testbed.model.load import Load

# Of campaigns whose figure was zero, the scatter has no percentage: they are left out
Mean = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Spread = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class NoiseHost(Model):
    """What a host was when its noise was measured."""

    role: HostRole
    hostname: str
    cpu_model: str
    cpus: int
    kernel: str


class NoiseCell(Model):
    """The noise of one figure of an app under one load. Spreads are percent of the figure.

    `trial_sd_percent` is that of a trial, `block_sd_percent` what a block adds to all trials in it.
    Campaigns scatter by `between_sd_percent`, which includes what their few trials leave to chance:
    `by_trials_sd_percent` of each campaign.
    """

    app: str
    digest: str | None  # of the app's files
    endpoint: str
    variant: str
    load: Load
    search: Capacity | None  # None: not a capacity search
    metric: str  # the figure, by its column in table.csv
    # Of each campaign, over the trials of both names
    means: list[Mean] = Field(min_length=2)
    # When these campaigns began: so one in two documents is recognised. None: not known
    began: list[datetime] | None = None
    trial_sd_percent: Spread | None  # None: fewer than two blocks in every campaign
    block_sd_percent: Spread | None
    between_sd_percent: Spread
    by_trials_sd_percent: list[Spread] | None = None  # None: not known of every campaign

    @model_validator(mode="after")
    def _each_campaign(self) -> Self:
        if self.began is not None and len(self.began) != len(self.means):
            raise ValueError("began does not have a time for each of the means")
        by_trials = self.by_trials_sd_percent
        if by_trials is not None and len(by_trials) != len(self.means):
            raise ValueError("by_trials_sd_percent does not have a figure for each of the means")
        return self


class Noise(Model):
    """`noise/<time>-<app>.json`: what `fab run-aa` found."""

    schema_version: Literal[1]
    place: Literal["lab", "metal"]
    hosts: list[NoiseHost]
    workload: str
    experiment: str
    app: str
    campaigns: list[str]
    measured_from: datetime
    measured_to: datetime
    cells: list[NoiseCell]
    digest: str | None = None  # of all the above (testbed/seal.py)
