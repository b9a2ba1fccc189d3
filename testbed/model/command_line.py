"""Read the command line `serve` as people write it, and write it as systemd reads it.

Words, quotes and backslashes are as in a shell. `${NAME}` stands for a variable of the app's
environment, and `$$` for a dollar sign. Nothing else is expanded.
"""

import re
import shlex
from collections.abc import Iterator
from functools import lru_cache

PLACEHOLDERS = ("venv", "app")
# Words that mean something to a shell only. A program would get them as arguments
_OF_A_SHELL = ("&&", "||", "|", ";", "&", ">", ">>", "<", "2>", "2>&1")
_SIGNS_OF_A_SHELL = re.compile(r"[&|;<>]")  # each of these words has one
# What systemd would expand or split, besides quotes. A single ; would begin a second command
_PLAIN = re.compile(r"[A-Za-z0-9_/.:,=@+{}$%-]+")
_VARIABLE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|(\$)")
_PLACEHOLDER = re.compile(r"(?<!\$)\{([A-Za-z_][A-Za-z0-9_]*)\}")

# Options that say where a server listens, whatever their dashes
_LISTENING = ("addr", "address", "b", "bind", "host", "http", "http-port", "listen", "port")
_LISTENS_AT = re.compile(
    r"([a-z]+://)?(?P<host>\[[^\]]*\]|::1|[^\[\]:/]*)(:((?P<port>[0-9]{1,5})|\$\{\w+\}))?/?"
)
_LOOPBACK = re.compile(r"127\.[0-9.]+|localhost|\[?::1\]?")


def words(line: str) -> list[str]:
    """Return the command and its arguments. Raises ValueError with what is wrong in the line."""
    return list(_words(line))


@lru_cache(maxsize=256)  # each app's line is asked for several times
def _words(line: str) -> tuple[str, ...]:
    try:
        found = shlex.split(line)
    except ValueError as error:
        raise ValueError(f"is no command line: {error}") from error
    if not found:
        raise ValueError("names no command")
    if not found[0].startswith(("{venv}/", "{app}/", "/")) or "$" in found[0]:
        raise ValueError("must begin with a program: {venv}/..., {app}/... or /...")
    quoted = shlex.split(line, posix=False) if _SIGNS_OF_A_SHELL.search(line) else []
    for word in quoted:
        if word in _OF_A_SHELL:
            raise ValueError(
                f"has {word}, which only a shell knows: write /bin/sh -c '...', or quote it"
            )
    for match in (match for word in found for match in _VARIABLE.finditer(word)):
        if match[2]:
            raise ValueError("has a $ that is neither ${NAME} nor $$, which stands for one $")
    for name in (name for word in found for name in _PLACEHOLDER.findall(word)):
        if name not in PLACEHOLDERS:
            raise ValueError(f"has {{{name}}}; there are {{venv}}, {{app}} and ${{NAME}}")
    return tuple(found)


def variables(line: str) -> list[str]:
    """Return the names of the environment variables that the line uses."""
    return [name for word in words(line) for name, _ in _VARIABLE.findall(word) if name]


def uses(line: str, placeholder: str) -> bool:
    """Return whether the line uses `{placeholder}`."""
    return any(placeholder in _PLACEHOLDER.findall(word) for word in words(line))


def listening_problem(line: str) -> str | None:
    """Return why the program would listen where nobody asks it; None if the line does not say so.

    The options are those by which servers are commonly told. A program may also take ADDRESS and
    PORT from its environment, so a line without any of them says nothing.
    """
    found = words(line)
    used = variables(line)
    for name, value in _options(found):
        if name not in _LISTENING:
            continue
        place = _LISTENS_AT.fullmatch(value)
        if place is None:
            continue
        bare = value if value.isdecimal() and "port" in name else None
        if "PORT" not in used and (port := place["port"] or bare):
            return f"listens on port {port}, which nobody asks: write ${{PORT}} in its place"
        host = place["host"] or ""
        if "ADDRESS" not in used and _LOOPBACK.fullmatch(host):
            return (
                f"listens on {host}, which no other host reaches: write ${{ADDRESS}} in its place"
            )
    return None


def _options(found: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each option's name without dashes, with its value: `--name=value` or `-name value`."""
    for word, following in zip(found, [*found[1:], ""], strict=True):
        if word.startswith("-"):
            name, equals, value = word.partition("=")
            yield name.lstrip("-"), value if equals else following


def exec_start(line: str) -> str:
    """Return the line in the syntax of a unit's ExecStart=, still with its placeholders."""
    return " ".join(_quoted(word) for word in words(line))


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return escaped if _PLAIN.fullmatch(word) else f'"{escaped}"'
