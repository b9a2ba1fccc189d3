"""See a campaign of two versions of an app as two: the old one and the new one. Pure functions."""

from dataclasses import replace

from analysis.load import LoadedCampaign
from testbed.errors import TestbedError
from testbed.model.campaign import Version, Versions
from testbed.texts import shown_name


def sides(loaded: LoadedCampaign) -> tuple[LoadedCampaign, LoadedCampaign]:
    """Return the old and the new version's runs, each under the name that both had before.

    Raises TestbedError if the campaign has no two versions.
    """
    versions = loaded.campaign.versions
    if versions is None:
        raise TestbedError(
            f"{shown_name(loaded.folder)}: not a campaign of two versions of an app",
            remedy="name a second campaign to compare it with",
        )
    return _side(loaded, versions, versions.old), _side(loaded, versions, versions.new)


def _side(loaded: LoadedCampaign, versions: Versions, version: Version) -> LoadedCampaign:
    """Return the campaign with the runs and answers of one version only."""
    about = loaded.campaign
    name, title = versions.app, versions.app_title
    mine = [run for run in loaded.runs if run.record.app == version.app]
    ids = [run_id for run_id in about.runs if run_id.split("-")[1:2] == [version.app]]
    return replace(
        loaded,
        campaign=about.model_copy(
            update={
                "runs": ids,
                "apps": {name: about.apps[version.app]} if version.app in about.apps else {},
                "capacities": [
                    one.model_copy(update={"app": name})
                    for one in about.capacities
                    if one.app == version.app
                ],
            }
        ),
        runs=[
            replace(run, record=run.record.model_copy(update={"app": name, "app_title": title}))
            for run in mine
        ],
        not_measured=[run_id for run_id in loaded.not_measured if run_id in ids],
    )
