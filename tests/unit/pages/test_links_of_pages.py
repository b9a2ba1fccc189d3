"""Links of the project's pages lead to files and headings that exist, and the map has all pages."""

import re

import markdown_pages
import pytest
from markdown_pages import DOCS, MAP, PAGES, ROOT, shown

# Files of the project that are named by their path, wherever the page itself is
NAMED = re.compile(
    r"(analysis|bench|command|docs|experiments|pacer|playbooks|plugins|roles|script|telemetry|"
    r"testbed|tests)/[\w./-]+"
)


def problem(target, heading):
    """What is wrong with a link to a file, and maybe to a heading in it; None if nothing is."""
    if not target.exists():
        return "no such file"
    if ROOT not in target.resolve().parents:
        return "lies outside of the project"
    if not heading:
        return None
    if target.suffix != ".md":
        return "only pages have headings"
    known = markdown_pages.headings(target)
    return None if heading in known else f"no heading #{heading} in {target.name}"


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_links_lead_somewhere(page):
    found = [(line, target, problem(target, heading)) for line, target, heading in links(page)]
    assert [one for one in found if one[2]] == []


def links(page):
    return list(markdown_pages.links(page))


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_files_that_are_named_exist(page):
    if page.name == "CHANGELOG.md":  # which tells of files as they were
        return
    named = {code.content for _, code in markdown_pages.inline(page, "code_inline")}
    paths = [name for name in named if NAMED.fullmatch(name) and "NAME" not in name]
    missing = [path for path in paths if not (ROOT / path).exists()]
    assert missing == []


@pytest.mark.parametrize("sample", sorted((DOCS / "sample").glob("*.html")), ids=shown)
def test_links_of_sample_reports_lead_somewhere(sample):
    """A sample is kept without its results folder, so the names of files in it are no links."""
    text = sample.read_text(encoding="utf-8")
    ids = set(re.findall(r'\bid="([^"]+)"', text))
    found = re.findall(r'<a\b[^>]*? href="([^"]*)"', text)
    assert found
    assert [one for one in found if one.startswith("#") and one[1:] not in ids] == []
    files = [one for one in found if not one.startswith(("#", "http://", "https://", "data:"))]
    assert [one for one in files if problem(sample.parent / one.partition("#")[0], "")] == []


def test_the_map_has_every_page_of_the_docs_once():
    targets = [target.resolve() for _, target, _ in links(MAP)]
    of_docs = sorted(target for target in targets if target.parent == DOCS)
    assert of_docs == sorted(page for page in DOCS.glob("*.md") if page != MAP)


def test_the_readme_leads_to_the_map():
    assert MAP in {target.resolve() for _, target, _ in links(ROOT / "README.md")}


def test_there_are_pages_and_links():
    assert len(PAGES) > 30
    assert sum(len(links(page)) for page in PAGES) > 150


def test_headings_have_the_names_that_links_use(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Fit to *measure*?\n## `a_b`, c & d\n## Twice\n## Twice\n```\n# none\n```\n")
    assert markdown_pages.headings(page) == {"fit-to-measure", "a_b-c--d", "twice", "twice-1"}


def test_a_link_that_leads_nowhere_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("# Here\n[a](#here) [b](#there) [c](none.md) [d](x.py#L1) [e](https://e.org)\n")
    (tmp_path / "x.py").touch()
    found = [problem(target, heading) for _, target, heading in links(page)]
    assert found == [
        None,
        "no heading #there in page.md",
        "no such file",
        "only pages have headings",
    ]
