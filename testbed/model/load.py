"""Define the load of a run."""

from typing import Any, Literal

from pydantic import model_validator

from testbed.host_roles import HostRole
from testbed.model.base import Model
from testbed.model.kinds import (
    Connections,
    DurationSeconds,
    Name,
    Rate,
    ResponseTimeMs,
    Threads,
    TimeoutSeconds,
    WarmupSeconds,
)
from testbed.model.tool_output import ToolOutput

Arrivals = Literal["constant", "poisson"]  # at equal intervals, or at random times
Moment = Literal["due", "sent"]  # of a request
LoadMode = Literal["saturation", "constant_rate"]


class LoadShape(Model):
    """What the load that an experiment declares and the load of a run have in common."""

    from_host: HostRole  # the host that generates it; the server only to calibrate, over loopback
    rate_rps: Rate | None = None  # None: as fast as answers come
    # When requests are due. None: as is usual for the mode, see LoadSpec
    arrivals: Arrivals | None = None
    connections: Connections
    threads: Threads
    duration_s: DurationSeconds
    warmup_s: WarmupSeconds
    warmup_rate_rps: Rate | None = None  # None: at the rate that is measured
    timeout_s: TimeoutSeconds
    # From when a time-out counts. None: as the generator counts; pacer does from when it was due
    timeout_from: Moment | None = None
    # A correct answer that takes longer is not good, and no part of the goodput; None: each is good
    good_within_ms: ResponseTimeMs | None = None
    keepalive: bool = True  # False: a connection for each request


class Load(LoadShape):
    """The load of one run, as asked."""

    mode: LoadMode
    generator: Name  # name of a generator in testbed/tools/table.py
    timeout_from: Moment = "sent"

    @model_validator(mode="before")
    @classmethod
    def _as_before(cls, data: Any) -> Any:
        """Add how requests arrived to a load of before that was recorded: at constant intervals."""
        if isinstance(data, dict) and data.get("rate_rps") is not None:
            return data | {"arrivals": data.get("arrivals") or "constant"}
        return data


def requests_due(load: Load, output: ToolOutput) -> float | None:
    """Return how many requests fell due by the schedule.

    Where the generator does not count them they follow from the rate asked for and the duration.
    Return None for a closed loop, which has no schedule, and where the duration is not known.
    """
    if output.due:
        return output.due
    if load.rate_rps is None or output.duration_s is None:
        return None
    return load.rate_rps * output.duration_s
