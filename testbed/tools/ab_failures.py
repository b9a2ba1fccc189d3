"""Read how many requests of ab failed, of which one may be counted in several classes."""

import re
from dataclasses import dataclass

from testbed.tools.sections import Report


@dataclass(frozen=True)
class Failed:
    """Failed requests by class, each counted once as far as that is known."""

    connect: int
    read: int
    wrong_body: int
    not_answers: int  # those to which no answer came, and that are among the complete requests
    remarks: list[str]


def read(report: Report) -> Failed | None:
    """Return the failed requests by class; None if the report does not have the classes."""
    breakdown = report.one("breakdown")
    if breakdown is None:
        return None
    connect, length, exceptions = (
        breakdown.count(name) for name in ("connect", "length", "exceptions")
    )
    # Some versions of ab do not print failures to receive.
    receive = breakdown.count("receive") if breakdown.get("receive") else 0
    counted, total = report.count("Failed requests"), connect + receive + length + exceptions
    remarks = []
    if counted is not None and counted != total:
        remarks.append(f"{counted} failed requests are not the sum of their classes, {total}.")
    if sum(count > 0 for count in (receive, length, exceptions)) < 2:
        read, wrong, not_answers = receive + exceptions, length, receive
    else:
        least = max(receive, length, exceptions)
        most = receive + length + exceptions
        most = min(most, report.count("Complete requests") or most)
        known = least if least == most else _by_body_bytes(report, least, most)
        remarks.append(_once(least, most, known, total))
        read = not_answers = max(receive, exceptions)
        wrong = (known or least) - read
    if wrong:
        remarks.append(_of_another_length(wrong, beside=report.count("Non-2xx responses") or 0))
    return Failed(connect, read, wrong, not_answers, remarks)


def _of_another_length(wrong: int, beside: int) -> str:
    """Return a sentence on answers of another length, beside so many that are not 2xx.

    These may be the same ones.
    """
    one = wrong == 1
    what = (
        "1 answer is not as long as the first one, or is none: ab counts it as failed"
        if one
        else f"{wrong} answers are not as long as the first one, or are none: ab counts them as "
        "failed"
    )
    if not beside:
        return f"{what}, goodput does not leave {'it' if one else 'them'} out."
    again = "It may be counted as an error" if one else "Some may be counted as errors"
    return (
        f"{what}, goodput leaves out only those that are not 2xx. {again} twice, for status and "
        "for length."
    )


def _by_body_bytes(report: Report, least: int, most: int) -> int | None:
    """Return how many requests failed, if correct bodies of one length make up all body bytes.

    Return None if they do not, or if that number contradicts the counts of failures.
    """
    length, size = report.one("Document Length"), report.count("HTML transferred")
    complete = report.count("Complete requests")
    match = re.fullmatch(r"(\d+) bytes", length["value"]) if length else None
    one = int(match[1]) if match else 0
    if not one or size is None or complete is None or size % one:
        return None
    failed = complete - size // one
    return failed if least <= failed <= most else None


def _once(least: int, most: int, known: int | None, total: int) -> str:
    """Return a sentence on requests that ab counts in several classes of failures."""
    if known is None:
        return (
            "ab can count a failed request as one of Receive, Length and Exceptions at the same "
            f"time: from {least} to {most} requests failed, and the fewest are counted here."
        )
    return f"ab counts one failed request in several classes: its {total} failures are of {known}."
