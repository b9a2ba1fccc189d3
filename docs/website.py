"""Build the documentation's site: script/docs --site. mkdocs.yml names this file as its hook.

The site holds docs/*.md as they are, and whatever they link to, each under its path in the project,
so that no link needs a change: other pages of Markdown as pages, other files as pages that show
their text, folders as lists of what is in them. The navigation is that of docs/README.md.

mkdocs loads the file by its path, and the tests have no mkdocs; so nothing of the project is
imported, and mkdocs where it is used only.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from posixpath import dirname, join, normpath, relpath
from typing import Any
from urllib.parse import unquote

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[1]
HOME = "README.md"
MAP = "docs/README.md"
OWN = ("docs/iframe-worker.js", "docs/site.css")  # the site's, as mkdocs.yml names them
FOLDER = ROOT / ".cache" / "site"
INSTALL = ".venv/bin/pip install --editable '.[site]'"
MARK = "search/search_index.json"  # every site that was built here has it
PICTURES = (".png", ".svg")
LANGUAGES = {
    ".json": "json",
    ".pl": "perl",
    ".py": "python",
    ".sql": "sql",
    ".toml": "toml",
    ".yml": "yaml",
}
CODE = re.compile(r"(`+)(.+?)\1(?!`)")
FRONT = "---\nsearch:\n  exclude: true\n---\n"  # the search finds pages, not what code calls things

MARKDOWN = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Source:
    """A file or folder of the project that has a place in the site, by its path from the root."""

    path: str

    @cached_property
    def is_page(self) -> bool:
        """Return whether it is a page of Markdown."""
        return self.path.endswith(".md")

    @cached_property
    def is_folder(self) -> bool:
        """Return whether it is a folder."""
        return (ROOT / self.path).is_dir()

    @cached_property
    def is_copied(self) -> bool:
        """Return whether the site has the file itself, as it is."""
        return self.path.endswith(PICTURES) or self.path in OWN

    @property
    def place(self) -> str:
        """Return the path within the site."""
        if self.is_copied:
            return self.path
        if self.is_folder:
            return f"{self.path}/files.html"
        if self.is_page:
            page = Path(self.path)
            name = "index.html" if page.name == "README.md" else f"{page.stem}.html"
            return page.with_name(name).as_posix()
        return f"{self.path}.html"

    def leads_to(self) -> Iterator[str]:
        """Yield the paths of what a page links to, and of what a folder's list does."""
        if self.is_page:
            yield from links((ROOT / self.path).read_text(encoding="utf-8"), self.path)
        elif self.is_folder:
            yield from (inner for _, inner in self._contents() if inner)

    def text(self) -> str:
        """Return the Markdown of the page that shows it."""
        if self.is_page:
            return (ROOT / self.path).read_text(encoding="utf-8")
        if self.is_folder:
            return f"{FRONT}# `{self.path}/`\n\n" + "".join(
                f"- [`{name}`]({relpath(inner, dirname(self.path))})\n"
                if inner
                else f"- `{name}`\n"
                for name, inner in self._contents()
            )
        content = (ROOT / self.path).read_text(encoding="utf-8", errors="replace")
        fence = "`" * max(3, *(len(run) + 1 for run in ["", *re.findall("`+", content)]))
        language = LANGUAGES.get(Path(self.path).suffix, "text")
        return f"{FRONT}# `{self.path}`\n\n{fence}{language}\n{content.rstrip()}\n{fence}\n"

    def _contents(self) -> Iterator[tuple[str, str]]:
        """Yield the names in a folder, each with the path that it leads to; '' if to none.

        A folder in it leads to its README.
        """
        for one in sorted((ROOT / self.path).iterdir()):
            if one.name.startswith((".", "__")):
                continue
            if one.is_dir():
                readme = f"{self.path}/{one.name}/README.md"
                yield f"{one.name}/", readme if (ROOT / readme).is_file() else ""
            else:
                yield one.name, f"{self.path}/{one.name}"


def links(text: str, path: str) -> Iterator[str]:
    """Yield the paths, from the root, of what a page links to within the project, in order.

    path is that of the page itself. Links to headings of the same page are left out.
    """
    for block in MARKDOWN.parse(text):
        for token in block.children or ():
            target = str(token.attrs.get("href") or token.attrs.get("src") or "").partition("#")[0]
            if target and not re.match(r"[a-z]+:", target):
                yield normpath(join(dirname(path), unquote(target)))


def sources() -> list[Source]:
    """Return all that the site holds: the pages of docs/, and what they lead to, in order."""
    waiting = [f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")]
    waiting += [HOME, *OWN]
    found: dict[str, Source] = {}
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = Source(path)
            waiting += found[path].leads_to()
    return sorted(found.values(), key=lambda source: source.path)


def navigation() -> list[dict[str, Any]]:
    """Return the navigation as mkdocs takes it: the map's headings, each with the pages it names.

    A heading 'How-to: get something done' is 'How-to' there. What is no page of Markdown, and what
    was named before, is left out.
    """
    shown: list[dict[str, Any]] = [{"Home": HOME}, {"All pages": MAP}]
    named = {HOME, MAP}
    text = (ROOT / MAP).read_text(encoding="utf-8")
    for section in re.split(r"(?m)^## ", text)[1:]:
        title, _, below = section.partition("\n")
        pages = [path for path in dict.fromkeys(links(below, MAP)) if path.endswith(".md")]
        shown.append({title.partition(":")[0]: [path for path in pages if path not in named]})
        named |= set(pages)
    return shown


def adapted(text: str) -> str:
    """Return a page's Markdown as Python-Markdown, which mkdocs takes, reads it like code hosts do.

    It wants an empty line between blocks, and no backslash before a bar within code in a table.
    """
    lines = text.splitlines()
    begins = set()
    for block in MARKDOWN.parse(text):
        if block.level or not block.map:
            continue
        first, end = block.map
        begins.add(first)
        if block.type == "table_open":
            for number in range(first, end):
                lines[number] = CODE.sub(lambda code: code[0].replace("\\|", "|"), lines[number])
    apart = [
        f"\n{line}" if number in begins and number and lines[number - 1].strip() else line
        for number, line in enumerate(lines)
    ]
    return "\n".join(apart) + "\n"


def slug(heading: str, separator: str) -> str:
    """Return the name by which links lead to a heading, as code hosts make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", separator)


def build(folder: Path) -> int:
    """Build the site into a folder. Return 0, or 2 if that cannot be done, with a sentence on why.

    mkdocs empties the folder first, so one that holds anything else than a site is refused.
    """
    if find_spec("mkdocs") is None or find_spec("material") is None:
        sys.stderr.write(f"error: mkdocs-material is not installed -> {INSTALL}\n")
        return 2
    if folder.exists() and not (folder / MARK).is_file() and not _is_empty(folder):
        sys.stderr.write(
            f"error: {folder} holds something else than a site, and would be emptied "
            "-> script/docs --site FOLDER with a new folder\n"
        )
        return 2
    config = ROOT / "mkdocs.yml"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    command += [f"--config-file={config}", f"--site-dir={folder.resolve()}"]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # the theme's news, of no use to who builds
    done = subprocess.run(command, check=False, env=quiet)
    if done.returncode == 0:
        sys.stdout.write(f"{folder / 'index.html'}: written\n")
    return done.returncode


def _is_empty(folder: Path) -> bool:
    """Return whether it is a folder with nothing in it."""
    return folder.is_dir() and not any(folder.iterdir())


# --- what mkdocs calls ----------------------------------------------------------------------------


def on_config(config: Any) -> None:
    """Give mkdocs the navigation, and the names of headings."""
    config.nav = navigation()
    config.mdx_configs["toc"]["slugify"] = slug


def on_files(files: Any, config: Any) -> Any:
    """Return the site's files, instead of those that mkdocs found in docs/."""
    from mkdocs.structure.files import File, Files, InclusionLevel

    found = [file for file in files if file.src_dir != config.docs_dir]  # of the theme
    for source in sources():
        in_map = source.is_page and dirname(source.path) == "docs"
        file = File(
            source.path,
            str(ROOT),
            config.site_dir,
            use_directory_urls=False,
            dest_uri=source.place,
            inclusion=InclusionLevel.UNDEFINED if in_map else InclusionLevel.NOT_IN_NAV,
        )
        if not source.is_copied:
            file.is_documentation_page = lambda: True  # whatever its name ends in
            file.content_string = source.text()
        found.append(file)
    return Files(found)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return a page's Markdown as Python-Markdown reads it."""
    return adapted(markdown)
