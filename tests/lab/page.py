"""Read the commands that a page of docs/ tells, so that a test does what a reader would."""

import re

from tests.lab.campaigns import ROOT


def section(page: str, title: str) -> str:
    """Return a section of a page, up to the next heading of its level."""
    text = (ROOT / "docs" / page).read_text()
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def commands(page: str, title: str) -> list[list[str]]:
    """Return the blocks of commands of a section, each with its lines."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", section(page, title), re.MULTILINE | re.DOTALL)
    return [block.splitlines() for block in blocks]
