"""Several campaigns against one baseline, and the forms that other programs and people read."""

import json
from xml.etree import ElementTree as Xml

import bs4
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.__main__ import main
from analysis.compare.differences import Difference, folded
from analysis.compared.command import FORMS, labels
from analysis.intervals import holm
from testbed.errors import Exit
from tests.unit.report import builder
from tests.unit.report.test_compare import GOODPUT, MANY, QUIET, STEADY, runs, stored

__all__ = ["stored"]  # a fixture
NEAR = (1000.0, 1002.0, 1004.0)


@pytest.fixture
def compare(capsys):
    def run(*words, between=QUIET):
        code = main(["compare", *words, *between])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@pytest.fixture
def three(stored):
    """A baseline, one campaign like it and one that is worse."""
    worse = {"apps": {"flask": "2" * 12}, "app_files": {"flask": {"app.py": "2"}}}
    return [
        stored("a", runs(MANY), apps={"flask": "1" * 12}, app_files={"flask": {"app.py": "1"}}),
        stored("b", runs(MANY), apps={"flask": "1" * 12}, app_files={"flask": {"app.py": "1"}}),
        stored("c", runs(STEADY), **worse),
    ]


def test_each_campaign_is_judged_and_grouped_by_what_changed(three, compare):
    code, text, _ = compare(*three, *GOODPUT)
    assert code == Exit.WORSE
    assert "B against A: 1 same (tolerance 5 %)" in text
    assert "C against A: 1 worse (tolerance 5 %)" in text
    assert "B: nothing that is recorded changed" in text
    assert "C: changed: code of agents/flask" in text
    assert "corrected together (Holm)" in text
    assert compare(three[0], three[1], *GOODPUT)[0] == 0


def test_the_baseline_may_be_any_of_them(three, compare):
    code, text, _ = compare(*three, *GOODPUT, "--baseline", three[2])
    assert code == 0
    assert text.count("1 better") == 2
    assert compare(three[0], "--baseline", three[2], *GOODPUT)[0] == 0


def test_p_values_are_corrected_over_the_cells_of_all_campaigns(three, compare):
    one = json.loads(compare(*three[:2], "--json")[1])
    many = json.loads(compare(*three, "--json")[1])
    assert one["schema_version"] == many["schema_version"] == 1
    cells = [cell for found in many["comparisons"] for cell in found["cells"]]
    assert [found["label"] for found in many["comparisons"]] == ["B", "C"]
    assert len(cells) == 2 * len(one["cells"])
    chances = [cell["p_value"] for cell in cells]
    assert [cell["p_value_holm"] for cell in cells] == pytest.approx(list(holm(chances)))
    assert [cell["ratio"] for cell in one["cells"]] == [
        cell["ratio"] for cell in cells[: len(one["cells"])]
    ]


def test_another_campaign_can_make_a_close_verdict_open(stored, compare):
    a, b = stored("a", runs((1000, 1010, 1020))), stored("b", runs((900, 925, 950)))
    options = [*GOODPUT, "--json", "--tolerance", "4"]
    alone = json.loads(compare(a, b, *options)[1])["cells"][0]
    beside = [stored(f"x{number}", runs(NEAR)) for number in range(8)]
    found = json.loads(compare(a, b, *beside, *options)[1])["comparisons"][0]["cells"][0]
    assert found["p_value"] == alone["p_value"]
    assert found["p_value_holm"] > alone["p_value_holm"]


def test_labels_go_on_after_z():
    made = labels()
    names = [next(made) for _ in range(60)]
    assert names[:2] == ["B", "C"]
    assert names[24:27] == ["Z", "AA", "AB"]
    assert len(set(names)) == 60


def test_a_campaign_that_cannot_be_compared_says_so_by_its_label(stored, compare):
    a, b = stored("a", runs(STEADY)), stored("b", runs(STEADY))
    metal = stored("m", runs(STEADY), place="metal")
    code, text, _ = compare(a, b, metal, *GOODPUT)
    assert code == 0
    assert "C: Nothing can be compared. A was measured on a lab, C on real hosts" in text


@given(st.integers(0, 40))
def test_many_packages_are_folded_and_none_is_lost(number):
    packages = [Difference(f"server: package p{i}", "1", "2") for i in range(number)]
    others = [Difference("server: kernel", "6.1", "6.2")]
    singly, many = folded([*others, *packages])
    listed = [*singly, *(one for found in many for one in found.differences)]
    assert sorted(listed, key=str) == sorted([*others, *packages], key=str)
    assert bool(many) == (number > 3)
    assert all(f"{number} packages differ" in found.sentence for found in many)


def test_the_table_folds_packages_unless_asked(stored, compare):
    def hosts(version):
        packages = {f"lib{number}": version for number in range(9)}
        return [builder.host("server").model_copy(update={"packages": packages})]

    a, b = (stored(one, runs(STEADY), hosts=hosts(one)) for one in "12")
    text = compare(a, b, *GOODPUT)[1]
    assert "server: 9 packages differ (lib0, lib1, lib2, lib3, lib4, …)." in text
    assert "server: package lib7" not in text
    assert "server: package lib7" in compare(a, b, *GOODPUT, "--packages")[1]
    page = compare(a, b, *GOODPUT, "--format", "html")[1]
    (details,) = [one for one in bs4.BeautifulSoup(page, "html.parser")("details")
                  if "packages" in one.summary.text]  # fmt: skip
    assert "server: package lib7" in details.text


def test_junit_fails_what_is_worse_and_skips_what_is_open(three, stored, compare):
    code, text, _ = compare(*three, stored("d", runs(MANY[:1])), *GOODPUT, "--format", "junit")
    assert code == Exit.WORSE
    same, worse, lone = Xml.fromstring(text)  # noqa: S314 - written by the test
    assert [suite.get("failures") for suite in (same, worse, lone)] == ["0", "1", "0"]
    assert [suite.get("skipped") for suite in (same, worse, lone)] == ["0", "0", "1"]
    assert "lies below" in worse.find("testcase/failure").get("message")
    assert lone.find("testcase/skipped").get("message").startswith("undecided: ")
    assert same.find("testcase").get("classname") == "index.flask.default"


def test_markdown_has_the_verdicts_and_cannot_be_led_astray(stored, compare):
    title = "<b>x</b> | [y](http://z) @all `q`"
    a = stored("a", runs(MANY, title=title))
    b = stored("b", runs(STEADY, title=title))
    text = compare(a, b, *GOODPUT, "--format", "markdown")[1]
    assert text.startswith("### B against A: 1 worse")
    (row,) = [line for line in text.splitlines() if "🔴 worse" in line]
    assert row.replace("\\|", "").count("|") == 10
    assert "&lt;b&gt;x&lt;/b&gt; \\| \\[y\\](http://z) \\@all \\`q\\`" in row
    assert text.count("<details>") == text.count("</details>")


def test_trackers_get_the_judged_campaigns_figures(three, compare):
    options = [three[0], three[2], *GOODPUT, "--metric", "response_p99_us", "--format"]
    (bigger,) = json.loads(compare(*options, "github-bigger")[1])
    assert bigger["name"].endswith(": goodput_rps")
    assert (bigger["unit"], bigger["value"]) == ("responses/s", 1001)
    assert bigger["range"] == "1000 to 1002"
    assert "verdict: worse" in bigger["extra"]
    (smaller,) = json.loads(compare(*options, "github-smaller")[1])
    assert (smaller["unit"], smaller["value"]) == ("µs", 9000)
    (measures,) = json.loads(compare(*options, "bencher")[1]).values()
    assert measures["goodput-rps"] == {"value": 1001, "lower_value": 1000, "upper_value": 1002}
    assert set(measures) == {"goodput-rps", "response-p99-us"}


def test_a_tracker_takes_one_campaign(three, compare):
    code, _, error = compare(*three, "--format", "bencher")
    assert code == Exit.BAD_INPUT
    assert "one campaign, not of 2" in error


@pytest.mark.parametrize("form", [form for form in FORMS if form not in ("json",)])
def test_a_form_can_be_written_into_a_file(form, three, compare, tmp_path):
    out = tmp_path / "written"
    code, text, _ = compare(three[0], three[2], *GOODPUT, "--format", form, "--out", str(out))
    assert code == Exit.WORSE
    assert out.read_text().endswith("\n")
    assert "B against A: 1 worse" in text
    assert compare(*three, "--out", str(out))[0] == Exit.BAD_INPUT
    shown = compare(three[0], three[2], *GOODPUT, "--format", form, "--out", "-")
    assert shown == compare(three[0], three[2], *GOODPUT, "--format", form)
    lost = compare(three[0], three[2], "--format", form, "--out", str(tmp_path / "no" / "x"))
    assert lost[0] == Exit.BAD_INPUT


def test_a_page_of_several_campaigns_loads_nothing(three, compare):
    page = bs4.BeautifulSoup(compare(*three, "--format", "html")[1], "html.parser")
    assert not page.find_all(["script", "link", "img"], src=True)
    assert [h.text for h in page("h2")][:2] == [
        "B: nothing that is recorded changed", "C: changed: code of agents/flask",
    ]  # fmt: skip
    assert {span.text for span in page("span", class_="verdict")} == {"same", "worse"}
