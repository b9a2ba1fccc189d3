"""Give all tables on the terminal and in text files the same look."""

from rich import box
from rich.table import Table

from testbed.model.results import Standing

TEXT_WIDTH = 200  # of table.txt, and of tables that are not printed on a terminal
STYLES: dict[Standing, str] = {
    "valid": "",
    "doubtful": "yellow",
    "invalid": "bold red",
    "failed": "bold red",
    "interrupted": "bold red",
}


def text_table() -> Table:
    """Return a table without columns. It has a line below its head and no frame."""
    return Table(box=box.SIMPLE, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
