"""From a text to numbered lines freed of what surrounds them.

That is quotes, indents, HTML's tags at either end, and what only a terminal sees.
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from testbed.tools.errors import ParseError

_NEWLINE = re.compile(r"\r\n|\n|\r")
# Colours, titles, character sets and modes: `script` records them all.
_ESCAPE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-Za-z]|[=>])"
)
_TAG = re.compile(r"</?(?:pre|code|samp|p|br|div|span)\b[^<>]*>")
_BEFORE = re.compile(rf"(?:[\s>|\u200b]|{_TAG.pattern})*")
_MOST = 1_000_000  # lines of a text; the tool that prints one per error prints fewer
_LONGEST = 1000  # no tool prints a longer line; a longer one is prose or data

_PROMPT = r"(?:(?:\[[^\]]*\]|\S*)[$#%>+]\s*)?"  # '$ ', 'user@host:~$ ', '[root@host ~]# ', '+ '
_WRAPPER = r"(?:(?:sudo|time|nice|exec|timeout|taskset|stdbuf|numactl)\s(?:\S+\s+)*?)?"


@dataclass(frozen=True)
class Line:
    """One line: its number in the text, counted from 1, and its text without surroundings."""

    number: int
    full: str
    cut: bool = False  # the text ends in it without a newline, perhaps amid a figure
    command: "Command | None" = None  # the tool's command line that it is, if it is one
    banner: bool = False  # a tool's first line: the report before it has ended
    only_of: str | None = None  # the tool whose line it is, even if it looks like another's

    @property
    def text(self) -> str:
        """What may be a line of a tool's report; nothing if it is longer than any of those."""
        return _short(self.full)


@dataclass(frozen=True)
class Command:
    """A command line of a measuring tool, as printed before its output."""

    program: str
    text: str

    @property
    def url(self) -> str | None:
        """The first URL on it."""
        return next((word for word in self._words() if "://" in word), None)

    def option(self, short: str, long: str) -> str | None:
        """The value of an option given as -c4, -c 4, --connections 4 or --connections=4."""
        words = self._words()
        for word, following in zip(words, [*words[1:], None], strict=True):
            if word in (short, long):
                return following
            if word.startswith(f"{long}="):
                return word.partition("=")[2]
            if word.startswith(short) and not word.startswith("--"):
                return word[len(short) :]
        return None

    def has(self, short: str, long: str) -> bool:
        """Whether an option is there, with or without a value."""
        return self.option(short, long) is not None or {short, long} & {*self._words()} != set()

    def _words(self) -> list[str]:
        try:
            return shlex.split(self.text)
        except ValueError:  # an unbalanced quote
            return self.text.split()


class Reader:
    """Reads texts in which some programs' command lines and first lines are told from the rest."""

    def __init__(
        self,
        programs: Iterable[str],
        banners: Iterable[str],
        stretches: Mapping[str, tuple[str, str]],
    ) -> None:
        """`stretches`: by program, what its own lines begin and end with."""
        names = "|".join(map(re.escape, programs))
        self._command = re.compile(
            rf"{_PROMPT}(?P<command>{_WRAPPER}(?:[\w.~-]*/)*(?P<program>{names})"
            r"\s+(?P<rest>\S.*))"
        )
        self._banner = re.compile("|".join(banners))
        self._stretches = {
            program: (re.compile(first), re.compile(last))
            for program, (first, last) in stretches.items()
        }

    def lines(self, text: str) -> list[Line]:
        """All lines of a text. Raises ParseError where they are more than any tool prints."""
        texts = _NEWLINE.split(text.removeprefix("\ufeff"), maxsplit=_MOST)
        if len(texts) > _MOST:
            raise ParseError(f"more than {_MOST:,} lines, which no tool prints", line=_MOST + 1)
        *whole, last = texts
        lines = [self._line(number, line) for number, line in enumerate(whole, start=1)]
        if last:
            lines.append(self._line(len(texts), last, cut=True))
        return list(self._with_owners(lines))

    def _with_owners(self, lines: list[Line]) -> Iterator[Line]:
        """A stretch also ends where another tool's command line or report begins."""
        owner: str | None = None
        for line in lines:
            if line.command or line.banner:
                owner = self._begins(line)
            yield replace(line, only_of=owner) if owner else line
            if owner and self._stretches[owner][1].fullmatch(line.text):
                owner = None

    def _begins(self, line: Line) -> str | None:
        for program, (first, _) in self._stretches.items():
            if first.fullmatch(line.text):
                return program
        return None

    def _line(self, number: int, line: str, *, cut: bool = False) -> Line:
        full = _bare(line)
        text = _short(full)
        banner = self._banner.fullmatch(text) is not None
        return Line(number, full, cut, self.command_in(text), banner)

    def command_in(self, text: str) -> Command | None:
        """The command line that a line is. Return None for prose and for other programs'."""
        match = self._command.fullmatch(text)
        if not match or not re.match(r"-{1,2}\w|\S*://", match["rest"]):
            return None
        command = match["command"]
        # Words after the URL are somebody's remark ('... average results:'), unless they are
        # options.
        url = re.search(r"\S+://\S+", command)
        if url and not command[url.end() :].lstrip().startswith("-"):
            command = command[: url.end()]
        return Command(match["program"], command.strip())


def _short(full: str) -> str:
    return full if len(full) <= _LONGEST else ""


def _bare(line: str) -> str:
    # A browser copies some blanks as ones that do not break.
    line = _ESCAPE.sub("", line.replace("\N{NO-BREAK SPACE}", " "))
    line = line[_BEFORE.match(line).end() :].rstrip()  # type: ignore[union-attr] # matches anything
    while len(line) <= _LONGEST and _TAG.fullmatch(line, max(line.rfind("<"), 0)):
        line = line[: line.rfind("<")].rstrip()
    return line
