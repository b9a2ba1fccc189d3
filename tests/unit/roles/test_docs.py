"""Pages repeat what data say: roles, checks, keys; and roles declare all that they write."""

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from docs import generate, roles
from docs.markdown import table
from testbed import validity
from testbed.validity.limits import explained

ROOT = Path(__file__).resolve().parents[3]
ROLES = roles.role_names()
# Entry points that only put back or remove
UNDOING = {"remove.yml", "restore.yml", "put_back.yml", "forget.yml"}
SCREEN_LINES = 60


def shown(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("name", generate.TABLES)
def test_every_table_stands_in_one_page(name):
    begin = f"<!-- generated: {name} -->"
    assert sum(page.read_text().count(begin) for page in generate.pages()) == 1


@pytest.mark.parametrize("page", generate.pages(), ids=shown)
def test_tables_are_what_their_data_say(page):
    assert generate.written(page) == page.read_text(), "run script/docs"


def test_a_page_that_differs_is_named_and_then_written(tmp_path, monkeypatch, capsys):
    page = tmp_path / "page.md"
    page.write_text(
        "# Keys\n<!-- generated: app_keys -->\nyesterday\n<!-- end: app_keys -->\nafter\n"
    )
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    monkeypatch.setattr(generate, "pages", lambda: [page])
    monkeypatch.setattr(generate.schemas, "documents", dict)
    monkeypatch.setattr("sys.argv", ["script/docs", "--check"])
    assert generate.main() == 1
    assert "page.md" in capsys.readouterr().err
    assert "yesterday" in page.read_text()
    monkeypatch.setattr("sys.argv", ["script/docs"])
    assert generate.main() == 0
    text = page.read_text()
    assert "yesterday" not in text
    assert "| `serve` | yes |" in text
    assert text.endswith("after\n")
    monkeypatch.setattr("sys.argv", ["script/docs", "--check"])
    assert generate.main() == 0


def test_an_option_that_there_is_not_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["script/docs", "--chekc"])
    assert generate.main() == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: --chekc: no such option or argument\n")
    assert "did you mean '--check'? `script/docs --help`" in told.err


def test_a_bar_ends_no_cell():
    assert table(("a",), [("b | c\nd",)]) == "| a |\n|---|\n| b \\| c d |\n"


@pytest.mark.parametrize(
    "table", ["docs/hosts.md changes", "docs/method.md validity", "docs/fitness.md checks"]
)
def test_pages_hold_their_tables(table):
    page, name = table.split()
    assert f"<!-- generated: {name} -->" in (ROOT / page).read_text()


@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_a_readme_of_a_screen(role):
    lines = (ROOT / "roles" / role / "README.md").read_text().splitlines()
    assert lines[0] == f"# {role}"
    assert {"<!-- generated: variables -->", "<!-- generated: use -->"} <= set(lines)
    assert len(lines) <= SCREEN_LINES


def test_a_role_that_site_yml_takes_has_its_own_tag():
    for name in roles.PLAYBOOKS:
        for play in roles.read(ROOT / "playbooks" / f"{name}.yml"):
            for entry in play.get("roles", []):
                assert entry["role"] in entry["tags"]


def test_a_role_that_others_import_has_their_hosts_and_tags():
    assert roles.places_of("releases") == "both"
    assert "tags: `app_deploy`, `pacer`, `telemetry`" in roles.use("releases")


def test_every_check_is_in_words_with_all_limits():
    words = explained()
    assert list(words) == [check.__name__ for check in validity.CHECKS]
    named = [limit for check in words.values() for limit in check.limits]
    helpers = {
        name
        for name, limit in validity.limits().items()
        if limit.reason == "used by the check above only"
    }
    assert sorted(named) == sorted(set(validity.limits()) - helpers)


def tasks_of(file):
    """All tasks of a file, those in blocks too."""
    waiting = yaml.safe_load(file.read_text())
    while waiting:
        task = waiting.pop()
        waiting += task.get("block", []) + task.get("rescue", []) + task.get("always", [])
        yield task


def written_by(role):
    """Paths that a role's tasks write; a star stands for what only a host can tell."""
    variables = {}
    for file in (
        "group_vars/all.yml",
        f"roles/{role}/defaults/main.yml",
        f"roles/{role}/vars/main.yml",
    ):
        path = ROOT / file
        variables |= (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}

    def resolved(text):
        for _ in range(5):
            text = re.sub(r"\{\{ (\w+) \}\}", lambda one: str(variables.get(one[1], "*")), text)
        return re.sub(r"\{\{.*?\}\}", "*", text).strip()

    for file in (ROOT / "roles" / role / "tasks").glob("*.yml"):
        for task in tasks_of(file) if file.name not in UNDOING else ():
            files = task.get("file_set", {})
            listed = files.get("files", [])
            paths = [one["path"] for one in listed] if isinstance(listed, list) else []
            paths += [files["pattern"]] if "pattern" in files else []
            paths += [
                task[f"ansible.builtin.{name}"]["dest"]
                for name in ("template", "copy")
                if f"ansible.builtin.{name}" in task
            ]
            if "virtualenvs" in task:
                paths.append(f"{task['virtualenvs']['folder']}/*")
            if "releases_folder" in task.get("vars", {}):
                paths.append(f"{task['vars']['releases_folder']}/*")
            yield from map(resolved, paths)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_declares_what_it_writes(role):
    declared = [
        re.sub("<.*?>", "*", place)
        for item in roles.read(ROOT / "roles" / role / "meta" / "changes.yml") or []
        for place in item["where"]
    ]
    for path in written_by(role):
        assert any(
            fnmatch(path, place) or fnmatch(place, path) or fnmatch(path, f"{place}/*")
            for place in declared
        ), path
