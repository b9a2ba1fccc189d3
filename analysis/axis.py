"""One time axis for a run: seconds since the measured part began, whichever host's clock told them.

The generator's timeline has them already. Telemetry has each host's own Unix time.
"""

from itertools import takewhile

import pandas as pd

from analysis.load import LoadedCampaign, LoadedRun
from testbed.model.kinds import HostRole
from testbed.model.results import RunRecord


def seconds(campaign: LoadedCampaign, run: LoadedRun, role: HostRole) -> pd.Series:
    """Return when a host's telemetry was sampled; its table must have the column `t_s`."""
    times: pd.Series = run.telemetry[role]["t_s"]
    return times - _clock_offset_s(campaign, run, role) - _measured_from_s(run.record)


def _clock_offset_s(campaign: LoadedCampaign, run: LoadedRun, role: HostRole) -> float:
    """Return by how much the host's clock was ahead, as measured before the run.

    Where the run did not measure it, the offset at the campaign's begin is taken.
    """
    before = run.record.before.get(role)
    told = before.clock_offset_s if before else None
    return campaign.campaign.clock_offset_s.get(role, 0.0) if told is None else told


def _measured_from_s(record: RunRecord) -> float:
    """Return the Unix time, by the control side's clock, at which the measured part began.

    Older runs did not record it: there, it is what the phases before it come to.
    """
    if record.measured_from is not None:
        return record.measured_from.timestamp()
    before_load = takewhile(lambda phase: phase[0] != "load", record.phases_s.items())
    inside_s = 0.0 if "warm-up" in record.phases_s else record.load.warmup_s
    return record.started_at.timestamp() + sum(took_s for _, took_s in before_load) + inside_s
