"""Write Markdown."""

from collections.abc import Iterable

BAR = "\\|"  # how a cell of a Markdown table writes |


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table; a cell's bars are escaped, and its text is put on one line."""

    def line(cells: Iterable[str]) -> str:
        return f"| {' | '.join(' '.join(cell.split()).replace('|', BAR) for cell in cells)} |\n"

    heads = tuple(heads)
    return line(heads) + "|" + "---|" * len(heads) + "\n" + "".join(map(line, rows))
