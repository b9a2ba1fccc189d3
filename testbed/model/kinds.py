"""Define each kind of declared value in one place: texts, names, files and numbers.

Values are used in units, command lines, SQL, paths, reports and terminals. So a value of one line
cannot contain a line break, and every number is finite and has a limit.
"""

import re
import warnings
from collections.abc import Callable, Hashable
from typing import Annotated, Any, Literal, TypeVar

import soupsieve
from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, StringConstraints

from testbed import patterns
from testbed.model.base import Checked
from testbed.texts import is_plain, masked

T = TypeVar("T", bound=Hashable)

MOST_NUMBER = 1_000_000  # of a setting: above every count, size or time that a server is given
PER_CPU = re.compile(r"([1-9][0-9]?) per cpu")


def _looks_like(pattern: str, sentence: str) -> Checked:
    """Refuse a text that does not match the whole pattern, with that sentence."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(sentence)
        return value

    return Checked(check, {"pattern": f"^(?:{pattern})$", "patternErrorMessage": sentence})


def _characters(allowed: str, unit: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        odd = next((one for one in value if one not in allowed and not is_plain(one)), None)
        if odd is not None:
            raise ValueError(f"must be {unit}; it holds the character U+{ord(odd):04X}")
        return value

    return check


one_line = _characters("", "one line of printable characters")


def _no_backslash(value: str) -> str:
    """Refuse a backslash at the end, because the line of a unit would continue in the next."""
    if value.endswith("\\"):
        raise ValueError("must not end in a backslash")
    return value


def _differ(values: list[T]) -> list[T]:
    seen = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{value!r} is named twice")
        seen.add(value)
    return values


Differing = Checked(_differ, {"uniqueItems": True})  # of a list: no value stands in it twice


def _no_flag(value: Any) -> Any:
    """Refuse true and false, which Python would take for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("must be the number 1")
    return value


Version1 = Annotated[Literal[1], BeforeValidator(_no_flag)]

# --- texts

_Stripped = StringConstraints(strip_whitespace=True, min_length=1)
# Charts and tables have room for as much
Title = Annotated[
    str, _Stripped, Field(max_length=120), AfterValidator(one_line), AfterValidator(_no_backslash)
]
Line = Annotated[str, _Stripped, Field(max_length=4000), AfterValidator(one_line)]
# A page of prose, or the longest SQL statement
Text = Annotated[
    str, _Stripped, Field(max_length=20_000), AfterValidator(_characters("\n\t", "printable text"))
]
EnvValue = Annotated[str, Field(max_length=4000), AfterValidator(one_line)]

# --- names

_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


def _name(value: str) -> str:
    """Refuse a text that is no name, and suggest the nearest one.

    A hyphen separates the parts of a run's id, and of the names of units and users.
    """
    if _NAME.fullmatch(value):
        return value
    near = (
        re.sub(r"[^a-z0-9_]", "_", value.lower())
        if masked(value) == value and value.isascii()
        else ""
    )
    hint = f"; '{near}' is one" if _NAME.fullmatch(near) else ""
    raise ValueError(
        f"must be a name: up to 31 lower-case letters, digits and _, a letter first{hint}"
    )


Name = Annotated[str, Checked(_name, {"pattern": f"^{_NAME.pattern}$"})]
EnvName = Annotated[
    str,
    _looks_like(
        r"[A-Z][A-Z0-9_]{0,99}",
        "must be the name of a variable: capital letters, digits and _, a letter first",
    ),
]
# Debian's policy, 5.6.1 and 5.6.12. An option would begin with -, and apt removes what ends in it
PackageName = Annotated[
    str,
    Field(max_length=200),
    _looks_like(
        r"[a-z0-9][a-z0-9+.-]*[a-z0-9+](:[a-z0-9]+)?(=[0-9][A-Za-z0-9.+:~-]*)?",
        "must be a Debian package: its name, with :architecture and =version if they matter",
    ),
]
# The command of a Python: the host's own, another one by its name, or by its path if it was built
PythonCommand = Annotated[
    str,
    Field(max_length=200),
    _looks_like(
        r"(?!/(home|root)/)((/[A-Za-z0-9_][A-Za-z0-9_.+-]*)+/)?python3(\.[0-9]{1,2}t?)?",
        "must be a Python of the host: python3, python3.13, or a path as /opt/python/bin/python3; "
        "none in a home folder, which apps do not see",
    ),
]

# --- files and paths

_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"


class FileName(str):
    """A text that names a file, and so differs by its type from a text that only reads like one."""

    __slots__ = ()


RelativeFile = Annotated[
    str,
    Field(max_length=200),
    _looks_like(
        rf"{_SEGMENT}(/{_SEGMENT})*",
        "must be a file in this folder or below: letters, digits, _ . + - and /, no ..",
    ),
    AfterValidator(FileName),
]
CodeFolder = Annotated[
    str,
    Field(max_length=200),
    _looks_like(
        rf"\.|(\.\./)?{_SEGMENT}(/{_SEGMENT})*",
        "must be '.', a folder below this one, or one beside it as ../project",
    ),
]
_DOTS = re.compile(r"/(\.|%2[eE]){1,2}(?=[/?]|$)")


def _no_dot_segment(value: str) -> str:
    """Refuse the segments . and .., which clients take out (RFC 3986, 5.2.4), but not the tools."""
    if found := _DOTS.search(value.partition("?")[0]):
        raise ValueError(
            f"has the segment {found[0][1:]}, which clients take out before they ask: write the "
            "path without it"
        )
    return value


# RFC 3986, 3.3 and 3.4; {name} stands for a drawn value. A fragment is never sent
UrlPath = Annotated[
    str,
    Field(max_length=2000),
    _looks_like(
        r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2}|\{[a-z][a-z0-9_]*\})*",
        "must be a path as in a URL: / first, no fragment, spaces and the like as %XX; {name} "
        "stands for a drawn value",
    ),
    AfterValidator(_no_dot_segment),
]

# --- HTTP and HTML

_TOKEN = r"[A-Za-z0-9!#$&^_.+-]+"  # noqa: S105 - of RFC 9110, no password
MediaType = Annotated[
    str,
    Field(max_length=100),
    _looks_like(
        rf"{_TOKEN.replace('A-Z', '')}/{_TOKEN.replace('A-Z', '')}",
        "must be a media type in lower case without parameters, as application/json",
    ),
]
ContentType = Annotated[
    str,
    Field(max_length=100),
    _looks_like(
        rf"{_TOKEN}/{_TOKEN}(; ?{_TOKEN}={_TOKEN})*",
        "must be a media type, as application/json or text/plain; charset=utf-8",
    ),
]
STANDARD_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def _method(value: str) -> str:
    """Refuse a method that is not what it looks like, or has no answer, as pacer does."""
    if (meant := value.upper()) == "CONNECT":
        raise ValueError("asks a proxy for a tunnel, not for an answer: there is none to measure")
    if meant in STANDARD_METHODS and meant != value:
        raise ValueError(f"methods are case-sensitive (RFC 9110, 9.1): write {meant}")
    return value


Method = Annotated[  # RFC 9110, 9.1
    str,
    Field(max_length=100),
    _looks_like(
        r"[!#$%&'*+.^_`|~0-9A-Za-z-]+",
        "must be the name of a method, as GET or PROPFIND: letters, digits, !#$%&'*+-.^_`|~",
    ),
    AfterValidator(_method),
]
HeaderName = Annotated[  # RFC 9110, 5.6.2
    str,
    Field(max_length=100),
    _looks_like(
        r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", "must be the name of a header, as Accept or X-Tenant"
    ),
]
HeaderValue = Annotated[
    str,
    _Stripped,
    Field(max_length=4000),
    _looks_like(r"[ -~]*", "must be one line of ASCII, as values of headers are"),
]
Sha256 = Annotated[
    str, _looks_like(r"[0-9a-f]{64}", "must be a SHA-256 digest: 64 digits 0-9 and a-f")
]
Status = Annotated[int, Field(ge=200, le=599)]  # final answers; 1xx precede one


def _selector(value: str) -> str:
    try:
        soupsieve.compile(value)
    except Exception as error:  # its parser raises more than its own error
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"is no CSS selector: {reason}") from error
    return value


CssSelector = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_selector)]

# --- regular expressions


def check_regex(value: str) -> str:
    """Return a regular expression. Raises ValueError if it is none, or could take for ever."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(value)
        ambiguous = patterns.is_ambiguous(value)
    except (re.error, RecursionError, OverflowError, Warning) as error:
        raise ValueError(f"is no regular expression: {error}") from error
    if ambiguous:
        raise ValueError(
            "repeats what can match one text in many ways, as (a|a)* and (a+)+ do: to match it "
            "could take for ever"
        )
    return value


Regex = Annotated[
    str, Field(min_length=1, max_length=1000), AfterValidator(one_line), AfterValidator(check_regex)
]

# --- numbers, finite all of them (Declared)

Trials = Annotated[int, Field(ge=1, le=1000)]  # 1000 of a second each are a night's work
LEAST_OF_A_TIME = 0.001  # of one that may be 0; a microsecond, of those in milliseconds


def _none_or_some(value: float) -> float:
    """Refuse a time that nothing here can keep, and that would be measured as if it were 0."""
    if 0 < value < LEAST_OF_A_TIME:
        raise ValueError(f"must be 0, or {LEAST_OF_A_TIME} at least")
    return value


MOST_RPS = 1_000_000  # beyond what a server of this kind has answered
Rate = Annotated[float, Field(gt=0, le=MOST_RPS)]
# A connection takes a port of the client's address; there are 65,535, and the first 1,024 are not
# handed out
Connections = Annotated[int, Field(ge=1, le=64_000)]
Threads = Annotated[int, Field(ge=1, le=256)]  # a host of more CPUs generates no load
# Many generators take whole seconds, one at least; a day shows what leaks
DurationSeconds = Annotated[float, Field(ge=1, le=86_400)]
WarmupSeconds = Annotated[float, Field(ge=0, le=3600), AfterValidator(_none_or_some)]
TimeoutSeconds = Annotated[float, Field(ge=0.1, le=600)]
# A microsecond, the unit of response times, up to the longest time-out
ResponseTimeMs = Annotated[float, Field(ge=0.001, le=600_000)]
# Once around the Earth takes less
DelayMs = Annotated[float, Field(ge=0, le=1000), AfterValidator(_none_or_some)]
# A minute: longer drawn times of the other service are cut off there (upstream/latency.py)
MOST_LATENCY_MS = 60_000
LatencyMs = Annotated[float, Field(ge=0, le=MOST_LATENCY_MS), AfterValidator(_none_or_some)]
IntervalSeconds = Annotated[float, Field(ge=0.1, le=60)]
Seed = Annotated[int, Field(ge=0, le=2**53 - 1)]  # what JSON's readers hold without loss


def _setting_value(value: Any) -> str | int:
    if isinstance(value, bool):
        raise ValueError("must be a text or a whole number: 1 or 0, or 'true' in quotes")
    if isinstance(value, int):
        if not 0 <= value <= MOST_NUMBER:
            raise ValueError(f"must be from 0 to {MOST_NUMBER:,}")
        return value
    if not isinstance(value, str):
        raise ValueError("must be a text or a whole number")
    if not value or len(value) > 1000:
        raise ValueError("must have from 1 to 1000 characters")
    if value.strip().endswith("per cpu") and not PER_CPU.fullmatch(value):
        raise ValueError("must be 'N per cpu' with N from 1 to 99")
    return one_line(value)


# Reaches an app through its environment
SettingValue = Annotated[
    str | int, PlainValidator(_setting_value, json_schema_input_type=str | int)
]
