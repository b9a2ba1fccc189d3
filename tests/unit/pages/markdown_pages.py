"""The project's pages: their commands, headings and links, as Markdown and YAML have them."""

import re
import shlex
from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import yaml
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
MAP = DOCS / "README.md"
PLACES = ("*.md", "docs/*.md", "pacer/*.md", "roles/*/README.md", "tests/*.md")
PAGES = sorted(page for place in PLACES for page in ROOT.glob(place))
SHELL = ("sh", "bash", "console")
PLACEHOLDER = re.compile(r"<([\w .-]+)>")  # results/<campaign>
OPERATORS = set(";&|()<>")
WORKFLOW = re.compile(r"^[ -]*(run|script):", re.MULTILINE)
ASSIGNED = re.compile(r"[A-Za-z_]\w*=")


@dataclass(frozen=True)
class Command:
    """A command that a page tells. Of one that is only mentioned, words may be left out."""

    page: Path
    line: int
    words: tuple[str, ...]
    whole: bool

    def __str__(self):
        return f"{self.page.relative_to(ROOT)}:{self.line}: {shlex.join(self.words)}"


def shown(page):
    return str(page.relative_to(ROOT))


@cache
def blocks(page):
    """The page's top-level and nested tokens of Markdown, in order."""
    return MarkdownIt("commonmark").enable("table").parse(page.read_text())


def inline(page, kind):
    """The page's tokens of a kind that stand within a line, with the number of their block."""
    for block in blocks(page):
        for child in block.children or ():
            if child.type == kind:
                yield block.map[0] + 1, child


def headings(page):
    """The names by which links lead to the page's headings, as code hosts make them."""
    seen = Counter()
    found = set()
    tokens = blocks(page)
    for token, content in pairwise(tokens):
        if token.type == "heading_open":
            said = "".join(child.content for child in content.children)
            name = re.sub(r"[^\w\- ]", "", said.lower()).replace(" ", "-")
            found.add(f"{name}-{seen[name]}" if seen[name] else name)
            seen[name] += 1
    return found


def links(page):
    """Each link and picture of the page that leads to another file or heading of the project."""
    for kind, attribute in (("link_open", "href"), ("image", "src")):
        for line, token in inline(page, kind):
            target = token.attrs[attribute]
            if not re.match(r"[a-z]+:", target):
                path, _, heading = target.partition("#")
                yield line, page.parent / unquote(path) if path else page, heading


def commands_in(script):
    """The simple commands of a shell script, each with the number of its line, from 0 on."""
    for number, line in _lines(script):
        lexer = shlex.shlex(PLACEHOLDER.sub(r"\1", line), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = []
        for word in [*lexer, ";"]:
            if set(word) <= OPERATORS and word:
                if words:
                    yield number, tuple(words)
                words = []
            elif words or not ASSIGNED.match(word):
                words.append(word)


def _lines(script):
    """Lines of a script, those that end in a backslash joined with the next one."""
    begun, first = "", 0
    for number, line in enumerate(script.splitlines()):
        first = first if begun else number
        if line.endswith("\\"):
            begun += line[:-1] + " "
        else:
            yield first, begun + line
            begun = ""


def scripts_in(document):
    """What a workflow's YAML runs: the texts of every key `run`, `script` and `after_script`."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key in ("run", "script", "after_script"):
                yield from [value] if isinstance(value, str) else value
            else:
                yield from scripts_in(value)
    elif isinstance(document, list):
        for value in document:
            yield from scripts_in(value)


def told(page):
    """Every command of a page: in blocks of shell and YAML, in indented ones, and in lines."""
    for token in blocks(page):
        first = token.map[0] + 1 if token.map else 0
        if token.type == "code_block" or (token.type == "fence" and token.info in SHELL):
            after = first if token.type == "code_block" else first + 1
            for number, words in commands_in(token.content):
                yield Command(page, after + number, words, whole=True)
        elif token.type == "fence" and token.info == "yaml" and WORKFLOW.search(token.content):
            yield from run_by(page, token.content, first)
    for line, code in inline(page, "code_inline"):
        for words in mentioned(code.content):
            yield Command(page, line, words, whole=False)


def run_by(page, workflow, line=1):
    """Every command that a workflow's YAML runs."""
    for script in scripts_in(yaml.safe_load(workflow)):
        for _, words in commands_in(script):
            yield Command(page, line, words, whole=True)


def mentioned(code):
    """The commands that a piece of code in a line stands for: `lab up|down [--name NAME]` is two.

    What is left out (…) is no word.
    """
    text = PLACEHOLDER.sub(r"\1", code.replace("[", "").replace("]", "").replace("…", ""))
    choices = [()]
    for word in text.split():
        choices = [(*begun, one) for begun in choices for one in word.split("|")]
    return choices
