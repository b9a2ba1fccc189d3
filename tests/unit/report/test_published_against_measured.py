"""Charts of a series: published ratios against measured ones, of rows whose truth is known."""

import itertools
import math
import random
import re

import pytest
from matplotlib.colors import to_rgb

from analysis.articles import charts, report
from analysis.articles.series import load_series
from analysis.charts import published
from analysis.charts.published import LOOKS, Measured, Row, Words
from analysis.charts.style import STANDING_COLOUR
from analysis.html import TEMPLATES
from testbed.model.article import CellRef, ComparedCells
from tests.unit.report import series_builder

MODES = ["As published", "Fair"]
WORDS = Words("published-answers", "Answers", "claims", "times as many", "a series", "")


@pytest.fixture
def drawn(monkeypatch):
    """Returns the charts of a series as drawn, by name, before they become files."""
    monkeypatch.setattr(charts, "render", lambda chart: chart)

    def draw(folder):
        return {one.name: one for one in charts.charts(load_series(folder))}

    return draw


def series(tmp_path, **campaigns):
    return series_builder.write(tmp_path / "series", campaigns)


def axes_of(chart):
    (axes,) = chart.figure.axes
    return axes


def lines(chart, marker):
    return [line for line in axes_of(chart).get_lines() if line.get_marker() == marker]


def marks(chart):
    """Each mode's marks from top to bottom: where they lie, and whether they are hollow."""
    return {
        mode: [
            (line.get_xdata()[0], line.get_markerfacecolor() == "white")
            for line in sorted(lines(chart, marker), key=lambda line: line.get_ydata()[0])
        ]
        for mode, (_, marker) in zip(MODES, LOOKS, strict=True)
    }


def articles(chart):
    """Where the bars of the article lie, from top to bottom."""
    bars = [line for line in axes_of(chart).get_lines() if line.get_linewidth() == 2]
    return [bar.get_xdata()[0] for bar in sorted(bars, key=lambda bar: bar.get_ydata()[0])]


def intervals(chart):
    found = [line for line in axes_of(chart).get_lines() if line.get_linewidth() == 1.3]
    return [tuple(line.get_xdata()) for line in sorted(found, key=lambda line: line.get_ydata()[0])]


def row(measured, told=None, least=0.5, most=2.0, label="One answers more."):
    return Row(label, [], told, "", least, most, measured)


def draw(rows, ratios=True):
    reach = published.reach_of_ratios if ratios else published.reach_of_shares
    return published.draw(WORDS, rows, MODES, reach(rows), ratios=ratios)


@pytest.mark.parametrize("seed", range(6))
def test_every_figure_is_drawn_where_it_lies_and_hollow_only_where_undecided(seed):
    dice = random.Random(seed)  # noqa: S311 - figures of a test
    rows = []
    for _ in range(dice.randint(1, 8)):
        found = []
        for mode in dice.sample(MODES, dice.randint(1, 2)):
            value = dice.lognormvariate(0, 2)
            wide = math.exp(abs(dice.gauss(0, 0.4)))
            ends = (None, None) if dice.random() < 0.2 else (value / wide, value * wide)
            undecided = ends[0] is None or dice.random() < 0.4
            found.append(Measured(mode, value, *ends, undecided, ""))
        found.sort(key=lambda one: MODES.index(one.mode))
        rows.append(row(found, dice.choice([None, dice.lognormvariate(0, 2)])))
    chart = draw(rows)
    every = [one for each in rows for one in each.measured]
    for mode in MODES:
        told = [(one.value, one.undecided) for one in every if one.mode == mode]
        assert marks(chart)[mode] == told
    assert intervals(chart) == [(one.low, one.high) for one in every if one.low is not None]
    assert articles(chart) == [each.published for each in rows if each.published is not None]
    assert axes_of(chart).get_xscale() == "log"


def test_what_has_no_place_on_the_axis_lies_at_its_end_and_is_told():
    measured = [
        Measured(MODES[0], 0.0, 0.0, 0.0, False, ""),
        Measured(MODES[1], 3.0, 2.0, math.inf, False, ""),
    ]
    chart = draw([row(measured, 1.5)])
    low, high = axes_of(chart).get_xlim()
    assert marks(chart) == {MODES[0]: [(low, False)], MODES[1]: [(3.0, False)]}
    assert intervals(chart)[1] == (2.0, high)
    assert (len(lines(chart, "<")), len(lines(chart, ">"))) == (2, 1)
    assert "0" in [text.get_text() for text in axes_of(chart).texts]


def test_an_interval_far_beyond_all_figures_is_cut_and_says_so():
    chart = draw([row([Measured(MODES[0], 1.2, 1e-9, 1e9, True, "")], 2.0)])
    low, high = axes_of(chart).get_xlim()
    assert intervals(chart) == [(low, high)]
    assert (low, high) == (pytest.approx(0.2, rel=0.2), pytest.approx(10, rel=0.2))
    assert (len(lines(chart, "<")), len(lines(chart, ">"))) == (1, 1)


def test_shares_have_an_axis_from_zero():
    chart = draw([row([Measured(MODES[0], 0.0, 0.0, 0.4, False, "")], 12.5)], ratios=False)
    assert axes_of(chart).get_xscale() == "linear"
    assert marks(chart)[MODES[0]] == [(0.0, False)]
    assert articles(chart) == [12.5]


def test_no_colour_of_a_mode_can_be_taken_for_that_of_a_verdict():
    css = (TEMPLATES / "style.css").read_text()
    verdicts = re.findall(r"--(?:good|bad|doubt): (#\w+)", css)
    assert len(verdicts) >= 6  # light and dark
    of_standings = [STANDING_COLOUR[word] for word in ("doubtful", "invalid")]
    for (colour, _), other in itertools.product(LOOKS, [*verdicts, *of_standings]):
        assert math.dist(to_rgb(colour), to_rgb(other)) > 0.3, (colour, other)


def test_the_charts_of_a_series_show_what_the_verdicts_say(tmp_path, drawn):
    folder = series(tmp_path, rate=series_builder.rate_runs(), users=series_builder.ramp_runs())
    found = drawn(folder)
    assert list(found) == ["published-answers", "published-onset", "published-shares"]
    answers = found["published-answers"]
    assert articles(answers) == [2.22, 0.5]
    true = pytest.approx(3992 / 1810)
    assert marks(answers) == {MODES[0]: [(true, False), (true, False)], MODES[1]: []}
    # a ramp tells between which steps the onset lies
    assert intervals(found["published-onset"]) == [(pytest.approx(50 / 150), pytest.approx(1))]
    assert "not reproduced" in answers.alt
    assert "20260302T093000Z-agents · small scale · lab" in " ".join(
        text.get_text().replace("\n", " ") for text in answers.figure.texts
    )


def test_both_modes_stand_apart(tmp_path, drawn):
    folder = series(tmp_path, rate=series_builder.rate_runs())
    file = folder / "series.json"
    loaded = load_series(folder).series
    parts = [*loaded.parts, loaded.parts[0].model_copy(update={"mode": "fair"})]
    file.write_text(loaded.model_copy(update={"parts": parts}).model_dump_json())
    answers = drawn(folder)["published-answers"]
    assert [len(of_mode) for of_mode in marks(answers).values()] == [2, 2]
    heights = {
        marker: [line.get_ydata()[0] for line in lines(answers, marker)] for _, marker in LOOKS
    }
    first, second = heights.values()
    assert all(one < other for one, other in zip(first, second, strict=True))


def test_the_figures_of_both_sides_stand_there_if_the_ratio_is_that_of_them(tmp_path, drawn):
    folder = series(tmp_path, rate=series_builder.rate_runs())

    def told(of_aiohttp):
        loaded = load_series(folder).series
        django = loaded.published.figures[0]
        aiohttp = {"value": of_aiohttp, "printed": None, "note": None}
        aiohttp["cell"] = django.cell.model_copy(update={"app": "aiohttp_api_hour"})
        figures = [django, django.model_copy(update=aiohttp)]
        article = loaded.published.model_copy(update={"figures": figures})
        file = folder / "series.json"
        file.write_text(loaded.model_copy(update={"published": article}).model_dump_json())
        return [text.get_text() for text in axes_of(drawn(folder)["published-answers"]).texts]

    line = "The article 3,995/s : 1,799/s; as published 3,992/s : 1,810/s"
    assert told(3995).count(line) == 1
    assert not [text for text in told(5000) if text.startswith("The article")]


def test_one_trial_has_a_hollow_mark_without_an_interval(tmp_path, drawn):
    chart = drawn(series(tmp_path, rate=series_builder.rate_runs(1)))["published-answers"]
    assert [hollow for _, hollow in marks(chart)[MODES[0]]] == [True, True]
    assert intervals(chart) == []
    assert "none: one trial" in chart.caption


def test_many_claims_are_shared_out_over_charts_of_one_scale(tmp_path, drawn):
    folder = series(tmp_path, rate=series_builder.rate_runs())
    loaded = load_series(folder).series
    more = loaded.published.claims["more"]
    many = {f"more_{n}": more.model_copy(update={"published": 1.5**n}) for n in range(1, 18)}
    article = loaded.published.model_copy(update={"claims": many})
    file = folder / "series.json"
    file.write_text(loaded.model_copy(update={"published": article}).model_dump_json())
    found = drawn(folder)
    assert list(found) == [f"published-answers-{number}" for number in (1, 2, 3)]
    assert len({axes_of(chart).get_xlim() for chart in found.values()}) == 1
    shown = [one for chart in found.values() for one in articles(chart)]
    assert shown == [pytest.approx(1.5**n) for n in range(1, 18)]


def test_no_chart_is_empty_and_claims_of_which_nothing_is_known_are_named(tmp_path, drawn):
    runs = series_builder.rate_runs()
    nothing = series(tmp_path / "nothing", rate=[])
    assert drawn(nothing) == {}
    ramps_only = series(tmp_path / "ramps", rate=[], users=series_builder.ramp_runs())
    assert list(drawn(ramps_only)) == ["published-onset"]
    folder = series(tmp_path / "some", rate=runs)
    loaded = load_series(folder).series
    flask, django = (CellRef(**series_builder.cell(app)) for app in ("flask", "django"))
    compare = {"as_published": ComparedCells(of=flask, to=django)}
    lost = loaded.published.claims["more"].model_copy(update={"compare": compare})
    article = loaded.published.model_copy(
        update={"claims": loaded.published.claims | {"lost": lost}}
    )
    (folder / "series.json").write_text(
        loaded.model_copy(update={"published": article}).model_dump_json()
    )
    chart = drawn(folder)["published-answers"]
    assert chart.caption.endswith("Not drawn, as nothing is known of it: lost.")
    assert len(articles(chart)) == 2


def test_a_text_with_dollars_is_no_formula(tmp_path, drawn):
    folder = series(tmp_path, rate=series_builder.rate_runs())
    file = folder / "series.json"
    file.write_text(file.read_text().replace("aiohttp answers more.", r"It costs $\\frac$ 1."))
    drawn(folder)["published-answers"].figure.savefig(tmp_path / "picture.png")


def test_the_page_has_the_charts_after_the_verdicts_and_none_without_data(tmp_path):
    folder = series(tmp_path, rate=series_builder.rate_runs(1))
    out = tmp_path / "report"
    report.write(load_series(folder), out)
    page = (out / "index.html").read_text()
    assert page.index('id="verdicts-as_published"') < page.index('id="measured"')
    assert page.index('id="measured"') < page.index('id="slips"')
    assert 'id="chart-published-answers"' in page
    assert (out / "charts" / "published-answers.svg").is_file()
    without = series(tmp_path / "without", rate=[])
    report.write(load_series(without), out := tmp_path / "empty")
    assert 'id="measured"' not in (out / "index.html").read_text()
    assert not (out / "charts").exists()
