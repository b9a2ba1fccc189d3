"""Text from files, options and hosts, made fit to be shown: short, and without control codes."""

import reprlib

JOINERS = "\u200c\u200d"  # some scripts and emoji need them; not printable by themselves
SHOWN_CHARACTERS = 80  # of a value in an error: enough to recognise it

_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = SHOWN_CHARACTERS
_REPR.maxlong = 40
_REPR.maxlevel = 2


def is_plain(character: str) -> bool:
    """Whether a terminal prints the character, and does nothing else with it."""
    return character.isprintable() or character in JOINERS


def plain(text: str) -> str:
    """The text with every character but line breaks and tabs that does not print as its escape."""
    return "".join(
        one if one in "\n\t" or is_plain(one) else one.encode("unicode_escape").decode()
        for one in text
    )


def shown(value: object) -> str:
    """A value as an error shows it: on one line, cut short, escape codes as their escapes."""
    return plain(_REPR.repr(value))


def shown_name(name: object) -> str:
    """A key, path or name as an error shows it, without quotes, on one line, long ones shortened.

    The end of a path is kept, for it tells more than the beginning.
    """
    text = plain(str(name)).replace("\n", "\\n").replace("\t", "\\t")
    if len(text) <= 2 * SHOWN_CHARACTERS:
        return text
    return f"{text[:SHOWN_CHARACTERS]}...{text[-SHOWN_CHARACTERS // 2 :]}"
