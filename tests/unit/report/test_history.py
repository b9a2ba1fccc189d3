"""The history of a figure: which campaigns it has, what is drawn, and what is read for it."""

import bs4
import pytest

from analysis.serve import history, index
from tests.unit.report import builder
from tests.unit.report.served import names, runs, shown, write


def test_the_history_has_the_campaigns_of_the_same_question_and_place(results, ask):
    write(results, "elsewhere", (1.0,), days=3, about={"place": "metal"})
    write(results, "another", (1.0,), days=4, about={"experiment": "round3"})
    write(results, "django", (7.0, 7.0), days=5, app="django")
    (results / "empty").mkdir()
    begun = builder.campaign(runs("empty", (1.0,)), campaign="empty")
    (results / "empty" / "campaign.json").write_text(begun.model_dump_json())
    _, text = ask("/history?campaign=first&figure=goodput_rps")
    assert names(text) == ["django", "second", "first"]
    assert "1,510 1,500 to 1,520 3 of 3" in shown(text)
    assert "none of the 1 planned runs" in shown(text)
    drawn = bs4.BeautifulSoup(text, "html.parser").select("svg")
    assert [len(one.select("circle")) for one in drawn] == [2]
    assert names(ask("/history?campaign=first&app=django")[1]) == ["django"]
    assert names(ask("/history?campaign=first&endpoint=none")[1]) == []
    for path in ("/history", "/history?campaign=none", "/history?campaign=first&figure=speed"):
        assert ask(path)[0].status == 404


@pytest.mark.parametrize("key", ["response_p99_us", "capacity_rps", "unsent", "memory_peak_mb"])
def test_any_figure_may_have_a_history(ask, key):
    assert ask(f"/history?campaign=first&figure={key}")[0].status == 200


def test_a_history_is_read_anew_only_when_files_change(results, monkeypatch):
    known, loaded = history.Histories(), []
    load = history.load
    monkeypatch.setattr(history, "load", lambda folder: (loaded.append(folder), load(folder))[1])
    entries = index.Index(results).entries()
    figure = history.figure_of("goodput_rps")
    first, second = (known.lines(entries, figure) for _ in range(2))
    assert [p.value for p in first[0][0].points] == [p.value for p in second[0][0].points]
    assert len(loaded) == 2
    run = results / "first" / "001-flask-index-default-t1" / "run.json"
    run.write_text(run.read_text().replace("1000.0", "1030.0"))
    (line,), _ = known.lines(entries, figure)
    assert [point.value for point in line.points] == [1020.0, 1510.0]


def test_dots_lie_within_the_chart_and_noise_looks_small(results):
    figure = history.figure_of("goodput_rps")
    (line,), _ = history.Histories().lines(index.Index(results).entries(), figure)
    drawn = history.drawing(line, figure)
    for dot in drawn.dots:
        assert history.TOP <= dot.high <= dot.y <= dot.low <= history.HEIGHT - history.BOTTOM
        assert history.LEFT <= dot.x <= history.WIDTH - history.RIGHT
    assert history.drawing(history.Line(line.where, line.load, line.points[:1]), figure) is None
