"""A report in a browser, as its reader uses it: sorted, filtered, on a phone, on paper."""

import csv
import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.unit.browser.conftest import Opened

PHONE, DESK = 360, 1400
SHEET = 703  # pixels of the 186 mm between the margins of A4
MOST_SHEETS = 12  # of a report of 50 runs
OPEN_ALL = "document.querySelectorAll('details').forEach((fold) => { fold.open = true; })"
TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  const scrolled = (one) => {
    const around = one.closest('.scroll');
    return around && around !== one && getComputedStyle(around).overflowX === 'auto';
  };
  const wide = [...document.body.querySelectorAll('*')].filter((one) =>
    one.checkVisibility() && !scrolled(one) && one.getBoundingClientRect().right > width + 1
    && getComputedStyle(one).position !== 'absolute' && !one.closest('svg'));
  return wide.map((one) => one.outerHTML.slice(0, 90)).concat(
    document.documentElement.scrollWidth > width ? ['the page'] : []);
}"""


def figures(table, column):
    """Return the figures of a column, in the order shown, without the ranges below them."""
    texts = table.locator("tbody tr").evaluate_all(
        "(rows, column) => rows.map((row) => row.cells[column].firstChild.textContent)", column
    )
    return [float(re.search(r"[\d,.]*\d", text)[0].replace(",", "")) for text in texts]


def rules_broken(page):
    """Return the rules of axe-core that the page breaks, each with the first places."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return {one["id"]: [node["html"][:120] for node in one["nodes"][:3]] for one in found}


def test_tables_are_sorted_by_a_click_or_a_key(page_file, open_page):
    page = open_page(page_file)
    table = page.locator("#results table.summary").first
    head = table.locator("thead th", has_text="Goodput")
    column = head.evaluate("(head) => head.cellIndex")
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert figures(table, column) == sorted(figures(table, column))
    assert len(set(figures(table, column))) == 3
    page.keyboard.press("Enter")  # the button has the focus
    assert head.get_attribute("aria-sort") == "descending"
    assert figures(table, column) == sorted(figures(table, column), reverse=True)


SHOWN = """(cells, texts) => cells.forEach((cell, place) => { cell.innerHTML = texts[place]; })"""


def test_a_table_is_sorted_by_the_figure_and_not_by_what_stands_beside_it(page_file, open_page):
    page = open_page(page_file)
    rates = ["1,500<small>1,400 to 1,600</small>", "2,000<small>900 to 2,100</small>", "95.5"]
    table = page.locator("#results table.summary").first
    table.locator("td[data-label^='Goodput']").evaluate_all(SHOWN, rates)
    head = table.locator("thead th", has_text="Goodput")
    head.get_by_role("button").click()
    assert figures(table, head.evaluate("(head) => head.cellIndex")) == [95.5, 1500, 2000]
    ratios = ["10.2 (9.1 to 11.4)", "2.10 (1.90 to 2.30)", "1"]
    table = page.locator("table.ranks").first
    table.locator("td.ratio").evaluate_all(SHOWN, ratios)
    head = table.locator("thead th:has(.baseline)")
    head.get_by_role("button").click()
    assert figures(table, head.evaluate("(head) => head.cellIndex")) == [1, 2.1, 10.2]


def test_runs_are_chosen_by_app_and_verdict(page_file, open_page):
    page = open_page(page_file)
    bar = page.locator(".filter")
    bar.locator("select[name=app]").select_option("app1")
    assert bar.locator("output").text_content() == "6 of 18 runs shown"
    shown = page.locator("details.run:visible")
    assert set(shown.evaluate_all("(runs) => runs.map((run) => run.dataset.app)")) == {"app1"}
    bar.locator("select[name=verdict]").select_option("valid")
    assert shown.count() == 0
    bar.locator("select[name=app]").select_option("")
    assert bar.locator("output").text_content() == "12 of 18 runs shown"
    page.locator("#answer tr", has_text="app1").locator("td.number a").first.click()
    assert page.locator(":target").is_visible()  # and so are all others again
    assert bar.locator("output").text_content() == "18 of 18 runs shown"


HIDDEN_BY_SCROLLING = """() => [...document.querySelectorAll('#answer .scroll, #results .scroll')]
  .filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.ariaLabel)"""


def test_tables_need_no_scrolling_until_more_columns_are_chosen(page_file, open_page):
    page = open_page(page_file)
    assert page.evaluate(HIDDEN_BY_SCROLLING) == []
    drift = page.locator("#results td[data-label='Drift']:visible")
    assert drift.count() == 0
    bar = page.locator(".filter")
    told = bar.locator("summary").text_content()
    bar.locator("summary").click()
    bar.get_by_label("Drift", exact=True).check()
    assert drift.count() == 2 * 9
    assert bar.locator("summary").text_content() != told


def test_columns_are_chosen(page_file, open_page):
    page = open_page(page_file)
    bar = page.locator(".filter")
    bar.locator("summary").click()
    heads = page.locator("#results th:visible", has_text="Goodput")
    cells = page.locator("#results td[data-label^='Goodput']:visible")
    assert heads.count() == 4  # trials together and every run, of two endpoints
    assert cells.count() == 2 * (3 + 9)
    bar.get_by_label("Goodput").uncheck()
    assert (heads.count(), cells.count()) == (0, 0)
    assert page.locator("#results td[data-label^='p99']:visible").count() == 2 * (3 + 9)
    bar.get_by_label("Goodput").check()
    assert cells.count() == 2 * (3 + 9)


def test_another_baseline_is_taken(page_file, open_page):
    page = open_page(page_file)
    answer = page.locator("article.answer").first
    before = answer.locator("td[data-ratios]").all_text_contents()
    choice = answer.get_by_label("Compare all with")
    choice.select_option(index=1)
    assert answer.locator(".baseline").text_content() == choice.input_value()
    after = answer.locator("td[data-ratios]").all_text_contents()
    assert len(after) == 3
    assert all(one != other for one, other in zip(before, after, strict=True))


def test_a_figure_leads_to_its_evidence(page_file, open_page):
    page = open_page(page_file)
    page.locator("table.ranks tbody td.number a").first.click()
    cell = page.locator(":target")
    cell.locator("a[href^='#run-']").first.click()
    fold = page.locator("details.run", has=page.locator(":target"))
    assert fold.evaluate("(fold) => fold.open")
    assert fold.locator("pre code").first.text_content().startswith("python -m pacer")
    run_id = fold.locator(":target").get_attribute("id").removeprefix("run-")
    link = fold.locator(".files a", has_text="run.json")
    target = (page_file.parent / link.get_attribute("href")).resolve()
    assert json.loads(target.read_text())["run_id"] == run_id


def test_a_badge_leads_to_its_finding(page_file, open_page):
    page = open_page(page_file)
    page.locator("#answer a.badge.doubtful").first.click()
    assert "generator lag" in page.locator(":target").text_content()


def test_a_moment_of_a_run_is_told_by_pointer_and_keys(page_file, open_page):
    page = open_page(page_file)
    fold = page.locator("details.run").first
    fold.locator("summary").first.click()
    slider = fold.get_by_label("Figures at")
    slider.focus()
    slider.fill("45")
    moment = fold.locator(".cursor output").text_content()
    assert moment.endswith(" s")
    second = int(float(moment.removesuffix(" s")))
    told = {
        entry.evaluate("(one) => one.firstElementChild.nextSibling.textContent").strip(): float(
            entry.locator("output").text_content().replace(",", "")
        )
        for entry in fold.locator(".key span:has(output)").all()
    }
    run_id = fold.locator(".inside").get_attribute("id").removeprefix("run-")
    timeline = page_file.parents[1] / run_id / "timeline.csv"
    row = next(row for row in csv.DictReader(timeline.open()) if int(row["second"]) == second)
    assert told["correct"] == pytest.approx(float(row["ok"]), rel=0.01)
    assert told["p99"] == pytest.approx(float(row["response_p99_us"]) / 1000, rel=0.01)
    page.keyboard.press("ArrowRight")
    assert fold.locator(".cursor output").text_content() != moment
    after = fold.locator(".cursor output").text_content()
    fold.locator(".plot").first.hover(position={"x": 5, "y": 20})
    assert fold.locator(".cursor output").text_content() != after


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_nothing_is_wider_than_the_window(page_file, open_page, width, scheme):
    page = open_page(page_file, width=width, scheme=scheme)
    page.evaluate(OPEN_ALL)
    assert page.evaluate(TOO_WIDE) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_no_rule_of_accessibility_is_broken(page_file, open_page, width, scheme):
    page = open_page(page_file, width=width, scheme=scheme)
    page.evaluate(OPEN_ALL)
    assert rules_broken(page) == {}


def test_what_has_the_focus_is_seen(page_file, open_page):
    page = open_page(page_file)
    seen = set()
    for _ in range(25):
        page.keyboard.press("Tab")
        outline = page.evaluate(
            "(() => { const s = getComputedStyle(document.activeElement);"
            " return [document.activeElement.tagName, s.outlineStyle, s.outlineWidth]; })()"
        )
        seen.add(outline[0])
        assert outline[1:] == ["solid", "2px"]
    assert {"A", "BUTTON", "SELECT"} <= seen


def test_without_scripts_all_is_there(page_file, open_page):
    page = open_page(page_file, scripts=False)
    assert page.locator("#answer .sentence").first.is_visible()
    assert not page.locator(".filter").is_visible()
    fold = page.locator("details.run").first
    fold.locator("summary").first.click()
    plot = fold.locator(".plot").first
    assert plot.is_visible()
    assert plot.locator("path:not(.grid)").count() == 4


def test_fifty_runs_fit_on_some_sheets(page_of_fifty, open_page):
    page = open_page(page_of_fifty)
    sheets = len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))
    assert 1 <= sheets <= MOST_SHEETS


def test_nothing_is_wider_than_a_sheet(page_of_fifty, open_page):
    page = open_page(page_of_fifty, width=SHEET)
    page.emulate_media(media="print")
    assert page.evaluate(TOO_WIDE) == []


def test_fifty_runs_are_not_wider_than_a_phone(page_of_fifty, open_page):
    page = open_page(page_of_fifty, width=PHONE)
    assert page.evaluate(TOO_WIDE) == []


def test_heads_hold_no_buttons_on_paper(page_file, open_page):
    """Chromium repeats a table's head on each sheet, but none that holds a button."""
    page = open_page(page_file)
    buttons = page.locator("thead button")
    number = buttons.count()
    titles = page.locator("thead").all_text_contents()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert buttons.count() == 0
    assert page.locator("thead").all_text_contents() == titles
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert buttons.count() == number > 10
    head = page.locator("#results table.summary thead th", has_text="Goodput").first
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"


BAD = """<!doctype html><html><title>bad</title>
<h1>One</h1><h4>Four</h4><p style="color: #ccc">pale</p><input>
<div style="width: 2000px">wide</div>
<script>console.error("broken")</script><img src="http://127.0.0.1:1/x.png">
"""


def test_these_checks_see_what_is_wrong(tmp_path, browser):
    file = tmp_path / "bad.html"
    file.write_text(BAD)
    with browser.new_context(viewport={"width": PHONE, "height": 900}) as context:
        opened = Opened(context, file)
        assert len(opened.page.evaluate(TOO_WIDE)) == 2
        broken = {"color-contrast", "label", "image-alt", "html-has-lang", "heading-order"}
        assert broken <= set(rules_broken(opened.page))
        assert opened.strangers() == ["http://127.0.0.1:1/x.png"]
        assert "broken" in opened.complaints
