"""Find fonts for titles in any alphabet; where none has a character, use the app's name instead.

Charts are drawn with DejaVu Sans, which comes with matplotlib and has no Chinese, Japanese or
Korean characters and few emoji. The HTML page and the tables show every title as it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache

from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

from analysis.load import LoadedCampaign
from testbed.texts import JOINERS

USUAL = "DejaVu Sans"
# Their glyphs are boxes for whole alphabets, or colours that matplotlib cannot draw
_NOT_LEGIBLE = ("Last Resort", "Emoji", "Fallback")


@dataclass(frozen=True)
class Shown:
    """A campaign with the titles that charts can show, and the fonts to draw it with."""

    campaign: LoadedCampaign
    families: list[str]
    note: str  # a sentence on titles that cannot be shown; empty if all can


@dataclass(frozen=True)
class Titles:
    """Which fonts titles are drawn with, and which of them no font has."""

    families: list[str]
    hidden: dict[str, str]  # the names that are drawn in their place, by title

    @property
    def note(self) -> str:
        """Return a sentence on titles that cannot be shown; an empty text if all can."""
        if not self.hidden:
            return ""
        names = ", ".join(f"{name} for '{title}'" for title, name in sorted(self.hidden.items()))
        return f"No font on this machine has all characters of some titles: the chart says {names}."

    def told(self, title: str) -> str:
        """Return a title, or the name in its place."""
        return self.hidden.get(title, title)


def of_titles(titles: Mapping[str, str]) -> Titles:
    """Return how charts can show these titles on this machine; each has its name."""
    families, missing = families_of("".join(titles))
    return Titles(families, {one: titles[one] for one in titles if missing & set(one)})


def legible(campaign: LoadedCampaign) -> Shown:
    """Return the campaign as charts can show it on this machine."""
    found = of_titles({run.record.app_title: run.record.app for run in campaign.runs})
    families, hidden = found.families, found.hidden
    if not hidden:
        return Shown(campaign, families, "")
    runs = [
        replace(run, record=run.record.model_copy(update={"app_title": run.record.app}))
        if run.record.app_title in hidden
        else run
        for run in campaign.runs
    ]
    return Shown(replace(campaign, runs=runs), families, found.note)


def families_of(text: str) -> tuple[list[str], set[str]]:
    """Return the fonts that show a text on this machine, and the characters that none of them has.

    The usual font is the first of them.
    """
    families = [USUAL, *_others(text)]
    return families, _missing(text, families)


def _others(text: str) -> list[str]:
    """Return installed fonts that have characters of the text which the usual font lacks."""
    found: list[str] = []
    left = _missing(text, [USUAL])
    if not left:
        return found
    candidates = {
        entry.name: entry.fname
        for entry in sorted(fontManager.ttflist, key=lambda one: (one.name, one.fname))
        if entry.style == "normal" and not any(word in entry.name for word in _NOT_LEGIBLE)
    }
    while left and candidates:
        name = max(candidates, key=lambda one: len(left & _characters(candidates[one])))
        gained = left & _characters(candidates.pop(name))
        if not gained:
            break
        found.append(name)
        left -= gained
    return found


def _missing(text: str, families: Iterable[str]) -> set[str]:
    """Return the characters of the text that no font of these families has."""
    wanted = {one for one in text if not one.isspace() and one not in JOINERS}
    for family in families:
        wanted -= _characters(findfont(FontProperties(family=[family])))
    return wanted


@cache
def _characters(path: str) -> frozenset[str]:
    """Return the characters that a font file has; none if it is not one that can be scaled."""
    try:
        font = get_font(path)
    except (OSError, RuntimeError):
        return frozenset()
    return frozenset(map(chr, font.get_charmap())) if font.scalable else frozenset()
