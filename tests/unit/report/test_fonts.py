"""Titles in any alphabet: drawn with a font that has them, or said where none has."""

import warnings
from pathlib import Path

import builder
import matplotlib
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.font_manager import fontManager

from analysis import report
from analysis.charts import fonts
from analysis.load import LoadedCampaign, load
from analysis.question import show
from analysis.question.answers import answer
from tests.unit.report import question_builder

TITLES = {"django": "姜戈 + Gunicorn", "flask": "フラスク", "aiohttp": "🚀 aiohttp"}


def titled(folder: Path) -> LoadedCampaign:
    """A campaign whose apps have titles in other alphabets."""
    runs = builder.six_runs()
    changed = [
        one.model_copy(
            update={
                "app_title": next(
                    (title for app, title in TITLES.items() if one.app.startswith(app)),
                    one.app_title,
                )
            }
        )
        for one in runs
    ]
    return load(builder.write(folder / "results", builder.campaign(changed), changed))


def font_with(characters: str, path: Path) -> None:
    """Write a font whose glyphs are squares."""
    names = [f"square{number}" for number, _ in enumerate(characters)]
    pen = TTGlyphPen(None)
    for move, *lines in [[(100, 0), (100, 800), (900, 800), (900, 0)]]:
        pen.moveTo(move)
        for point in lines:
            pen.lineTo(point)
        pen.closePath()
    square = pen.glyph()
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", *names])
    font.setupCharacterMap({ord(one): name for one, name in zip(characters, names, strict=True)})
    font.setupGlyf(dict.fromkeys([".notdef", *names], square))
    font.setupHorizontalMetrics(dict.fromkeys([".notdef", *names], (1000, 100)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "Test Squares", "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(path)


@pytest.fixture
def only_dejavu(monkeypatch):
    """Let matplotlib see the fonts that it brings along, whatever this machine has."""
    own = str(Path(matplotlib.get_data_path()))
    kept = [entry for entry in fontManager.ttflist if entry.fname.startswith(own)]
    monkeypatch.setattr(fontManager, "ttflist", kept)


@pytest.mark.usefixtures("only_dejavu")
def test_without_a_font_the_app_s_name_is_drawn_and_the_caption_says_so(tmp_path):
    campaign = titled(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of each glyph that it lacks
        charts = report.write(campaign, tmp_path / "report")
    page = (tmp_path / "report" / "index.html").read_text()
    for title in TITLES.values():
        assert f"for '{title}'" in charts["agents"][0].caption
        assert title in page
    shown = fonts.legible(campaign)
    assert {run.record.app_title for run in shown.campaign.runs} <= {
        *(run.record.app for run in campaign.runs),
        *builder.TITLES.values(),
    }


@pytest.mark.usefixtures("only_dejavu")
def test_a_font_that_has_the_characters_is_used(tmp_path):
    font_with("姜戈フラスク🚀", tmp_path / "squares.ttf")
    fontManager.addfont(tmp_path / "squares.ttf")  # into the list that the fixture puts back
    campaign = titled(tmp_path)
    shown = fonts.legible(campaign)
    assert (shown.families, shown.note) == ([fonts.USUAL, "Test Squares"], "")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        charts = report.write(campaign, tmp_path / "report")
    assert "No font" not in charts["agents"][0].caption


@pytest.mark.usefixtures("only_dejavu")
def test_titles_of_a_question_and_its_stacks_are_drawn_likewise(tmp_path):
    asked = question_builder.plan(title="姜戈?")
    first = asked.stacks[0].model_copy(update={"title": "フラスク"})
    asked = asked.model_copy(update={"stacks": [first, *asked.stacks[1:]]})
    folder = question_builder.write(tmp_path / "results", asked, lambda *at: 800.0)
    campaign = load(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (chart, *_) = show.charts(campaign, answer(campaign)).values()
    assert chart.caption.endswith("the chart says threads for 'フラスク', async for '姜戈?'.")
    assert "threads: " in chart.alt


def test_usual_titles_need_no_other_font(tmp_path):
    runs = builder.six_runs()
    campaign = load(builder.write(tmp_path / "results", builder.campaign(runs), runs))
    shown = fonts.legible(campaign)
    assert (shown.families, shown.note) == ([fonts.USUAL], "")
    assert shown.campaign is campaign
