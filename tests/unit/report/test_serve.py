"""The server of a results folder: a real one on the loopback address, asked as a browser asks."""

import os
import time
import urllib.request
from urllib.parse import quote, urlencode

import bs4
import pytest

from analysis.__main__ import main
from analysis.compared.command import sides
from analysis.compared.page import page as compared_page
from analysis.serve import pages, reports, server
from testbed import store
from testbed.errors import Exit
from tests.unit.report import builder, series_builder
from tests.unit.report.served import FIGURES, names, runs, serving, shown, write


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
    assert leads_home(text)


@pytest.mark.parametrize(
    "path",
    ["history?campaign=first", "compare?campaign=first&campaign=second", "report/none", "none"],
)
def test_every_page_has_a_title_and_a_way_home(ask, path):
    _, text = ask(f"/{path}")
    assert leads_home(text)


def leads_home(text):
    page = bs4.BeautifulSoup(text, "html.parser")
    return page.title.text.strip() and page.select('body > header a[href="/"]')


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
    assert text == compared_page(pages.compare_all(a, others, (), 5.0), home="/")
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
