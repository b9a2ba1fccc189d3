"""`serve`: one command line, read as people write it and written as systemd reads it.

Words, quotes and backslashes are as in a shell, `${NAME}` stands for a variable of the app's
environment, `$$` for a dollar sign. Nothing else is expanded: what is declared arrives.
"""

import re
import shlex

PLACEHOLDERS = ("venv", "app")
# What a reader of units expands or takes apart, beside quotes: ; alone would begin a second command
_PLAIN = re.compile(r"[A-Za-z0-9_/.:,=@+{}$%-]+")
_VARIABLE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|(\$)")
_PLACEHOLDER = re.compile(r"(?<!\$)\{([A-Za-z_][A-Za-z0-9_]*)\}")


def words(line: str) -> list[str]:
    """The command and its arguments. Raises ValueError, saying what cannot be a command line."""
    try:
        found = shlex.split(line)
    except ValueError as error:
        raise ValueError(f"is no command line: {error}") from error
    if not found:
        raise ValueError("names no command")
    if not found[0].startswith(("{venv}/", "{app}/", "/")) or "$" in found[0]:
        raise ValueError("must begin with a program: {venv}/..., {app}/... or /...")
    for match in (match for word in found for match in _VARIABLE.finditer(word)):
        if match[2]:
            raise ValueError("has a $ that is neither ${NAME} nor $$, which stands for one $")
    for name in (name for word in found for name in _PLACEHOLDER.findall(word)):
        if name not in PLACEHOLDERS:
            raise ValueError(f"has {{{name}}}; there are {{venv}}, {{app}} and ${{NAME}}")
    return found


def variables(line: str) -> list[str]:
    """Names of the variables that the line takes from the environment."""
    return [name for word in words(line) for name, _ in _VARIABLE.findall(word) if name]


def uses(line: str, placeholder: str) -> bool:
    """Whether `{placeholder}` stands in the line."""
    return any(placeholder in _PLACEHOLDER.findall(word) for word in words(line))


def exec_start(line: str) -> str:
    """The line as a unit's ExecStart= takes it, its placeholders still in it."""
    return " ".join(_quoted(word) for word in words(line))


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return escaped if _PLAIN.fullmatch(word) else f'"{escaped}"'
