"""Split a text into numbered lines, without what surrounds their content.

Removed are quotes, indents, comment signs, what log collectors put before each line (times, names
of containers) or around it (JSON), HTML tags at either end, and the control codes of a terminal.
What else stands before all lines of a report, such as the name of a logger, is learnt from the
report's first line. A colon of Chinese or Japanese letters behind a label is an ordinary one, as
are the dashes, quotes and spaces of editors; a line between two bars is what is between them.
"""

import html
import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from testbed.tools.errors import ParseError

_NEWLINE = re.compile(r"\r\n|\n|\r")
# Codes for colours, titles, character sets and modes, all of which `script` records, and those in
# which a CI service hides the time of each line (Buildkite)
_ESCAPE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]_P^X][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-Za-z]|[=>])"
)
_TAG = re.compile(r"</?(?:pre|code|samp|kbd|tt|li|p|br|div|span)\b[^<>]*>")
# What a log collector puts before a line: docker compose ('web-1  | '), a CI service or
# `docker logs -t` (times, with or without brackets), syslog, Kubernetes ('stdout F ', '[pod/a] ').
_LOGGED = "|".join(
    [
        r"[A-Za-z][\w.-]*[ \t]+\|(?=\s|$)",
        r"\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[ ]?[+-]\d\d:?\d\d)?\]?(?=\s|$)",
        r"\[?\d\d:\d\d:\d\d(?:[.,]\d+)?\]?(?=\s)",
        r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ [^\s:]+:(?=\s|$)",
        r"(?:stdout|stderr) [FP](?=\s|$)",
        r"[^\t]{1,100}\t[^\t]{1,100}\t(?=\d{4}-\d\d-\d\dT)",  # a log of GitHub Actions: job, step
        r"\d\d[OE]\+?(?=\s)",  # GitLab's stream, behind its time
        r"#\d+ \d+\.\d+(?=\s)",  # docker build: step, seconds
        r"\[(?!SUM\b|ID\b|ERROR\b)(?=[^\]]*[A-Za-z])[\w./:-]+\](?=\s)",
    ]
)
# What a log that keeps each line as JSON calls it: Docker, its shippers, journalctl, clouds
_LOGGED_AS = ("log", "message", "msg", "MESSAGE", "line", "textPayload")
_LIST_OF_LINES = re.compile(
    r'(?:.*=> \{)?"?(?:[\w.]*[_.])?(?:stdout|stderr)_lines"?:(?: \[)?'  # JSON, or YAML
)
_ITEM = re.compile(r"-(?:\s+(?P<item>.*))?")  # of a list in YAML
# Of a diff
HUNK = re.compile(r"@@ -\d{1,9}(?:,(?P<old>\d{1,9}))? \+\d{1,9}(?:,(?P<new>\d{1,9}))? @@.*")
_ENTITY = re.compile(r"&(?:#\d{1,6}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});")
_OBJECT = re.compile(r"(?<=[\s:|>\]])\{$")  # the first line of a JSON object behind a prefix
# The prefixes that say which of several containers printed a line
_SOURCE = re.compile(r"\s*(?P<source>[A-Za-z][\w.-]*[ \t]+\||\[pod/[\w./-]+\])(?=\s|$)")
_COMMENT = r"(?:#+|//+|;+|\*+|--)(?=\s)"
_BEFORE = re.compile(rf"(?:[\s>|\u200b]|{_TAG.pattern}|{_LOGGED}|{_COMMENT})*")
# What a page or an editor makes of other characters: a hyphen within a word, spaces, quotes
_BETWEEN_CELLS = re.compile(r"[ \t]*\|[ \t]*")
_CODE = re.compile(r"\s*`(?P<line>[^`]+)`\s*")  # of a page in Markdown
_DASH = re.compile(r"(?<=[A-Za-z])[\u2010-\u2015\u2212](?=\w)|(?<=\+/)[\u2010-\u2015\u2212]")
_DASHED_OPTION = re.compile(r"(?<=\s)[\u2010-\u2015\u2212]+(?=[A-Za-z])(?P<long>(?=[A-Za-z]{2}))?")
_SPACES = str.maketrans(
    dict.fromkeys("\xa0\u2007\u2009\u202f\u3000", " ")
    | dict.fromkeys("\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u2060\ufeff")
)
_QUOTES = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")
_WIDE_COLON = re.compile(r"(?<=[A-Za-z0-9])\N{FULLWIDTH COLON}\s*(?=[!-~])")
# Where a remark may begin that somebody wrote behind a line: '# total time', '<- median', '(sum)',
# or words in another alphabet.
_REMARK = re.compile(
    r"\s+(?=#|//|<[-=]|[-=]+>|--|;|\*|[(\uff08][^()\uff08\uff09]*[)\uff09]$)"
    r"|\s*(?<![^\x00-\x7f])(?=[^\x00-\x7f])"
)
_MOST_REMARKS = 8
_MOST = 1_000_000  # lines of a text; even tools that print one per error print fewer
_LONGEST = 1000  # no tool prints longer lines; a longer one is prose or data
_LONGEST_PREFIX = 100
_LONGEST_RECORD = 20 * _LONGEST  # of a log that keeps each line as JSON, with all that it adds

_URL = re.compile(r"[A-Za-z][\w+.-]*://")
# A word of a command line, in which quotes may hold spaces.
_WORD = re.compile(r"""(?:[^\s'"\\]|\\.|'[^']*'|"(?:\\.|[^"\\])*"|['"\\])+""")
# '$ ', 'user@host:~$ ', '[root@host ~]# ', '+ ', 'user@host ~ % ', '(venv) $ ', '\u279c  ~ '
_PROMPT = (
    r"(?:(?:\[[^\]]*\]|(?:\([^()]*\)\s*|PS\s)?\S*|\S+@\S+\s\S+\s)[$#%>+]\s*"
    r"|[\u276f\u279c\u03bb\u00bb]\s+(?:\S+\s+){0,3}?)?"
)
_WRAPPERS = (
    *("sudo", "time", "nice", "exec", "timeout", "taskset", "stdbuf", "numactl", "chrt", "env"),
    *("nohup", "strace", "perf", "docker", "podman", "nerdctl", "kubectl", "ssh", "ip", "nsenter"),
)
_WRAPPER = rf"(?:[A-Z_][A-Z0-9_]*=\S*\s+)*(?:(?:{'|'.join(_WRAPPERS)})\s(?:\S+\s+)*?)?"


@dataclass(frozen=True)
class Line:
    """One line: its number in the text, counted from 1, and its text without surroundings."""

    number: int
    full: str
    cut: bool = False  # the text ends in this line without a newline, perhaps within a figure
    command: "Command | None" = None  # set if the line is the command line of a tool
    banner: bool = False  # the first line of a tool's report, which ends the report before it
    only_of: str | None = None  # the tool that printed it, even if it looks like another tool's
    source: str | None = None  # the container that printed it, if a prefix tells

    @property
    def text(self) -> str:
        """Return the line as it may stand in a report; an empty text if it is too long for that."""
        return _short(self.full)

    @property
    def readings(self) -> list[str]:
        """Return the text, and then the text without one remark behind it, without two, and so on.

        Only what is marked as a remark, or written in another alphabet, may be one. At the end
        stands the text with blanks for its tabs.
        """
        ends = [match.start() for match in _REMARK.finditer(self.text)][:_MOST_REMARKS]
        tabbed = [self.text.replace("\t", " ")] if "\t" in self.text else []
        return [self.text, *(self.text[:end] for end in reversed(ends)), *tabbed]


@dataclass(frozen=True)
class Command:
    """A command line of a measuring tool, as printed before its output."""

    program: str
    text: str

    @property
    def url(self) -> str | None:
        """Return the URL that the command line asks for; None if it has none.

        It is the last word that is a URL: those before it belong to options.
        """
        return next((word for word in reversed(self._words()) if _URL.match(word)), None)

    def option(self, short: str, long: str) -> str | None:
        """Return the value of an option, in any of its forms; None if the option is absent.

        The forms are -c4, -c 4, --connections 4 and --connections=4.
        """
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
        """Return whether an option is given, with or without a value."""
        return self.option(short, long) is not None or {short, long} & {*self._words()} != set()

    def _words(self) -> list[str]:
        try:
            return shlex.split(self.text)
        except ValueError:  # an unbalanced quote
            return self.text.split()


class Reader:
    """Reads texts and recognises the command lines and first lines of certain programs."""

    def __init__(
        self,
        programs: Iterable[str],
        banners: Iterable[str],
        stretches: Mapping[str, tuple[str, str]],
        inner: Iterable[str] = (),
    ) -> None:
        """Take patterns of whole lines: first ones of reports, and some amid these.

        `stretches` has those of the first and of all further lines of a program's own.
        """
        names = "|".join(map(re.escape, programs))
        self._command = re.compile(
            rf"{_PROMPT}(?P<command>{_WRAPPER}(?:[\w.~-]*[/\\])*(?P<program>{names})"
            r"(?:\.exe|:[\w.-]+)?\s+(?P<rest>\S.*))"
        )
        first = "|".join(banners)
        self._banner = re.compile(first)
        known = "|".join([first, *inner])
        self._known = re.compile(known)
        self._known_within = re.compile(rf"(?<=[\s:|>\]])(?:{known})$")
        self._stretches = {
            program: (re.compile(first), re.compile(further))
            for program, (first, further) in stretches.items()
        }

    def lines(self, text: str) -> list[Line]:
        """Return all lines of a text. Raises ParseError if there are more than any tool prints."""
        texts = _NEWLINE.split(text.removeprefix("\ufeff"), maxsplit=_MOST)
        if len(texts) > _MOST:
            raise ParseError(f"more than {_MOST:,} lines, which no tool prints", line=_MOST + 1)
        bare = _unlisted(map(_of_record, _without_hunks(texts)))
        *whole, last = self._without_prefixes(list(bare))
        lines = [self._line(number, line) for number, line in enumerate(whole, start=1)]
        if last:
            lines.append(self._line(len(texts), last, cut=not _is_record(texts[-1])))
        return list(self._with_owners(self._with_whole_commands(lines)))

    def _without_prefixes(self, texts: list[str]) -> list[str]:
        """Return the texts without what stands before a report's lines, by the first of them.

        A text that does not also stand before the next lines is no prefix.
        """
        bare = list(texts)
        for number, text in enumerate(texts):
            match = self._known_within.search(_short(text))
            if not match and '"' not in text:  # that would be a key
                match = _OBJECT.search(_short(text))
            if not match or match.start() > _LONGEST_PREFIX or self._begins_by_itself(text):
                continue
            prefix = _like(text[: match.start()])
            following = [other for other in texts[number + 1 : number + 4] if other.strip()]
            if bare[number] != text or not following or not all(map(prefix.match, following)):
                continue
            for stretch in (range(number, -1, -1), range(number + 1, len(texts))):
                for index in stretch:
                    found = prefix.match(texts[index])
                    if not found and texts[index].strip():
                        break
                    bare[index] = texts[index][found.end() :] if found else ""
        return bare

    def _begins_by_itself(self, text: str) -> bool:
        bare = _bare(text)
        return bare == "{" or self._known.fullmatch(bare) is not None

    def _with_whole_commands(self, lines: list[Line]) -> list[Line]:
        """Return the lines; a command that goes on in the next lines, after a \\, is whole."""
        for number, line in enumerate(lines):
            if line.command is None or not line.text.endswith("\\"):
                continue
            text = line.text
            for following in lines[number + 1 :]:
                text = f"{text[:-1].rstrip()} {following.text}"
                if not text.endswith("\\"):
                    break
            lines[number] = replace(line, command=self.command_in(text) or line.command)
        return lines

    def _with_owners(self, lines: list[Line]) -> Iterator[Line]:
        """Yield the lines with their owner set within the stretch of a program.

        A stretch ends before the first line that is none of the program's.
        """
        owner: str | None = None
        for line in lines:
            if line.command or line.banner:
                owner = self._begins(line)
            elif owner and line.full and not self._stretches[owner][1].fullmatch(line.text):
                owner = None
            yield line if line.only_of == owner else replace(line, only_of=owner)

    def _begins(self, line: Line) -> str | None:
        for program, (first, _) in self._stretches.items():
            if first.fullmatch(line.text):
                return program
        return None

    def _line(self, number: int, line: str, *, cut: bool = False) -> Line:
        full = _bare(line)
        text = _short(full)
        banner = self._banner.fullmatch(text) is not None
        source = _SOURCE.match(_ESCAPE.sub("", line[:_LONGEST_PREFIX]))
        told = source["source"] if source else None
        return Line(number, full, cut, self.command_in(text), banner, source=told)

    def apart(self, lines: Sequence[Line]) -> list[list[Line]]:
        """Return the lines of each container, if several of them printed reports; else all."""
        if len({line.source for line in lines if line.banner}) < 2:
            return [list(lines)]
        groups: dict[str | None, list[Line]] = {}
        for line in lines:
            groups.setdefault(line.source, []).append(line)
        return [list(self._with_owners(group)) for group in groups.values()]

    def command_in(self, text: str) -> Command | None:
        """Return the line as a command line of the programs. Return None if it is anything else."""
        text = _DASHED_OPTION.sub(lambda dash: "-" if dash["long"] is None else "--", text)
        match = self._command.fullmatch(text)
        if not match or not re.match(r"-{1,2}\w|\S*://", match["rest"]):
            return None
        command = match["command"]
        # Words after the last URL are somebody's remark ('... average results:'), unless they are
        # options.
        urls = [word for word in _WORD.finditer(command) if _URL.match(word[0].lstrip("'\""))]
        if urls and not command[urls[-1].end() :].lstrip().startswith("-"):
            command = command[: urls[-1].end()]
        return Command(match["program"], command.strip())


def _like(prefix: str) -> re.Pattern[str]:
    """Return the pattern of a prefix in which only numbers and spaces differ from line to line."""
    words = (re.sub(r"\d+", r"\\d+", re.escape(word)) for word in prefix.split())
    end = r"(?:\s|$)" if prefix[-1:].isspace() else ""
    return re.compile(r"\s*" + r"\s+".join(words) + end)


def _unlisted(texts: Iterable[str]) -> Iterator[str]:
    """Yield the texts; those of a list of lines, as Ansible prints it, without its quotes."""
    within = False
    for text in texts:
        bare = text.strip()
        item = _ITEM.fullmatch(bare)
        if within and (item or bare.startswith('"')):
            yield _unquoted((item["item"] or "") if item else bare.removesuffix(","), text)
            continue
        within = _LIST_OF_LINES.fullmatch(bare) is not None
        yield text


def _unquoted(item: str, text: str) -> str:
    """Return the line that an item of a list holds, or the text that it stands in if it is none."""
    if item.startswith("'") and item.endswith("'") and len(item) > 1:  # YAML, 7.3.2
        return item[1:-1].replace("''", "'")
    if not item.startswith('"'):
        return item
    try:
        line = str(json.loads(item))
    except ValueError:
        return text
    return text if "\n" in line else line


def _without_hunks(texts: Iterable[str]) -> Iterator[str]:
    """Yield the texts; empty ones for the lines of a diff, which are of two texts."""
    old = new = 0
    for text in texts:
        if hunk := HUNK.fullmatch(text):
            old, new = (int(hunk[side] or 1) for side in ("old", "new"))
            yield text
        elif (old > 0 or new > 0) and text[:1] in ("", " ", "-", "+", "\\"):
            old -= text[:1] in ("", " ", "-")
            new -= text[:1] in ("", " ", "+")
            yield ""
        else:
            old = new = 0
            yield text


def _is_record(text: str) -> bool:
    if len(text) > _LONGEST_RECORD:
        return False
    return '{"' in text and text.rstrip().endswith("}")


def _of_record(text: str) -> str:
    """Return what was logged, of a line that a log keeps as JSON; any other line as it is."""
    if not _is_record(text):
        return text
    try:
        record = json.loads(text[_BEFORE.match(text).end() :])  # type: ignore[union-attr] # always
    except (ValueError, RecursionError):
        return text
    if not isinstance(record, dict):
        return text
    logged = [record[key] for key in _LOGGED_AS if isinstance(record.get(key), str)]
    return logged[0].rstrip("\r\n") if logged and "\n" not in logged[0].strip("\r\n") else text


def _short(full: str) -> str:
    return full if len(full) <= _LONGEST else ""


def _bare(line: str) -> str:
    if "&" in line and '"' not in line:  # of a page; in JSON they belong to a text
        line = _ENTITY.sub(lambda entity: html.unescape(entity[0]), line)
    line = _ESCAPE.sub("", line.translate(_SPACES))
    if '"' not in line:  # in JSON, others belong to a text
        line = line.translate(_QUOTES)
    line = _DASH.sub("-", _WIDE_COLON.sub(": ", line))
    if (code := _CODE.fullmatch(line)) is not None:
        line = code["line"]
    if line.lstrip().startswith("|"):  # a row of a table
        line = _BETWEEN_CELLS.sub("  ", line.strip().strip("|"))
    line = line[_BEFORE.match(line).end() :].rstrip()  # type: ignore[union-attr] # matches anything
    while len(line) <= _LONGEST and _TAG.fullmatch(line, max(line.rfind("<"), 0)):
        line = line[: line.rfind("<")].rstrip()
    return line


def whole(lines: Sequence[Line]) -> Sequence[Line]:
    """Return the lines without a last one that may have been cut off within a figure."""
    return lines[:-1] if lines[-1].cut else lines
