"""Write the pages: the list of campaigns, the history of a figure, comparisons and messages."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any
from urllib.parse import urlencode

import jinja2

from analysis import html
from analysis.compare.cells import COMPARABLE
from analysis.compare.rule import DEFAULT_KEYS, DEFAULT_TOLERANCE_PERCENT, compare_all
from analysis.compared import page
from analysis.compared.command import sides
from analysis.serve import history
from analysis.serve.history import Histories, Line, drawing
from analysis.serve.index import SEARCHED, VERDICTS, Entry, Index
from testbed.errors import TestbedError
from testbed.texts import shown_name

ON_A_PAGE = 25  # campaigns
MOST_LINES = 24  # histories on a page
MOST_COMPARED = 12
Query = Mapping[str, Sequence[str]]  # the values of each key in an address


@dataclass(frozen=True)
class Search:
    """What is looked for: words, and values by the keys of SEARCHED; empty ones do not matter."""

    words: str
    chosen: dict[str, str]
    verdict: str

    @classmethod
    def of(cls, query: Query) -> "Search":
        """Return what an address asks for."""
        chosen = {key: first(query, key) for key in SEARCHED}
        return cls(first(query, "q"), chosen, first(query, "verdict"))

    def finds(self, entry: Entry, index: Index) -> bool:
        """Return whether an entry is one of those looked for. Verdicts are read last."""
        words = self.words.casefold().split()
        return (
            all(word in entry.words for word in words)
            and all(not one or one in entry.values(key) for key, one in self.chosen.items())
            and (not self.verdict or self.verdict in index.verdicts(entry))
        )

    def address(self, number: int) -> str:
        """Return the address of a page of the campaigns found."""
        asked = {"q": self.words, **self.chosen, "verdict": self.verdict, "page": str(number)}
        return f"/?{urlencode({key: value for key, value in asked.items() if value})}"


def first(query: Query, key: str) -> str:
    """Return the first value of a key; an empty text without one."""
    return next(iter(query.get(key, ())), "").strip()


def campaigns(index: Index, query: Query) -> str:
    """Return the list of campaigns and series: those looked for, the latest first."""
    entries, search = index.entries(), Search.of(query)
    found = [one for one in entries if search.finds(one, index)]
    pages = max(1, ceil(len(found) / ON_A_PAGE))
    asked = first(query, "page")[:9]
    number = min(int(asked), pages) if asked.isascii() and asked.isdigit() and asked != "0" else 1
    shown = found[(number - 1) * ON_A_PAGE : number * ON_A_PAGE]
    choices = {key: sorted({v for one in entries for v in one.values(key)}) for key in SEARCHED}
    return _page(
        "serve_list.html.j2",
        place=shown_name(index.folder),
        search=search,
        titles=SEARCHED,
        choices=choices,
        verdicts=VERDICTS,
        rows=[(one, index.verdicts(one)) for one in shown],
        found=len(found),
        number=number,
        pages=pages,
        course=course,
    )


def course(entry: Entry, ended: int) -> str:
    """Return how far a campaign went."""
    if entry.kind == "series":
        return f"series of {len(entry.runs)} campaigns" + ("" if entry.ended else ", not ended")
    runs = f"{ended} of {len(entry.runs)} runs" if ended < len(entry.runs) else f"{ended} runs"
    return runs + ("" if entry.ended else ", not ended")


def of_figure(index: Index, histories: Histories, query: Query) -> str:
    """Return the history of a figure over the campaigns that asked what the named one asked.

    Raises TestbedError if there is no such campaign or figure.
    """
    asked = index.find(first(query, "campaign"))
    if asked.question is None:
        raise TestbedError(f"{shown_name(asked.name)}: no campaign that can be read")
    figure = history.figure_of(first(query, "figure") or DEFAULT_KEYS[0])
    alike = [one for one in index.entries() if one.question == asked.question]
    lines, left_out = histories.lines(alike[: history.MOST_CAMPAIGNS], figure)
    places = {
        "endpoint": sorted({one.where.endpoint for one in lines}),
        "app": sorted({one.where.app for one in lines}),
    }
    wanted = {key: first(query, key) for key in places}
    chosen = [one for one in lines if _is_wanted(one, wanted)]
    return _page(
        "serve_history.html.j2",
        asked=asked,
        question=asked.question,
        figure=figure,
        figures=COMPARABLE.values(),
        places=places,
        wanted=wanted,
        lines=chosen[:MOST_LINES],
        more=len(chosen) - MOST_LINES,
        left_out=left_out,
        older=len(alike) - history.MOST_CAMPAIGNS,
        drawing=drawing,
        size=(history.WIDTH, history.HEIGHT, history.LEFT, history.RIGHT),
    )


def _is_wanted(line: Line, wanted: Mapping[str, str]) -> bool:
    return all(not one or one == getattr(line.where, key) for key, one in wanted.items())


def comparison(index: Index, query: Query) -> str:
    """Return the page that `compare` writes of the campaigns named; the oldest is the baseline.

    Raises TestbedError if they cannot be compared.
    """
    named = list(dict.fromkeys(query.get("campaign", ())))
    if not named:
        raise TestbedError("no campaign is ticked", remedy="tick two or more to compare them")
    if len(named) > MOST_COMPARED:
        raise TestbedError(f"{len(named)} are ticked; at most {MOST_COMPARED} are compared here")
    found = sorted((index.find(one) for one in named), key=lambda one: one.began)
    a, others = sides([one.folder for one in found], None, None)
    return page.page(compare_all(a, others, (), DEFAULT_TOLERANCE_PERCENT), home="/")


def being_made(entry: Entry) -> str:
    """Return the page that is shown while a report is being made; it looks again by itself."""
    text = "Its report is being made. This page looks again every two seconds."
    return _page("serve_message.html.j2", head=entry.name, lines=[text], again=True)


def message(head: str, lines: Sequence[str]) -> str:
    """Return a page that says something."""
    return _page("serve_message.html.j2", head=head, lines=lines, again=False)


def _page(name: str, **values: Any) -> str:
    return _environment().get_template(name).render(script="", forms=True, **values)


@functools.cache
def _environment() -> jinja2.Environment:
    made = html.environment()
    made.filters["name"] = shown_name
    return made
