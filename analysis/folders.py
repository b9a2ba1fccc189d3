"""Tell whether a results folder holds a campaign or a series of campaigns, and what it lacks."""

from pathlib import Path
from typing import TypeVar

from analysis.load import PLACE, LoadedCampaign, load
from testbed import files, store
from testbed.errors import TestbedError
from testbed.model.article import Series
from testbed.model.results import CAMPAIGN_FILE, SERIES_FILE
from testbed.texts import shown_name

T = TypeVar("T")


def is_series(folder: Path) -> bool:
    """Return whether the folder holds a series. Raises TestbedError for what is no folder."""
    files.check_folder(folder, PLACE)
    return (folder / SERIES_FILE).is_file()


def read_series(folder: Path) -> Series:
    """Read the record of the series in the folder.

    Raises TestbedError, which names the file, if the file is damaged or does not fit.
    """
    return store.read(folder / SERIES_FILE, Series)


def load_one(folder: Path) -> LoadedCampaign:
    """Load the campaign in the folder.

    Raises TestbedError if the folder holds no campaign. If it holds a series, the error names the
    campaigns of that series.
    """
    if is_series(folder):
        parts = read_series(folder).parts
        raise TestbedError(
            f"{shown_name(folder)}: a series of {len(parts)} campaigns, not one campaign",
            remedy="name one of them: "
            + ", ".join(shown_name(folder / part.campaign) for part in parts),
        )
    repeats = sorted(folder.glob(f"*/{CAMPAIGN_FILE}"))
    if repeats and not (folder / CAMPAIGN_FILE).exists():
        raise TestbedError(
            f"{shown_name(folder)}: {len(repeats)} campaigns, not one campaign",
            remedy=f"name one of them, as {shown_name(repeats[0].parent)}; `noise` reads "
            "campaigns of `fab run-aa` together",
        )
    return load(folder)


def written_by(task: str, campaign: LoadedCampaign, plan: T | None) -> T:
    """Return the plan, which only that task writes. Raises TestbedError if there is none."""
    if plan is None:
        raise TestbedError(
            f"{shown_name(campaign.folder)}: not a campaign of `{task}`",
            remedy="name the folder that it wrote, below results/",
        )
    return plan


def lacks(campaign: LoadedCampaign) -> str | None:
    """Return what is missing of a campaign, as a phrase; None if it is complete."""
    if missing := len(campaign.not_measured):
        return f"{missing} of {len(campaign.campaign.runs)} runs not measured"
    return None if campaign.campaign.ended_at else "not ended"
