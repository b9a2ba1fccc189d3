"""Put the table of all checks into docs/fitness.md: `python -m testbed.fitness`."""

import sys
from pathlib import Path

from testbed.fitness.table import markdown

PAGE = Path(__file__).resolve().parents[2] / "docs" / "fitness.md"
BEGIN, END = "<!-- checks: begin -->\n", "<!-- checks: end -->\n"


def page(text: str) -> str:
    """The page with the table as it is now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + markdown() + END + after


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
