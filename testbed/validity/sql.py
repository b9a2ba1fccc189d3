"""Compare the SQL that PostgreSQL counted with what the workload declares. Pure functions."""

import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed import files, patterns
from testbed.errors import TestbedError
from testbed.model.catalogue import Housekeeping
from testbed.model.endpoint import Statement
from testbed.model.results import SqlSeen
from testbed.numbers import written_out
from testbed.texts import shown

MOST_FILE_BYTES = 64 * 1024 * 1024  # Ansible keeps a data set in memory and passes it to psql


def read_file(folder: Path, name: str) -> str:
    """Return a workload's SQL file. Raises TestbedError if it cannot be read as UTF-8."""
    return files.read_text(files.beside(folder, name), MOST_FILE_BYTES)


def short_digest(folder: Path, name: str) -> str:
    """Return a short digest of a workload's SQL file."""
    return files.short_digest(files.beside(folder, name), MOST_FILE_BYTES)


def collapsed(text: str) -> str:
    """Return a statement with single spaces, and without the semicolon that some drivers add."""
    return re.sub(r"\s+", " ", text).strip().rstrip(";").rstrip()


@dataclass(frozen=True)
class Answered:
    """How many requests were answered, and how many may have been: they brought no answer."""

    answers: int
    unclear: int


@dataclass(frozen=True)
class Declared:
    """A statement that one or several parts of a mix declare, and how often it must be called."""

    texts: list[str]  # collapsed
    calls_per_request: float  # the most of any part
    answers: Mapping[str, int]  # of each part that declares it
    least_calls: float
    most_calls: float  # if all requests without an answer reached it

    def joined(self, other: "Declared") -> "Declared":
        """Return one statement in the place of two that have a text in common."""
        return Declared(
            list(dict.fromkeys([*self.texts, *other.texts])),
            max(self.calls_per_request, other.calls_per_request),
            {**self.answers, **other.answers},
            self.least_calls + other.least_calls,
            self.most_calls + other.most_calls,
        )


def declared(
    statements: Mapping[str, list[Statement]], answered: Mapping[str, Answered]
) -> list[Declared]:
    """Return each statement once, with the calls that the answers to each part make necessary.

    PostgreSQL counts a statement together, whichever part called it. So the declared numbers of
    calls are weighted by how often each part was really answered.
    """
    found: list[Declared] = []
    for part, listed in statements.items():
        of_part = answered.get(part, Answered(0, 0))
        for statement in listed:
            calls = statement.calls_per_request
            one = Declared(
                list(map(collapsed, statement.texts)),
                calls,
                {part: of_part.answers},
                calls * of_part.answers,
                calls * (of_part.answers + of_part.unclear),
            )
            same = [other for other in found if set(other.texts) & set(one.texts)]
            found = [other for other in found if other not in same]
            found.append(functools.reduce(Declared.joined, [*same, one]))
    return found


def sorted_out(
    statements: list[tuple[str, int]],
    declared: list[Statement],
    housekeeping: list[Housekeeping],
    requests: int | None,
) -> list[SqlSeen]:
    """Return each statement seen, with its calls per request and whether it was expected.

    Raises TestbedError if a pattern of housekeeping takes too long.
    """
    texts = {collapsed(text) for statement in declared for text in statement.texts}
    counts: dict[str, int] = {}
    for text, calls in statements:
        counts[collapsed(text)] = counts.get(collapsed(text), 0) + calls
    return [
        SqlSeen(
            text=text,
            calls=calls,
            calls_per_request=calls / requests if requests else None,
            kind="declared"
            if text in texts
            else "housekeeping"
            if any(_matches(one.pattern, text) for one in housekeeping)
            else "unexpected",
        )
        for text, calls in counts.items()
    ]


def _matches(pattern: str, text: str) -> bool:
    try:
        with patterns.limited(patterns.MATCHED_S):
            return re.fullmatch(pattern, text, re.IGNORECASE) is not None
    except patterns.TooSlow as error:
        raise TestbedError(
            f"app.yml: housekeeping_sql: the pattern {shown(pattern)} took longer than "
            f"{patterns.MATCHED_S:g} s of CPU time on the statement {shown(text)}",
            remedy="let it match a text in one way only",
        ) from error


def problems_of_one(seen: list[SqlSeen], declared: list[Statement]) -> list[str]:
    """Return how the SQL of a single request differs from the declared one, a sentence for each.

    A statement that is declared 0.5 times per request may be sent once or not at all.
    """
    problems = [
        f"not declared: `{one.text}`, {_times(one.calls)}"
        for one in seen
        if one.kind == "unexpected"
    ]
    for statement in declared:
        texts = set(map(collapsed, statement.texts))
        calls = sum(one.calls for one in seen if one.text in texts)
        wanted = statement.calls_per_request
        if not math.floor(wanted) <= calls <= math.ceil(wanted):
            text = collapsed(statement.texts[0])
            problems.append(f"{_times(calls)} instead of {_times(wanted)}: `{text}`")
    return problems


def _times(count: float) -> str:
    return "once" if count == 1 else f"{written_out(count)} times"
