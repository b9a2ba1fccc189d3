"""Find the files that a run's figures rest on, so that a page can lead to them.

Links are relative to the page, so they work from the results folder. What a page that was mailed
needs is inside of it: settings and the command, and what the tool printed, if that is short.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from analysis.load import LoadedCampaign
from testbed import files
from testbed.errors import TestbedError
from testbed.texts import plain

QUESTION_FOLDER = "question"  # in a campaign's folder: the page that answers its question
INSIDE_BYTES = 1500  # of a raw file whose text stands in the page
MOST_FILES = 40  # of one run that are linked


@dataclass(frozen=True)
class RunFile:
    """One file of a run."""

    name: str  # relative to the run's folder
    link: str  # relative to the page
    size_bytes: int
    text: str | None = None  # of a short raw file


def of_campaign(campaign: LoadedCampaign, out: Path) -> dict[str, list[RunFile]]:
    """Return the files of each run by its id, as a page in the folder `out` links them."""
    to_folder = Path(os.path.relpath(campaign.folder.resolve(), out.resolve()))
    return {
        run.record.run_id: _of_run(campaign.folder / run.record.run_id, to_folder)
        for run in campaign.runs
    }


def question_page(campaign: LoadedCampaign, out: Path) -> str | None:
    """Return the link from a page in the folder `out` to the page that answers the question.

    Return None if the campaign answers none, or if the page has not been written.
    """
    page = campaign.folder / QUESTION_FOLDER / "index.html"
    if campaign.campaign.question is None or not page.is_file():
        return None
    return quote(os.path.relpath(page.resolve(), out.resolve()))


def _of_run(folder: Path, to_campaign: Path) -> list[RunFile]:
    paths = sorted([*folder.glob("*"), *folder.glob("raw/*")])
    found = []
    for path in paths:
        if path.is_symlink() or not path.is_file():
            continue
        name = path.relative_to(folder).as_posix()
        size = path.stat().st_size
        is_short = name.startswith("raw/") and 0 < size <= INSIDE_BYTES
        found.append(
            RunFile(
                name=name,
                link=quote((to_campaign / folder.name / name).as_posix()),
                size_bytes=size,
                text=_text(path) if is_short else None,
            )
        )
    return found[:MOST_FILES]


def _text(path: Path) -> str | None:
    """Return the file's text; None if it is no text or cannot be read."""
    try:
        return plain(files.read_text(path, INSIDE_BYTES))
    except TestbedError:
        return None
