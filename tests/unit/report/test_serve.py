"""The server of a results folder: a real one on the loopback address, asked as a browser asks."""

import os
import threading
import time
import urllib.request
from contextlib import contextmanager
from datetime import timedelta
from http.client import HTTPConnection
from urllib.parse import quote, urlencode

import bs4
import pytest

from analysis.__main__ import main
from analysis.compared.command import sides
from analysis.compared.page import page as compared_page
from analysis.serve import history, index, pages, reports, server
from testbed import store
from testbed.errors import Exit
from tests.unit.report import builder, series_builder

FIGURES = {"first": (1000.0, 1010.0, 1020.0), "second": (1500.0, 1510.0, 1520.0)}


def runs(name, goodputs, app="flask", **other):
    found = []
    for trial, rate in enumerate(goodputs, start=1):
        figures = builder.output(throughput_rps=rate, goodput_rps=rate, due=int(rate * 20))
        one = builder.run(trial, app, "index", trial=trial, figures=figures, **other)
        found.append(one.model_copy(update={"campaign": name}))
    return found


def write(results, name, goodputs, *, days=0, app="flask", endpoint="index", about=None, **other):
    records = runs(name, goodputs, app, **other)
    asked = {"trials": len(records), "apps": [app], "endpoints": [endpoint]}
    values = {
        "campaign": name,
        "asked": asked,
        "created_at": builder.BEGAN + timedelta(days=days),
    }
    campaign = builder.campaign(records, **(values | (about or {})))
    return builder.write(results / name, campaign, records, curves=False)


@pytest.fixture
def results(tmp_path):
    place = tmp_path / "results"
    for days, (name, goodputs) in enumerate(FIGURES.items()):
        write(place, name, goodputs, days=days)
    return place


@contextmanager
def serving(folder):
    with server.Server(folder, 0) as one:
        thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield one
        finally:
            one.shutdown()
            thread.join()


@pytest.fixture
def ask(results):
    """Ask the server for a path; returns the answer and its text."""
    with serving(results) as one:

        def call(path, method="GET", headers=None):
            connection = HTTPConnection(*one.server_address)
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            text = answer.read().decode()
            connection.close()
            return answer, text

        yield call


def names(text):
    """Return the names of the campaigns that a list shows, in its order."""
    rows = bs4.BeautifulSoup(text, "html.parser").select("tbody th")
    return [(row.small or row).get_text(strip=True) for row in rows]


def shown(text):
    return " ".join(bs4.BeautifulSoup(text, "html.parser").main.get_text(" ").split())


def test_a_browser_is_shown_all_campaigns_the_latest_first(results):
    with serving(results) as one:
        assert one.address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(one.address) as answer:  # noqa: S310 - on the loopback
            text = answer.read().decode()
    assert names(text) == ["second", "first"]
    assert "3 valid" in shown(text)
    assert "<script" not in text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "127.0.0.2", "[::"])
def test_other_names_than_this_machines_are_refused(ask, host):
    answer, text = ask("/", headers={"Host": host})
    assert answer.status == 403
    assert "first" not in text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1234", "127.0.0.1:80", "[::1]:8080"])
def test_names_of_this_machine_are_answered(ask, host):
    assert ask("/", headers={"Host": host})[0].status == 200


def test_pages_of_other_sites_get_nothing_but_may_have_links(ask):
    other = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert ask("/report/first", headers=other)[0].status == 403
    assert ask("/", headers=other | {"Sec-Fetch-Mode": "navigate"})[0].status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_but_get_and_head(ask, method):
    answer, _ = ask("/", method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_head_says_how_long_the_answer_would_be(ask):
    whole, text = ask("/")
    head, nothing = ask("/", "HEAD")
    assert (head.status, nothing) == (200, "")
    assert head.headers["Content-Length"] == str(len(text.encode()))
    assert whole.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"app": "django"}, ["other"]),
        ({"endpoint": "agents"}, ["other"]),
        ({"experiment": "own"}, ["other"]),
        ({"place": "metal"}, ["other"]),
        ({"verdict": "invalid"}, ["other"]),
        ({"verdict": "valid"}, ["second", "first"]),
        ({"q": "ROUND link first"}, ["first"]),
        ({"q": "other", "app": "flask"}, []),
        ({"app": "<script>"}, []),
    ],
)
def test_search(results, ask, query, found):
    about = {"experiment": "own", "place": "metal"}
    write(
        results, "other", (9.0,), app="django", endpoint="agents", days=9, about=about,
        verdict="invalid",
    )  # fmt: skip
    _, text = ask(f"/?{urlencode(query)}")
    assert names(text) == found
    assert "<script" not in text


@pytest.mark.parametrize("page", ["1", "2", "3", "99", "0", "-1", "x", "9" * 5000, "²"])
def test_many_campaigns_have_pages(results, ask, monkeypatch, page):
    monkeypatch.setattr(pages, "ON_A_PAGE", 1)
    expected = {"2": "first", "3": "first", "99": "first", "9" * 5000: "first"}
    _, text = ask(f"/?{urlencode({'page': page})}")
    assert names(text) == [expected.get(page, "second")]


def test_records_are_read_once_and_runs_only_of_what_is_shown(results, ask, monkeypatch):
    read = []
    as_found = store.read_as_found
    monkeypatch.setattr(pages, "ON_A_PAGE", 1)
    monkeypatch.setattr(
        store, "read_as_found", lambda path, model: (read.append(path), as_found(path, model))[1]
    )
    ask("/")
    assert sorted(path.name for path in read) == ["campaign.json"] * 2 + ["run.json"] * 3
    assert {path.parents[1].name for path in read if path.name == "run.json"} == {"second"}
    ask("/")
    assert len(read) == 5
    file = results / "first" / "campaign.json"
    file.write_text(file.read_text().replace("Round 2", "Round 9"))
    assert "Round 9" in ask("/?page=2")[1]


DAMAGES = {
    "no JSON": ('{"schema', "not valid JSON"),
    "another version": ('{"schema_version": 99}', "schema_version 99"),
    "no text": ("\x00", "not valid JSON"),
    "nothing": ("", "not valid JSON"),
    "a list": ("[]", "schema_version"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_campaign_is_a_row_that_says_so(results, ask, damage):
    text, told = DAMAGES[damage]
    for name in ("campaign.json", "series.json"):
        (results / f"damaged-{name}").mkdir()
        (results / f"damaged-{name}" / name).write_text(text)
    answer, text = ask("/")
    assert answer.status == 200
    assert sorted(names(text)) == [
        "damaged-campaign.json",
        "damaged-series.json",
        "first",
        "second",
    ]
    assert shown(text).count(told) == 2


def test_half_written_and_odd_folders(results, ask):
    (results / "lost" / "001-a").mkdir(parents=True)
    (results / "lost" / "001-a" / "run.json").write_text("{}")
    (results / "folder" / "campaign.json").mkdir(parents=True)
    (results / "empty").mkdir()
    (results / "latest").symlink_to("second")
    (results / "first" / "001-flask-index-default-t1" / "run.json").write_text("{}")
    begun = runs("begun", FIGURES["first"])
    about = builder.campaign(begun, campaign="begun", ended_at=None)
    builder.write(results / "begun", about, begun[:1], curves=False)
    odd = results / os.fsdecode(b"\xff<b>")
    odd.mkdir()
    (odd / "campaign.json").write_text("{}")
    answer, text = ask("/")
    assert answer.status == 200
    assert len(names(text)) == 6
    assert "begun" in names(text)
    assert "1 of 3 runs, not ended" in shown(text)
    assert "1 unreadable" in shown(text)
    assert "campaign.json: no such file" in shown(text)
    assert "<b>" not in text


def test_a_year_beyond_the_calendar_is_damage(results, ask):
    file = results / "first" / "campaign.json"
    file.write_text(file.read_text().replace("2026-03-02T09:30:00Z", "0001-01-01T00:00:00+14:00"))
    assert "Cannot be read" in shown(ask("/")[1])


def test_a_series_and_its_campaigns(results, ask):
    parts = {"rate": series_builder.rate_runs(1), "users": []}
    series_builder.write(results / "asked-again", parts)
    _, text = ask("/?q=asked-again")
    assert set(names(text)) == {"asked-again", "asked-again/as_published-rate"}
    assert "series of 2 campaigns" in shown(text)


def files_of(results):
    (results / "secret.txt").write_text("secret")
    folder = results / "first"
    run = folder / "001-flask-index-default-t1"
    (run / "raw" / "page.html").write_text("<script>alert(1)</script>")
    (run / ".hidden").write_text("secret")
    (run / "leak").symlink_to(results / "secret.txt")
    (folder / "notes.txt").write_text("secret")
    (folder / "away").symlink_to(results)
    (folder / "report").mkdir()
    (folder / "report" / "index.html").write_text("a report")
    (folder / "report" / "pipe").symlink_to("/dev/zero")
    (folder / "question" / "charts").mkdir(parents=True)
    (folder / "question" / "index.html").write_text("an answer")
    (folder / "question" / "charts" / "any.svg").write_text("a chart")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("campaign.json", "application/json"),
        ("report/index.html", "text/html; charset=utf-8"),
        ("question/index.html", "text/html; charset=utf-8"),
        ("question/charts/any.svg", "image/svg+xml"),
        ("001-flask-index-default-t1/run.json", "application/json"),
        ("001-flask-index-default-t1/raw/page.html", "text/plain; charset=utf-8"),
        ("001%2Dflask-index-default-t1/run.json", "application/json"),
    ],
)
def test_files_of_a_campaign_are_served(results, ask, name, kind):
    files_of(results)
    answer, _ = ask(f"/results/first/{name}")
    assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
    assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "name",
    [
        "first/notes.txt", "first/away/secret.txt", "first/report/pipe", "secret.txt", "first/",
        "first/../secret.txt", "first/..%2fsecret.txt", "first/report/../../secret.txt", "first",
        "first/001-flask-index-default-t1/leak", "first/001-flask-index-default-t1/.hidden",
        "first/001-flask-index-default-t1", "/etc/passwd", "first//etc/passwd", "first/report/%00",
        "first/report/%ff", f"first/report/{'x' * 5000}", "first/999-none/run.json", "%2e%2e/x",
    ],
)  # fmt: skip
def test_nothing_else_is_served(results, ask, name):
    files_of(results)
    answer, text = ask(f"/results/{name}")
    assert answer.status == 404
    assert "Unexpected" not in text


def test_a_report_is_made_when_it_is_first_asked_for(results, ask):
    answer, text = ask("/report/first")
    assert answer.status == 202
    assert 'http-equiv="refresh"' in text
    while ask("/report/first")[0].status == 202:
        time.sleep(0.02)
    place = ask("/report/first")[0].headers["Location"]
    answer, text = ask(place)
    assert answer.status == 200
    assert "Round 2: constant rate over the link" in text


def test_a_report_is_made_again_when_a_run_was_added_and_once_whatever_the_clock(
    results, ask, monkeypatch
):
    def writes(arguments, console):
        made.append(arguments.folder.name)
        (arguments.folder / "report").mkdir(exist_ok=True)
        (arguments.folder / "report" / "index.html").write_text("a report")

    def ready():
        while ask("/report/first")[0].status == 202:
            time.sleep(0.02)
        return len(made)

    made = []
    monkeypatch.setattr(reports, "report_command", writes)
    assert (ready(), ready()) == (1, 1)
    run = results / "first" / "001-flask-index-default-t1" / "run.json"
    later = time.time() + 3600
    os.utime(run, (later, later))
    assert (ready(), ready()) == (2, 2)


def test_a_report_that_cannot_be_made_says_why_and_the_next_one_is_made(results, ask, monkeypatch):
    def fails(arguments, console):
        raise ZeroDivisionError(arguments.folder.name)

    monkeypatch.setattr(reports, "report_command", fails)
    told = []
    for name in ("first", "second"):
        while (found := ask(f"/report/{name}"))[0].status == 202:
            time.sleep(0.02)
        told.append(found[1])
    assert "ZeroDivisionError: first" in told[0]
    assert "ZeroDivisionError: second" in told[1]


def test_no_report_is_written_where_a_link_leads_out(results, tmp_path, ask):
    (tmp_path / "elsewhere").mkdir()
    (results / "first" / "report").symlink_to(tmp_path / "elsewhere")
    while (found := ask("/report/first"))[0].status == 202:
        time.sleep(0.02)
    assert "lies outside of" in found[1]
    assert not list((tmp_path / "elsewhere").iterdir())


def test_those_ticked_are_compared_as_compare_does_with_the_oldest_as_baseline(results, ask):
    _, text = ask("/compare?campaign=second&campaign=first")
    a, others = sides([results / "first", results / "second"], None, None)
    assert text == compared_page(pages.compare_all(a, others, (), 5.0))
    assert a.campaign.campaign == "first"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("", "no campaign is ticked"),
        ("campaign=first", "two versions"),
        ("campaign=first&campaign=none", "no such campaign"),
        ("campaign=..%2F..&campaign=first", "no such campaign"),
        ("&".join(f"campaign={number}" for number in range(13)), "at most 12"),
        ("&".join(f"campaign={number}" for number in range(300)), "no address"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(ask, query, told):
    answer, text = ask(f"/compare?{query}")
    assert answer.status == 404
    assert told in shown(text)


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


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nowhere",), "nowhere: no such folder"),
        ((".", "--port=-1"), "-1 is no port"),
        ((".", "--port=99999999999999999999"), "is no port"),
        ((".", "--prot=1"), "--port"),
    ],
)
def test_a_wrong_command_line_is_one_sentence(capsys, monkeypatch, tmp_path, words, told):
    monkeypatch.chdir(tmp_path)
    assert main(["serve", *words]) == Exit.BAD_INPUT
    assert told in capsys.readouterr().err


def test_a_port_in_use_is_one_sentence(results, capsys):
    with serving(results) as one:
        assert main(["serve", str(results), f"--port={one.server_address[1]}"]) == Exit.BAD_INPUT
    assert "is in use" in capsys.readouterr().err


def test_ctrl_c_ends_it(results, capsys, monkeypatch):
    def pressed(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(server.Server, "serve_forever", pressed)
    assert main(["serve", str(results), "--port=0"]) == Exit.INTERRUPTED
    assert f"{quote(str(results))} is shown at http://127.0.0.1:" in capsys.readouterr().out
