"""Write comparisons as JUnit XML, as servers of continuous integration show tests."""

from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from analysis.compare.rule import Cell, CellVerdict, Comparison
from analysis.compare.show import heads, tally
from testbed.texts import plain

SKIPPED: tuple[CellVerdict, ...] = ("undecided", "no data", "not comparable")


def document(comparisons: Sequence[Comparison]) -> str:
    """Return a test suite for each campaign judged, with a test for each figure of a cell.

    A test fails if the figure is worse. It is skipped, with the reason, if nothing was decided.
    """
    root = Xml.Element("testsuites", name="compare")
    for found in comparisons:
        suite = Xml.SubElement(
            root,
            "testsuite",
            name=plain(f"{found.b.campaign.campaign} against {found.a.campaign.campaign}"),
            tests=str(len(found.cells)),
            failures=str(found.verdicts["worse"]),
            errors="0",
            skipped=str(sum(found.verdicts[word] for word in SKIPPED)),
            time="0",
        )
        for cell in found.cells:
            _add(suite, cell)
        said = Xml.SubElement(suite, "system-out")
        said.text = plain("\n".join([*heads([found]), tally(found)]))
    Xml.indent(root)
    text: str = Xml.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'


def _add(suite: Xml.Element, cell: Cell) -> None:
    """Add the test of one figure of a cell."""
    where = cell.where
    test = Xml.SubElement(
        suite,
        "testcase",
        classname=plain(f"{where.endpoint}.{where.app}.{where.variant}"),
        name=plain(f"{cell.metric.key}, {cell.load.text}"),
        time="0",
    )
    reason = plain(" ".join([cell.reason, *cell.remarks]))
    if cell.verdict == "worse":
        Xml.SubElement(test, "failure", message=reason, type="worse").text = reason
    elif cell.verdict in SKIPPED:
        Xml.SubElement(test, "skipped", message=f"{cell.verdict}: {reason}")
