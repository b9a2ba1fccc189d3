"""Repeat a campaign from an archive of it (testbed/archive.py): the same question, asked here."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testbed import archive, store
from testbed.asked import catalogue as catalogues
from testbed.asked import experiments, workload_files
from testbed.asked.plan import plan
from testbed.errors import TestbedError
from testbed.model.campaign import Campaign
from testbed.model.experiment import Experiment, PlannedRun
from testbed.model.results import CAMPAIGN_FILE
from testbed.texts import shown_name

FOLDER = "originals"  # in the results folder: campaigns of others, unpacked


@dataclass(frozen=True)
class Original:
    """A campaign that is to be repeated, and what it asks of this place."""

    folder: Path
    campaign: Campaign
    experiment: Experiment
    planned: list[PlannedRun]
    differences: list[str]  # a sentence for each app and workload that is another one here


def opened(bundle: Path, results_folder: Path) -> Path:
    """Return the folder of an archive's campaign, unpacked below the results folder and checked.

    One that was unpacked before is taken, if it is of the same archive. Raises TestbedError if the
    archive is not as its list says.
    """
    manifest = archive.read_manifest(bundle)
    folder = results_folder / FOLDER / manifest.campaign
    if not folder.exists():
        archive.unpack(bundle, folder)
    elif store.read(folder / archive.MANIFEST, type(manifest)) != manifest:
        raise TestbedError(
            f"{shown_name(folder)}: is of another archive of that name", remedy="remove it first"
        )
    return folder


@contextmanager
def unpacked(bundle: Path, results_folder: Path) -> Iterator[Path]:
    """Give what `opened` returns. If it is refused then, what was unpacked now is removed again."""
    before = set((results_folder / FOLDER).glob("*"))
    folder = opened(bundle, results_folder)
    try:
        yield folder
    except TestbedError:
        if folder not in before:
            shutil.rmtree(folder)
        raise


def original(folder: Path, apps_path: str | None) -> Original:
    """Return the campaign of an unpacked archive, and its plan with the apps here.

    Raises TestbedError if it was edited, cannot be repeated from its record, or if an app or
    endpoint of it is not here.
    """
    path = folder / CAMPAIGN_FILE
    campaign = store.read(path, Campaign)
    store.finished_runs(folder, campaign)  # refuses runs of which a file was edited
    if campaign.versions is not None:
        raise TestbedError(
            f"{shown_name(campaign.campaign)}: compares two versions of {campaign.versions.app}, "
            "whose code an archive does not hold",
            remedy="measure both here, from their code",
        )
    experiment = experiments.recorded(campaign.asked, path)
    catalogue = catalogues.load(apps_path)
    planned = plan(experiment, catalogue, campaign.seed)
    apps = catalogue.apps_of(experiment.workload)
    found = [
        f"The code of {experiment.workload}/{name} is not that of the original."
        for name, digest in campaign.apps.items()
        if name in apps and apps[name].digest != digest
    ]
    name = experiment.workload
    here = workload_files.digests(catalogue.folders[name], catalogue.workload(name))
    if campaign.workload_digest not in (None, workload_files.digest(here)):
        found.append(f"The workload {experiment.workload} is not that of the original.")
    return Original(folder, campaign, experiment, planned, found)
