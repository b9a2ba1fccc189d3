"""docs/glossary.md has the words that a report defines, each with a page that tells more."""

import re

import markdown_pages
from markdown_pages import DOCS, ROOT

PAGE = DOCS / "glossary.md"
DEFINED = (ROOT / "analysis/templates/definitions.html.j2").read_text()
BOUND = "≥"  # a sign, which stands in the entry on what is censored
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text().splitlines()
    if line.startswith("|")
][2:]


def words():
    return [row[0] for row in ROWS]


def test_words_are_in_order_and_stand_once():
    assert words() == sorted(set(words()), key=str.lower)


def test_each_word_has_a_page_that_tells_more():
    lines = [line for line, _, _ in markdown_pages.links(PAGE)]
    assert len(lines) == len(ROWS)


def test_words_that_a_report_defines_are_explained():
    outer = re.sub(r"(?s)<dl class=\"definitions\">\n<dt>connect.*?</dl>", "", DEFINED)
    terms = re.findall(r"<dt>(.*?)</dt>", outer)
    assert len(terms) > 12
    known = {word.lower() for entry in words() for word in (entry, *entry.split(", "))}
    missing = [
        one for term in terms for one in term.split(", ") if one.lower() not in known | {BOUND}
    ]
    assert missing == []
    assert any(BOUND in meaning for _, meaning, _ in ROWS)
