"""Commands in the docs are such as the programs take: no page names an option that there is not."""

import re
import shlex
from operator import attrgetter

import markdown_pages
import programs
import pytest
from markdown_pages import DOCS, PAGES, shown

from command.texts import TOLD
from testbed.errors import TestbedError

# The changelog tells of commands as they were
NOW = [page for page in PAGES if page.name != "CHANGELOG.md"]
WORKFLOWS = sorted((DOCS / "examples").glob("*.yml"))
OPTION = re.compile(r"(?<!\S)--[a-z][\w-]*")
# Options that pages name alone, of programs that are not the testbed's or have a test of their own
OTHERS = {
    "ansible-playbook": {"--check", "--diff"},
    "bench/capacity.py": {"--met-at", "--searches", "--servers"},
    "bombardier": {"--print", "--format"},
    "gunicorn": {"--bind"},
    "k6": {"--summary-export"},
    "oha": {"--output-format"},
    "pip": {"--find-links", "--index-url"},
    "script/lock": {"--upgrade"},
    "uv": {"--generate-hashes"},
}
EXAMPLES = [example for examples, _ in TOLD.values() for example in examples]


def refused(commands):
    """What the programs would say of each command that they would refuse."""
    found = []
    for command in commands:
        try:
            programs.read(command.words, whole=command.whole)
        except TestbedError as error:
            found.append(f"{command}: {error}")
    return found


def own(commands):
    return [command for command in commands if programs.is_own(command.words)]


@pytest.mark.parametrize("page", NOW, ids=shown)
def test_the_programs_take_what_a_page_tells(page):
    assert refused(own(markdown_pages.told(page))) == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=attrgetter("name"))
def test_the_programs_take_what_a_workflow_runs(workflow):
    commands = own(markdown_pages.run_by(workflow, workflow.read_text()))
    assert commands
    assert refused(commands) == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_programs_take_the_examples_of_their_help(example):
    programs.read(shlex.split(example))


@pytest.mark.parametrize("page", [page for page in NOW if page.parent.name != "pacer"], ids=shown)
def test_options_that_are_named_alone_exist(page):
    known = programs.option_names().union(*OTHERS.values())
    named = {code.content for _, code in markdown_pages.inline(page, "code_inline")}
    options = {word for text in named if text.startswith("--") for word in OPTION.findall(text)}
    assert options - known == set()


def test_commands_are_found():
    assert sum(len(own(markdown_pages.told(page))) for page in NOW) > 100


PAGE = """
# A page
`fab run-round2 --rate=5`, `testbed lab up|down [--name NAME]` and `python -m analysis report …`

    fab link     # proves it

```sh
A=b .venv/bin/fab check --strict && testbed run round2 \\
    --duration=30 >x
script/demo
```

| a | b |
|---|---|
| `fab check\\|link` | c |

```yaml
- run: python -m analysis compare results/<a> b
- script:
    - testbed status
```

```text
fab none of this
```
"""
FOUND = [
    ("fab run-round2 --rate=5", 3, False),
    ("testbed lab up --name NAME", 3, False),
    ("testbed lab down --name NAME", 3, False),
    ("python -m analysis report", 3, False),
    ("fab link", 5, True),
    (".venv/bin/fab check --strict", 8, True),
    ("testbed run round2 --duration=30", 8, True),
    ("fab check", 15, False),
    ("fab link", 15, False),
    ("python -m analysis compare results/a b", 17, True),
    ("testbed status", 17, True),
]


def test_commands_of_all_kinds_are_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    found = own(markdown_pages.told(page))
    told = [(shlex.join(one.words), one.line, one.whole) for one in found]
    assert sorted(told) == sorted(FOUND)


WRONG = [
    "fab rnu-round2",
    "fab run-round2 --rtae=5",
    "fab run-round2 --rate=fast",
    "fab run-ab round2 --app=flask --old=v1",
    "fab link --duration=0",
    "fab lab.upp",
    "fab compare",
    "testbed rnu round2",
    "testbed run",
    "testbed run round2 --rtae=5",
    "testbed run round2 --trials=few",
    "testbed lab",
    "testbed lab up --nam=x",
    "testbed list app",
    "testbed compare a b --formt=junit",
    "testbed report --ot=x",
    "testbed --resuls=x status",
    "python -m analysis rport x",
    "python -m analysis compare a b --format=jnit",
    ".venv/bin/python -m analysis export x --csf",
]


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_command_is_refused(line):
    words = tuple(shlex.split(line))
    assert programs.is_own(words)
    with pytest.raises(TestbedError):
        programs.read(words)


@pytest.mark.parametrize(
    "line", ["fab run-article", "testbed run", "testbed lab", "fab compare", "testbed compare"]
)
def test_what_is_only_mentioned_may_lack_words(line):
    programs.read(line.split(), whole=False)
