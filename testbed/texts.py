"""Make text from files, options and hosts fit to be shown: short, without control codes."""

import difflib
import re
import reprlib
import unicodedata
from collections.abc import Iterable, Sequence

JOINERS = "\u200c\u200d"  # not printable by themselves, but some scripts and emoji need them
SHOWN_CHARACTERS = 80  # of a value in an error message, enough to recognise it

MASK = "****"
# User and password of a URL (RFC 3986, 3.2.1). An ellipsis is of a sentence, and of no URL; quotes
# and tags end one: in {"@context":"https://schema.org","@type":"Product"} nobody has a password.
# A path has one slash where the URL had two
_USERINFO = re.compile(r'(?<=:/)(/?)[^\s/?#…"<>]*@')


class _Repr(reprlib.Repr):
    """Masks a text before it shortens it, as half of a password is one, too."""

    def repr_str(self, x: str, level: int) -> str:
        return super().repr_str(masked(x), level)


_REPR = _Repr()
_REPR.maxstring = _REPR.maxother = SHOWN_CHARACTERS
_REPR.maxlong = 40
_REPR.maxlevel = 2


def is_plain(character: str) -> bool:
    """Return whether a terminal prints the character and does nothing else with it."""
    return character.isprintable() or character in JOINERS


def masked(text: str) -> str:
    """Return the text with **** in place of user and password of each URL in it, as pip does."""
    return _USERINFO.sub(rf"\1{MASK}@", text) if ":/" in text else text


def plain(text: str) -> str:
    """Return the text with unprintable characters as escapes, except line breaks and tabs."""
    if text.isprintable():  # as nearly all are
        return text
    return "".join(
        one if one in "\n\t" or is_plain(one) else one.encode("unicode_escape").decode()
        for one in text
    )


def listed(parts: Sequence[str]) -> str:
    """Return at least one part as a list in words: 'a', 'a and b', 'a, b and c'."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def shown(value: object) -> str:
    """Return a value as an error message shows it: on one line, shortened, with escapes."""
    return plain(_REPR.repr(value))


def instead(found: object, wanted: object) -> str:
    """Return 'this instead of that' of two values that differ, as an error message shows them.

    If they look alike there, it says in what they differ.
    """
    one, other = shown(found), shown(wanted)
    told = f"{one} instead of {other}"
    if one != other:
        return told if _seen(one) != _seen(other) else _ascii_only(told)
    texts = [value if isinstance(value, str) else repr(value) for value in (found, wanted)]
    if masked(texts[0]) == masked(texts[1]):
        return f"{told}, with another user or password"
    pairs = zip(*texts, strict=False)
    same = next((at for at, (a, b) in enumerate(pairs) if a != b), min(map(len, texts)))
    parts = [shown(text[same : same + SHOWN_CHARACTERS // 2]) for text in texts]
    return f"{told}: from character {same + 1} on, {parts[0]} instead of {parts[1]}"


def _seen(text: str) -> str:
    """Return a text without what nobody sees: joiners, and how accents are composed."""
    return collapsed("".join(one for one in text if one not in JOINERS))


def _ascii_only(text: str) -> str:
    """Return the text with escapes in place of all that is not ASCII."""
    return "".join(one if one.isascii() else one.encode("unicode_escape").decode() for one in text)


def shown_name(name: object) -> str:
    """Return a key, path or name as an error message shows it: without quotes, on one line.

    Of a long one, the middle is left out: the end of a path says more than its middle.
    """
    text = plain(masked(str(name))).replace("\n", "\\n").replace("\t", "\\t")
    if len(text) <= 2 * SHOWN_CHARACTERS:
        return text
    return f"{text[:SHOWN_CHARACTERS]}...{text[-SHOWN_CHARACTERS // 2 :]}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like a mistyped one; None if none is like it."""
    near = difflib.get_close_matches(name[:100], sorted(known), n=1)
    return near[0] if near else None


def collapsed(text: str) -> str:
    """Return a text as a page shows it: each run of blanks is one, and accents are composed."""
    return " ".join(unicodedata.normalize("NFC", text).split())
