"""The documentation's site: its navigation, what stands in it and where, and when it is built."""

import re
import sys
import tomllib
from types import ModuleType, SimpleNamespace

import markdown_pages
import pytest
import yaml
from markdown_pages import DOCS, ROOT
from packaging.requirements import Requirement

from docs import website
from docs.website import Source
from tests.unit.locks import pins

CONFIG = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
SOURCES = website.sources()
PAGES = [source for source in SOURCES if source.is_page]
NESTED = ("bullet_list_open", "ordered_list_open", "fence", "code_block", "table_open")


def by_path(source):
    return source.path


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Another project, with one page in docs/ that leads to files and folders of all kinds."""
    for path, text in {
        "README.md": "# Home\n[map](docs/README.md)\n",
        "docs/README.md": "# Map\n## Tutorial: learn it\n[a](page.md) [b](../README.md)\n",
        "docs/page.md": "# Page\n[a](../code/x.py) [b](../code/) [c](#here) [d](https://e.org)\n"
        "![e](picture.png)\n",
        "docs/picture.png": "",
        "docs/generate.py": "",
        "code/x.py": "'''\n```\n'''\n",
        "code/__pycache__/x.pyc": "",
        "code/inner/README.md": "# Inner\n[more](../../other.md)\n",
        "code/bare/y.py": "",
        "other.md": "# Other\n",
        "unknown.md": "# Unknown\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    monkeypatch.setattr(website, "ROOT", tmp_path)
    monkeypatch.setattr(website, "OWN", ())
    return tmp_path


def shown(navigation):
    """The paths of a navigation, in order."""
    for entry in navigation:
        for inner in entry.values():
            yield from [inner] if isinstance(inner, str) else inner


def test_every_page_of_the_docs_stands_in_the_navigation_once():
    paths = [path for path in shown(website.navigation()) if path.startswith("docs/")]
    assert sorted(paths) == sorted(f"docs/{page.name}" for page in DOCS.glob("*.md"))


def test_the_navigation_is_grouped_by_need():
    navigation = website.navigation()
    titles = [title for entry in navigation for title in entry]
    assert titles[2:6] == ["Tutorial", "How-to", "Reference", "Explanation"]
    assert all(pages for entry in navigation for pages in entry.values())
    paths = list(shown(navigation))
    assert len(paths) == len(set(paths))
    assert set(paths) <= {source.path for source in PAGES}


def test_all_that_is_linked_stands_in_the_site_at_a_place_of_its_own():
    assert len(SOURCES) > 100
    assert len({source.place for source in SOURCES}) == len(SOURCES)
    for source in SOURCES:
        assert (ROOT / source.path).exists()
        assert ROOT in (ROOT / source.path).resolve().parents
    of_tests = {target.resolve() for page in PAGES for target in targets(page)}
    assert of_tests <= {(ROOT / source.path).resolve() for source in SOURCES}


def targets(source):
    """What a page leads to, as the tests of links find it."""
    return [target for _, target, _ in markdown_pages.links(ROOT / source.path)]


def test_what_is_linked_from_elsewhere_comes_along(project):
    found = {source.path: source.place for source in website.sources()}
    assert found == {
        "README.md": "index.html",
        "docs/README.md": "docs/index.html",
        "docs/page.md": "docs/page.html",
        "docs/picture.png": "docs/picture.png",
        "code": "code/files.html",
        "code/x.py": "code/x.py.html",
        "code/inner/README.md": "code/inner/index.html",
        "other.md": "other.html",
    }


def test_a_folder_is_shown_as_a_list_of_what_is_in_it(project):
    heading, *lines = Source("code").text().removeprefix(website.FRONT).split("\n\n")
    assert heading == "# `code/`"
    assert lines == ["- `bare/`\n- [`inner/`](code/inner/README.md)\n- [`x.py`](code/x.py)\n"]


def test_a_file_is_shown_with_its_text_whatever_fences_it_has(project):
    text = Source("code/x.py").text().removeprefix(website.FRONT)
    assert text == "# `code/x.py`\n\n````python\n'''\n```\n'''\n````\n"
    (project / "code/x.py").write_bytes(b"\xff")
    assert "```python\n\ufffd\n```" in Source("code/x.py").text()


def test_the_navigation_leaves_out_what_was_named_before(project):
    assert website.navigation() == [
        {"Home": "README.md"},
        {"All pages": "docs/README.md"},
        {"Tutorial": ["docs/page.md"]},
    ]


# --- as Python-Markdown reads it ------------------------------------------------------------------


def test_blocks_are_put_apart():
    text = "# A\n<!-- b -->\nwords:\n- c\n- d\n  more\n\n1. e\n```\n- f\n```\ng\n"
    apart = "# A\n\n<!-- b -->\n\nwords:\n\n- c\n- d\n  more\n\n1. e\n\n```\n- f\n```\n\ng\n"
    assert website.adapted(text) == apart


def test_bars_in_code_of_tables_need_no_backslash():
    row = "| `a\\|b` | c \\| d | ``e\\|`f`` |\n"
    table = "| a | b | c |\n|---|---|---|\n"
    assert website.adapted(f"{table}{row}\n`g\\|h`\n") == (
        f"{table}| `a|b` | c \\| d | ``e|`f`` |\n\n`g\\|h`\n"
    )


@pytest.mark.parametrize("page", PAGES, ids=by_path)
def test_a_page_means_the_same_after_that(page):
    text = page.text().replace("\\|", "")  # which code hosts read as the end of a cell without it
    adapted = website.adapted(text)
    assert website.MARKDOWN.render(adapted) == website.MARKDOWN.render(text)
    assert website.adapted(adapted) == adapted


@pytest.mark.parametrize("page", PAGES, ids=by_path)
def test_nothing_stands_in_a_list_that_is_read_in_two_ways(page):
    """Within lists, Python-Markdown wants four spaces where code hosts want two or three."""
    tokens = website.MARKDOWN.parse(page.text())
    nested = [one.map[0] + 1 for one in tokens if one.level and one.type in NESTED]
    assert nested == [], "put the list, code or table after the list that it stands in"


def test_headings_have_the_names_that_code_hosts_give(tmp_path):
    page = tmp_path / "page.md"
    headings = ["Fit to measure?", "a_b, c & d", "Bücher: two"]
    page.write_text("".join(f"# {one}\n" for one in headings))
    assert markdown_pages.headings(page) == {website.slug(one, "-") for one in headings}


# --- mkdocs ---------------------------------------------------------------------------------------


def test_the_site_needs_no_server_and_fetches_nothing():
    assert CONFIG["use_directory_urls"] is False
    assert CONFIG["theme"]["font"] is False
    assert {"search", "offline"} <= set(CONFIG["plugins"])
    files = [*CONFIG["extra"]["polyfills"], *CONFIG["extra_css"]]
    assert any("iframe-worker" in name for name in files), "the plugin offline would fetch its own"
    assert tuple(files) == website.OWN
    assert all((ROOT / name).is_file() for name in [*files, *CONFIG["hooks"]])


def test_the_site_is_as_strict_as_mkdocs_can_be():
    assert set(CONFIG["validation"].values()) == {"warn"}


def test_only_who_builds_the_site_installs_what_it_needs():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert "mkdocs-material" in {Requirement(text).name for text in extras["site"]}
    for lock in ROOT.glob("requirements*.lock"):
        assert not any(pin.requirement.name.startswith("mkdocs") for pin in pins(lock))


def test_mkdocs_gets_the_navigation_and_all_files(project, monkeypatch):
    module = ModuleType("mkdocs.structure.files")
    module.Files = list
    module.InclusionLevel = SimpleNamespace(UNDEFINED="in the map", NOT_IN_NAV="beside it")
    module.File = lambda path, folder, site, **more: SimpleNamespace(
        path=path, src_dir=folder, site=site, **more
    )
    for name in ("mkdocs", "mkdocs.structure"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    config = SimpleNamespace(
        docs_dir=str(project / "docs"), site_dir="site", nav=None, mdx_configs={"toc": {"a": 1}}
    )
    website.on_config(config)
    assert config.nav == website.navigation()
    assert config.mdx_configs["toc"] == {"a": 1, "slugify": website.slug}
    of_theme = SimpleNamespace(path="main.css", src_dir="theme")
    of_docs = SimpleNamespace(path="generate.py", src_dir=config.docs_dir)
    files = {file.path: file for file in website.on_files([of_theme, of_docs], config)}
    assert set(files) == {"main.css", *(source.path for source in website.sources())}
    assert files["docs/page.md"].inclusion == "in the map"  # so that mkdocs misses it elsewhere
    assert files["code/x.py"].inclusion == files["other.md"].inclusion == "beside it"
    assert files["code/x.py"].is_documentation_page()
    assert files["code/x.py"].content_string == Source("code/x.py").text()
    assert not hasattr(files["docs/picture.png"], "content_string")


@pytest.fixture
def called(monkeypatch):
    """What mkdocs, which is there, is called with."""
    commands = []
    monkeypatch.setattr(website, "find_spec", lambda name: name)
    monkeypatch.setattr(
        website.subprocess,
        "run",
        lambda command, **_: commands.append(command) or SimpleNamespace(returncode=0),
    )
    return commands


@pytest.mark.parametrize("there", [None, "", website.MARK])
def test_a_site_is_built_into_a_folder_of_its_own(there, tmp_path, called, capsys):
    folder = tmp_path / "site"
    if there is not None:
        (folder / there).parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(exist_ok=True)
        if there:
            (folder / there).touch()
    assert website.build(folder) == 0
    assert {"--strict", f"--site-dir={folder}"} <= set(called[0])
    assert f"{folder}/index.html" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["home/letter.txt", "home"])
def test_no_folder_is_emptied_that_holds_something_else(name, tmp_path, called, capsys):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("kept")
    assert website.build(tmp_path / "home") == 2
    assert re.fullmatch(r"error: \S+ holds something else .* -> .*\n", capsys.readouterr().err)
    assert called == []
    assert path.read_text() == "kept"


def test_without_mkdocs_one_sentence_says_how_to_install_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(website, "find_spec", lambda name: None)
    assert website.build(tmp_path) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert ".[site]" in error
