"""Write comparisons as an HTML page that needs no other file. Its text is in templates/."""

from collections.abc import Sequence

from analysis import html
from analysis.compare.differences import folded
from analysis.compare.groups import by_change
from analysis.compare.rule import Comparison
from analysis.compare.show import (
    heads,
    how,
    interval_text,
    notes,
    ratio_text,
    rows,
    side_text,
    tally,
)


def page(comparisons: Sequence[Comparison], home: str | None = None) -> str:
    """Return the page: the tally, a table for each kind of change, the reasons, what differs.

    `home` is the address of the list of all campaigns, which the page links to; None if there is
    none.
    """
    return (
        html.environment()
        .get_template("compare.html.j2")
        .render(
            comparisons=comparisons,
            home=home,
            groups=by_change(comparisons),
            heads=heads(comparisons),
            how=how(comparisons),
            notes=notes(comparisons),
            rows=rows,
            tally=tally,
            side_text=side_text,
            ratio_text=ratio_text,
            interval_text=interval_text,
            folded=folded,
        )
    )
