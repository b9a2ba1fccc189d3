"""Tell in tables what held runs back first. Pure functions."""

from collections import Counter
from collections.abc import Sequence

from analysis.load import LoadedCampaign
from testbed.model.results import RunRecord

TITLE = "Gave out first"


def recorded(campaign: LoadedCampaign) -> bool:
    """Return whether any run of the campaign says what held it back."""
    return any(run.record.gave_out for run in campaign.runs)


def words(record: RunRecord) -> str:
    """Return what held a run back: 'one core'; an empty text if that was not recorded."""
    return "" if record.gave_out is None else record.gave_out.words


def of_trials(records: Sequence[RunRecord]) -> str:
    """Return what held these runs back, the most frequent first: 'workers 2, pool 1'.

    The numbers are left out where all agree. The text is empty if nothing was recorded.
    """
    found = Counter(told for record in records if (told := words(record))).most_common()
    if len(found) == 1:
        return found[0][0]
    return ", ".join(f"{told} {count}" for told, count in found)
