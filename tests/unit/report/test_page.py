"""The report's page as a browser and its reader meet it: structure, links, colours, size."""

import base64
import hashlib
import re

import bs4
import pytest

from analysis import answers, evidence, html
from analysis.charts.style import Rendered
from analysis.load import load
from testbed.model.results import Finding
from tests.unit.report import builder

APPS = [f"app{number}" for number in range(4)]
ENDPOINTS = ["index", "agents"]
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3, for text of a usual size
TEXTS = ("ink", "quiet", "accent", "doubt", "bad", "good")
GROUNDS = ("page", "soft", "warm")


def picture(name, size=40_000):
    """Return a chart whose picture in the page takes `size` bytes."""
    return Rendered(name, f"title of {name}", "how to read it", f"alt of {name}", b"<svg/>",
                    name.encode().ljust(size))  # fmt: skip


def many(apps, endpoints, trials):
    """Return runs of which all are late, each by another time, and some are spoilt."""
    runs = []
    for endpoint in endpoints:
        for place, app in enumerate(apps):
            for trial in range(1, trials + 1):
                number = len(runs) + 1
                found = [
                    Finding(check="generator_lag", verdict="doubtful",
                            sentence=f"the generator lagged: p99 {1000 + number} us"),
                    Finding(check="censored", verdict="valid", sentence="3 % were not answered"),
                ]  # fmt: skip
                rate = 1000.0 + 300 * place + 7 * trial
                figures = builder.output(goodput_rps=rate, throughput_rps=rate)
                runs.append(builder.run(number, app, endpoint, trial=trial, verdict="doubtful",
                                        findings=found, figures=figures))  # fmt: skip
    return runs


def page_of(folder, runs, monkeypatch, *, charts=4):
    """Return the page of these runs, with pictures of a known size in place of charts."""
    monkeypatch.setattr(html, "webp", lambda png: png)
    html.data_uri.cache_clear()
    campaign = load(builder.write(folder, builder.campaign(runs), runs, curves=False))
    kinds = ("requests", "errors", "latency", "percentiles")[:charts]
    drawn = {
        endpoint: [picture(f"{endpoint}-{kind}") for kind in kinds]
        for endpoint in dict.fromkeys(run.endpoint for run in runs)
    }
    files = evidence_of(campaign, folder)
    return html.page(campaign, drawn, files)


def evidence_of(campaign, folder):
    for run in campaign.runs:
        (folder / run.record.run_id / "raw" / "pacer.out").write_text("what the tool <printed>")
    return evidence.of_campaign(campaign, folder / "report")


@pytest.fixture
def soup(tmp_path, monkeypatch):
    return bs4.BeautifulSoup(
        page_of(tmp_path / "c", many(APPS, ENDPOINTS, 3), monkeypatch), "html.parser"
    )


def test_the_answer_stands_first_and_every_section_is_led_to(soup):
    sections = [section["id"] for section in soup.main.find_all("section")]
    assert sections[:3] == ["answer", "about", "validity"]
    assert {link["href"] for link in soup.nav.find_all("a")} <= {f"#{one}" for one in sections}
    first = soup.select_one("#answer .sentence").text
    assert re.search(r"app3 answers \d\.\d\d times as many as app2 \(", first)


def test_ids_are_unique_and_every_link_has_its_target(soup):
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))
    links = [tag["href"] for tag in soup.find_all("a")]
    inside = {link[1:] for link in links if link.startswith("#")}
    assert inside <= set(ids)
    assert all(re.match(r"#|charts/|\.\./\d{3}-", link) for link in links)


def test_a_figure_leads_to_its_trials_and_on_to_a_run_with_its_evidence(soup):
    row = soup.select_one("#answer table.ranks tbody tr")
    cell = soup.find(id=row.select_one("td.number a")["href"][1:])
    trials = [link["href"][1:] for link in cell.select('a[href^="#run-"]')]
    assert len(trials) == 3
    run = soup.find(id=trials[0])
    assert run.find_parent("details", class_="run")
    assert "python -m pacer" in run.pre.text
    links = {link["href"] for link in run.select(".files a")}
    name = trials[0].removeprefix("run-")
    assert links == {f"../{name}/run.json", f"../{name}/raw/pacer.out"}
    assert "what the tool <printed>" in run.text


def test_a_finding_is_told_once_for_all_runs_and_in_the_fold_of_each(soup):
    told = soup.select("#validity .reasons > li")
    assert len(told) == 2
    assert "generator lag: 24 of 24 runs" in " ".join(told[0].text.split())
    assert "the generator lagged: p99 1001 to 1024 us" in told[0].text
    assert len(told[0].select('a[href^="#run-"]')) == 24
    badge = soup.select_one("#answer a.badge")
    assert soup.find(id=badge["href"][1:]) is told[0]
    own = soup.select_one("details.run .findings").text
    assert "Doubtful: the generator lagged: p99 1001 us" in own


def test_a_remark_is_no_verdict(soup):
    remark = soup.select("#validity .reasons > li")[1]
    assert "3 % were not answered" in remark.text
    assert not remark.select(".badge, .verdict")
    assert "Remark: 3 % were not answered" in soup.select_one("details.run .findings").text


def test_every_table_has_heads_with_a_scope(soup):
    for table in soup.find_all("table"):
        heads = table.thead.find_all("th")
        assert heads
        assert {head.get("scope") for head in heads} == {"col"}
        assert all(head.text.strip() for head in heads)
        assert {head.get("scope") for head in table.tbody.find_all("th")} <= {"row"}


def test_nothing_is_asked_of_a_network_and_only_the_pages_own_script_runs(soup):
    policy = soup.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    (script,) = soup.find_all("script")
    digest = base64.b64encode(hashlib.sha256(script.string.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy.split("; ")
    assert "default-src 'none'" in policy
    assert len(script.string) < 10_000
    assert not soup.find_all(lambda tag: any(name.startswith("on") for name in tag.attrs))
    assert not re.search(r"fetch\(|XMLHttp|import\(|innerHTML", script.string)
    for image in soup.find_all("img"):
        assert image["src"].startswith("data:")
        assert image["alt"]


def test_without_a_script_nothing_is_lost_but_choices(soup):
    assert all("hidden" in tag.attrs for tag in soup.select(".filter, .choice"))
    others = [
        tag for tag in soup.find_all(hidden=True) if tag["class"][0] not in ("filter", "choice")
    ]
    assert not others


def test_runs_can_be_chosen_and_another_baseline_taken(soup):
    names = [choice["name"] for choice in soup.select(".filter select")]
    assert names == ["app", "endpoint"]  # of variants and verdicts there is one only
    for row in soup.select("table.runs tbody tr, details.run"):
        assert set(row.attrs) >= {
            f"data-{key}" for key in ("app", "endpoint", "variant", "verdict")
        }
    assert [one.text for one in soup.select_one(".choice select").find_all("option")] == [
        "app3", "app2", "app1", "app0",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("apps", "trials", "most_bytes"), [(25, 1, 1_500_000), (17, 3, 1_500_000), (20, 5, 4_000_000)]
)
def test_a_page_is_small_enough_to_be_mailed(tmp_path, monkeypatch, apps, trials, most_bytes):
    monkeypatch.setattr(answers, "MOST_BASELINES", 1)  # each costs time, and few bytes
    names = [f"app{number}" for number in range(apps)]
    endpoints = ENDPOINTS if apps != 17 else ["index"]
    runs = many(names, endpoints, trials)
    page = page_of(tmp_path / "c", runs, monkeypatch)
    assert len(runs) in (50, 51, 200)
    assert len(page.encode()) <= most_bytes


def colours(scheme):
    """Return the colours of a scheme by their names, from the page's own style."""
    text = (html.TEMPLATES / "style.css").read_text()
    light, dark = re.findall(r":root \{(.*?)\}", text, re.DOTALL)
    return dict(re.findall(r"--(\w+): (#\w{6});", {"light": light, "dark": dark}[scheme]))


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_schemes(scheme):
    known = colours(scheme)
    for text in TEXTS:
        for ground in GROUNDS:
            ends = sorted((luminance(known[text]), luminance(known[ground])))
            contrast = (ends[1] + 0.05) / (ends[0] + 0.05)
            assert contrast >= LEAST_CONTRAST, (scheme, text, ground, contrast)
