"""Read and fill texts with placeholders: `{id}` stands for a drawn value, `{{` and `}}` for braces.

pacer reads the same templates (pacer/FORMAT.md).
"""

import re
from collections.abc import Callable, Mapping

_PART = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]*)\}|[{}]")


def names(text: str) -> list[str]:
    """Return the names of the placeholders, in their order.

    Raises ValueError for a brace that neither belongs to a placeholder nor is written twice.
    """
    for match in _PART.finditer(text):
        if match[0] in "{}":
            raise ValueError(
                f"has a single {match[0]}; a placeholder is {{name}}, and a brace is written twice"
            )
    return [name for name in _PART.findall(text) if name]


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return the text with every placeholder replaced by its value."""
    return _PART.sub(lambda match: values[match[1]] if match[1] else match[0][0], text)


def parts(text: str) -> list[tuple[str, str]]:
    """Return each literal text with the name of the placeholder behind it; the last one has ''."""
    found, written = [], ""
    end = 0
    for match in _PART.finditer(text):
        written += text[end : match.start()] + ("" if match[1] else match[0][0])
        if match[1]:
            found.append((written, match[1]))
            written = ""
        end = match.end()
    return [*found, (written + text[end:], "")]


def literal(text: str) -> str:
    """Return the template that stands for exactly this text."""
    return text.replace("{", "{{").replace("}", "}}")


def encoded(text: str, encode: Callable[[str], str]) -> str:
    """Return the template with its literal text encoded, and its placeholders as they are.

    The encoded text may have no brace.
    """
    pieces, end = [], 0
    for match in _PART.finditer(text):
        pieces.append(encode(text[end : match.start()]))
        pieces.append(match[0] if match[1] else encode(match[0][0]))
        end = match.end()
    return "".join([*pieces, encode(text[end:])])
