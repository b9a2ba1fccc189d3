"""Bring the findings of all runs together, each check once. Pure functions.

Findings of one check with the same words become one sentence; a number in which they differ
becomes a range: 'the generator lagged: p99 1200 to 7200 us'. A finding that leaves a run valid is a
remark on how to read its figures, and no verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.in_one import NUMBER, in_one, told_of
from analysis.trials import WITHOUT_FIGURES, WORST_LAST, earlier_attempts
from testbed.model.results import RunRecord, Standing


@dataclass(frozen=True)
class Told:
    """One finding on one run; a failure counts as one, too."""

    check: str
    verdict: Standing
    sentence: str

    @property
    def word(self) -> str:
        """The verdict in a word; a finding that leaves the run valid is a remark."""
        return "remark" if self.verdict == "valid" else self.verdict


@dataclass(frozen=True)
class Alike:
    """Findings of one check with the same words."""

    sentence: str
    runs: list[str]  # their ids, in the order given


@dataclass(frozen=True)
class Checked:
    """All findings of one check that came to the same verdict."""

    check: str
    verdict: Standing
    alike: list[Alike]  # the most frequent first

    @property
    def runs(self) -> list[str]:
        """The ids of all its runs, each once."""
        return list(dict.fromkeys(run for one in self.alike for run in one.runs))


def of_run(record: RunRecord) -> list[Told]:
    """Return why the run failed, is invalid or doubtful, and remarks; the worst first."""
    found = []
    if record.failure:
        stage = f"{record.standing} at '{record.failure.stage}'"
        found.append(Told(stage, record.standing, record.failure.message))
    elif record.output is None:
        found.append(Told("no figures", record.standing, "no figures were recorded"))
    found += [Told(one.check, one.verdict, one.sentence) for one in record.findings]
    if not found and record.verdict != "valid":
        found.append(Told("no reason", record.verdict, "no reason was recorded"))
    found += [Told("earlier attempts", "valid", one) for one in earlier_attempts(record)]
    return sorted(found, key=lambda one: -WORST_LAST.index(one.verdict))


def by_check(records: Sequence[RunRecord]) -> list[Checked]:
    """Return the findings of all runs by check and verdict: the worst first, then the frequent."""
    found: dict[tuple[str, Standing], dict[tuple[str, ...], list[tuple[str, str]]]] = {}
    for record in records:
        for told in of_run(record):
            words = tuple(NUMBER.split(told.sentence)[::2])
            alike = found.setdefault((told.check, told.verdict), {})
            alike.setdefault(words, []).append((told.sentence, record.run_id))
    checked = [
        Checked(check, verdict, sorted(map(_alike, same.values()), key=lambda one: -len(one.runs)))
        for (check, verdict), same in found.items()
    ]
    return sorted(
        checked, key=lambda one: (-WORST_LAST.index(one.verdict), -len(one.runs), one.check)
    )


def lines(records: Sequence[RunRecord]) -> list[str]:
    """Return a line for all findings with the same words, with the runs that they are about."""
    return [
        f"{told_of(one.runs, len(records), 'runs')}: {_opening(checked)}: {one.sentence}"
        for checked in by_check(records)
        for one in checked.alike
    ]


def _opening(checked: Checked) -> str:
    """Return the verdict in a word; of a failure, also where it failed."""
    if checked.verdict in WITHOUT_FIGURES:
        return checked.check.capitalize()
    return "Remark" if checked.verdict == "valid" else checked.verdict.capitalize()


def _alike(items: list[tuple[str, str]]) -> Alike:
    sentences, runs = zip(*items, strict=True)
    return Alike(in_one(sentences), list(dict.fromkeys(runs)))
