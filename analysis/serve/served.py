"""Decide which files of the results folder are served: those that a campaign has, and no others."""

from collections.abc import Sequence
from pathlib import Path

from analysis.evidence import QUESTION_FOLDER
from analysis.serve.index import Entry, is_name
from analysis.serve.reports import FOLDER
from testbed import files
from testbed.errors import TestbedError
from testbed.model.results import CAMPAIGN_FILE, SERIES_FILE
from testbed.texts import shown_name

PAGES = (FOLDER, QUESTION_FOLDER)  # folders of files that commands of this package write
PLAIN = "text/plain; charset=utf-8"  # of whatever a tool or an app printed
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
}
# A report may use its own styles and script, which its page names by their digests, and no more:
# not even other pages of this server. Other files may use nothing at all.
REPORT_POLICY = (
    "sandbox allow-scripts allow-popups; default-src 'none'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
)
HEAD = b"<header>"
HOME = HEAD + b'\n<p class="kicker"><a href="/">All campaigns</a></p>'
FILE_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def path_of(entries: Sequence[Entry], name: str) -> tuple[Path, str]:
    """Return the file with this name in the results folder, and its type.

    Raises TestbedError if no campaign has such a file, or a link leads to it from elsewhere.
    """
    owners = [one for one in entries if name.startswith(f"{one.name}/")]
    if owners:
        owner = max(owners, key=lambda one: len(one.name))
        inner = name.removeprefix(f"{owner.name}/").split("/")
        if all(map(is_name, inner)) and _has(owner, inner):
            found = files.beside(owner.folder, "/".join(inner))
            if _is_plain(found):
                return found, _type(inner)
    raise TestbedError(f"{shown_name(name)}: no file of a campaign")


def with_way_home(page: bytes) -> bytes:
    """Return a page that a command wrote, with a link to the list of campaigns at its head."""
    return page.replace(HEAD, HOME, 1)


def _is_plain(path: Path) -> bool:
    try:
        return files.kind(path) is None
    except OSError:  # no such file, or a name that none can have
        return False


def _has(entry: Entry, inner: Sequence[str]) -> bool:
    if len(inner) == 1:
        return inner[0] in (CAMPAIGN_FILE, SERIES_FILE)
    of_campaign = inner[0] == QUESTION_FOLDER or inner[0] in entry.runs
    return inner[0] == FOLDER or (of_campaign and entry.kind == "campaign")


def _type(inner: Sequence[str]) -> str:
    """Return the type of a file. Those of pages are what they say; others may hold anything."""
    suffix = Path(inner[-1]).suffix
    return TYPES.get(suffix, PLAIN) if inner[0] in PAGES or suffix == ".json" else PLAIN
