"""Put the times of a run on one axis: seconds since its measured part began.

The generator's timeline counts in these seconds already. Telemetry has the Unix time of each host's
own clock.
"""

from itertools import takewhile

import pandas as pd

from analysis.load import LoadedCampaign, LoadedRun
from testbed.host_roles import HostRole
from testbed.model.results import RunRecord


def seconds(campaign: LoadedCampaign, run: LoadedRun, role: HostRole) -> pd.Series:
    """Return when a host's telemetry was sampled, in seconds since the measured part began.

    The telemetry table must have the column `t_s`.
    """
    times: pd.Series = run.telemetry[role]["t_s"]
    return times - _clock_offset_s(campaign, run, role) - _measured_from_s(run.record)


def _clock_offset_s(campaign: LoadedCampaign, run: LoadedRun, role: HostRole) -> float:
    """Return how many seconds the host's clock was ahead of the control side's, before the run.

    If the run did not measure it, return the offset measured at the beginning of the campaign.
    """
    before = run.record.before.get(role)
    told = before.clock_offset_s if before else None
    return campaign.campaign.clock_offset_s.get(role, 0.0) if told is None else told


def _measured_from_s(record: RunRecord) -> float:
    """Return the Unix time, by the control side's clock, at which the measured part began.

    Older runs did not record it. For these, return the start of the run plus the durations of all
    phases before the measured part.
    """
    if record.measured_from is not None:
        return record.measured_from.timestamp()
    before_load = takewhile(lambda phase: phase[0] != "load", record.phases_s.items())
    inside_s = 0.0 if "warm-up" in record.phases_s else record.load.warmup_s
    return record.started_at.timestamp() + sum(took_s for _, took_s in before_load) + inside_s
