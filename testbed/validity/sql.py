"""Compare the SQL that PostgreSQL counted with what the workload declares. Pure functions."""

import math
import re
from pathlib import Path

from testbed import files
from testbed.model.catalogue import Housekeeping, Statement
from testbed.model.results import SqlSeen

MOST_FILE_BYTES = 64 * 1024 * 1024  # Ansible keeps a data set in memory and passes it to psql


def read_file(folder: Path, name: str) -> str:
    """Return a workload's SQL file. Raises TestbedError if it cannot be read as UTF-8."""
    return files.read_text(files.beside(folder, name), MOST_FILE_BYTES)


def collapsed(text: str) -> str:
    """Return a statement with single spaces, and without the semicolon that some drivers add."""
    return re.sub(r"\s+", " ", text).strip().rstrip(";").rstrip()


def sorted_out(
    statements: list[tuple[str, int]],
    declared: list[Statement],
    housekeeping: list[Housekeeping],
    requests: int | None,
) -> list[SqlSeen]:
    """Return each statement seen, with its calls per request and whether it was expected."""
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
            if any(re.fullmatch(one.pattern, text, re.IGNORECASE) for one in housekeeping)
            else "unexpected",
        )
        for text, calls in counts.items()
    ]


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
    return "once" if count == 1 else f"{count:g} times"
