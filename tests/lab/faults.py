"""The faults that lab tests provoke, and what the testbed said of each: docs/reliability.md.

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
    """Note what became of a fault.

    `fault`: its name in the table, unique, a literal (a test reads them off these calls). `how`:
    what the test did. `outcome`: 'invalid', 'doubtful' or a 'remark' of a run, 'interrupted',
    'refused', or what else was done about it. `said`: the sentence that the user reads.
    """
    SEEN.mkdir(parents=True, exist_ok=True)
    row = {"fault": fault, "how": how, "outcome": outcome, "said": said}
    name = "".join(letter if letter.isalnum() else "-" for letter in fault.lower())
    (SEEN / f"{name}.json").write_text(json.dumps(row, indent=1) + "\n")


def provoked_in(fault: str, how: str, run: dict[str, Any], check: str) -> None:
    """Note what a run's record says of a fault: the verdict and the sentence of that check.

    A finding that leaves a run valid is a remark; a run that was disturbed has one at least.
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
    """The rows of all faults seen, by name, as Markdown."""
    rows = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    return HEAD + "".join(
        f"| {row['fault']} | {_cell(row['how'])} | {row['outcome']} | {_cell(row['said'])} |\n"
        for row in rows
    )


def _cell(text: str) -> str:
    """A text as one cell: on one line, at most 300 characters, without this machine's folders."""
    line = " ".join(text.split()).replace(f"{ROOT}/", "").replace("|", "\\|")
    line = re.sub(r"(/tmp|\.\.)(/[\w.-]+)+/", "…/", line)
    return line if len(line) <= 300 else line[:299] + "…"


def main() -> int:
    """Put the table into the page."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + table() + END + after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
