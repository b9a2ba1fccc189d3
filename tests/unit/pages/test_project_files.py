"""CITATION.cff and the hooks before a commit say what pyproject.toml and script/test say."""

import re
import shlex
import tomllib

import pytest
import yaml
from markdown_pages import ROOT

CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REPOSITORIES = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
HOOKS = [hook for repository in REPOSITORIES for hook in repository["hooks"]]


def test_the_citation_has_what_its_format_requires():
    """These keys, and an author with a name, are what the Citation File Format 1.2.0 requires."""
    assert CITATION.keys() >= {"cff-version", "message", "title", "authors"}
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["authors"]
    assert all(one.get("name") or one.get("family-names") for one in CITATION["authors"])


def test_the_citation_says_what_the_project_says():
    told = {"title": "name", "abstract": "description", "version": "version", "license": "license"}
    assert {key: CITATION[key] for key in told} == {key: PROJECT[told[key]] for key in told}


def test_hooks_fetch_nothing():
    assert {repository["repo"] for repository in REPOSITORIES} == {"local"}
    assert {hook["language"] for hook in HOOKS} == {"system"}


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_does_what_the_tests_do(hook):
    script = re.sub(r"\\\n\s*", "", (ROOT / "script/test").read_text())
    words = shlex.split(hook["entry"])
    entry = " ".join(words[2].split()) if words[:2] == ["bash", "-c"] else " ".join(words)
    lines = [line.strip() for line in script.splitlines()]
    command = entry.removeprefix(".venv/bin/")
    if hook.get("pass_filenames", True):
        assert any(line.startswith(f"{command} ") for line in lines)
    else:
        assert command in lines
