"""Refuse what a user asked for, without telling the passwords of URLs."""

import re

MASK = "****"
# User and password, which may hold any character that should have been percent-encoded. So what is
# no host with its port is hidden up to an "@"; behind host and port, an "@" is of the path.
_PLACE = r"(?:\[[^]@]*\]|[^][\s/?#@:'\"]*)(?::\d*)?(?:[\s/?#'\"]|$)"
_SECRET = rf"(?!{_PLACE})(?:[^\s/?#]*|\S*)@"
_IN_TEXT = re.compile(rf"(?<=:)(/{{1,3}}){_SECRET}")
_IN_URL = re.compile(rf"((?:[A-Za-z][A-Za-z0-9+.-]*:/{{1,3}})?)(?:{_SECRET}|(?!{_PLACE}).*@)", re.S)


class Refused(ValueError):
    """Raised for what cannot be done as it was asked for; the message is for the user."""

    def __init__(self, message: str) -> None:
        super().__init__(_IN_TEXT.sub(rf"\1{MASK}@", message))


def url_shown(url: str) -> str:
    """Return a URL in quotes as a message shows it: with **** in place of user and password."""
    found = _IN_URL.match(url)
    return repr(f"{found[1]}{MASK}@{url[found.end() :]}" if found else url)
