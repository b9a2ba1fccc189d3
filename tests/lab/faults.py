"""Record the faults that lab tests provoke, and what the testbed said about each.

A test that has provoked a fault calls `provoked` with what it saw. `python -m tests.lab.faults`
writes the table of docs/reliability.md from what the tests of the last runs saw.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from tests.lab.campaigns import ROOT

SEEN = ROOT / ".cache" / "faults"  # one file a fault, from the last test that provoked it
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- faults: begin -->\n", "<!-- faults: end -->\n"
HEAD = "| fault | provoked by | outcome | what was said |\n|---|---|---|---|\n"


def provoked(fault: str, how: str, outcome: str, said: str) -> None:
    """Record how the testbed reacted to a fault.

    `fault` is its unique name in the table, as a literal, because another test reads it from the
    source. `how` is what the test did. `outcome` is 'invalid', 'doubtful' or a 'remark' for a run,
    'interrupted', 'refused', or another reaction. `said` is the sentence that the user reads.
    """
    SEEN.mkdir(parents=True, exist_ok=True)
    row = {"fault": fault, "how": how, "outcome": outcome, "said": said}
    name = "".join(letter if letter.isalnum() else "-" for letter in fault.lower())
    (SEEN / f"{name}.json").write_text(json.dumps(row, indent=1) + "\n")


def provoked_in(fault: str, how: str, run: dict[str, Any], check: str) -> None:
    """Record a run's verdict on a fault, and the sentence of the check that found it.

    A finding that leaves a run valid is a remark. A disturbed run must have at least one finding.
    """
    failure = run["failure"]
    findings = [finding for finding in run["findings"] if finding["check"] == check]
    assert failure or findings, f"{fault}: the run does not say so"
    if failure:
        outcome, said = "interrupted" if failure["interrupted"] else "failed", failure["message"]
    else:
        verdicts = {finding["verdict"] for finding in findings}
        outcome = next((one for one in ("invalid", "doubtful") if one in verdicts), "remark")
        said = " | ".join(finding["sentence"] for finding in findings)
    provoked(fault, how, outcome, said)


def table(folder: Path = SEEN) -> str:
    """Return the rows of all recorded faults as Markdown, sorted by name."""
    rows = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    return HEAD + "".join(
        f"| {row['fault']} | {_cell(row['how'])} | {row['outcome']} "
        f"| {_cell(_point(row['said']))} |\n"
        for row in rows
    )


def _point(text: str) -> str:
    """Return what was said from the error on, without the progress before it."""
    found = re.search(r"(INTERRUPTED|error): ", text)
    return text[found.start() :] if found else text


def _cell(text: str) -> str:
    """Return a text as one cell: one line, at most 300 characters, no folders of this machine."""
    line = " ".join(text.split()).replace(f"{ROOT}/", "").replace("|", "\\|")
    line = re.sub(r"(/tmp|\.\.)(/[\w.-]+)+/", "…/", line)
    return line if len(line) <= 300 else line[:299] + "…"


def main() -> int:
    """Write the table into the page."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + table() + END + after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
