"""Write an answer in words: who is ahead, by how much, and how sure that is. Pure functions."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from analysis.compare.cells import CAPACITY
from analysis.compare.rule import DEFAULT_TOLERANCE_PERCENT
from analysis.figures import BY_KEY, Figure
from analysis.in_one import in_one
from analysis.intervals import CONFIDENCE
from analysis.ranking import TIED, Row
from analysis.ratio import A_FACTOR, Estimate, difference_text
from analysis.statistics import MIN_TRIALS_FOR_INTERVAL
from analysis.trials import NOT_COUNTED
from testbed.model.results import Standing
from testbed.texts import listed

GOODPUT, P99 = BY_KEY["goodput_rps"], BY_KEY["response_p99_us"]
# What is compared, how the first is told by itself and where others are level with it, and how it
# stands to another
WORDS = {
    GOODPUT.key: ("goodput", "answers", "the first answers", "{size} times as many as {other}"),
    CAPACITY.key: ("capacity", "bears", "the first bears", "{size} times the rate of {other}"),
    P99.key: ("p99", "has the shortest p99;", "", "with {other}, p99 is {size} times as long"),
}
# The head of the table's ratios, before and behind the name of the baseline
RATIO_HEADS = {
    GOODPUT.key: ("", " answers … times as many"),
    CAPACITY.key: ("", " bears … times the rate"),
    P99.key: ("p99 … times that of ", ""),
}
# Of a lead that such trials would often have missed
BELOW = "; a lead below that, as here, may look larger than it is"
ONE_TRIAL = "Of {} there is one trial, which does not show what is chance."
MOSTLY = 0.5  # the share of trials from which on the most count fully
MOST_NAMED = 3  # apps in a list of names; of more, the last ones are counted
SURE = f"{100 * CONFIDENCE:.0f} %"


def sentence(ranked: Sequence[Row], metric: Figure) -> str:
    """Return who is ahead, and by how much."""
    if not ranked:
        return "No trial counts, so there is no answer."
    first, *rest = ranked
    if not rest:
        told = ", ".join(f"{title} {figure}" for title, figure in first.figures.items())
        return f"{first.label}: {told}. There is no other to set it beside."
    _, alone, beside, _ = WORDS[metric.key]
    if _all_zero(ranked):
        all_of = "both" if len(rest) == 1 else "all"
        return f"{_named(ranked)} are not told apart: {all_of} are zero."
    tied = [row for row in rest if row.told in TIED]
    behind = [row for row in rest if row.told not in TIED]
    clauses = [_tied(first, tied, metric)] if tied else []
    if behind:
        opening = beside if tied else f"{first.label} {alone}"
        told = f"{opening} {_times(behind[0], metric, behind[0].label)}".strip()
        if len(behind) > 1:
            told += ", and " + _times(behind[-1], metric, f"the last, {behind[-1].label}")
        clauses.append(told)
    return f"{'; '.join(clauses)}."


def how_sure(
    ranked: Sequence[Row], others: Sequence[Row], metric: Figure, noun: str = "runs"
) -> str:
    """Return how sure the answer is, in sentences: chance, what intervals rest on, doubtful trials.

    `others` have no rank, as no trial of theirs counts. `noun` names the trials: runs or searches.
    """
    rows = [*ranked, *others]
    standings = [one for row in rows for one in row.standings]
    doubts, spoilt = ([row.doubts for row in rows], [row.spoilt for row in rows])
    parts = [counted(standings, doubts, spoilt, noun)]
    if len(ranked) > 1 and not _all_zero(ranked):
        verdict = _verdict(ranked, standings)
        parts = [verdict, _chance(ranked), _basis(ranked, noun), *parts, _least(ranked[1:])]
    elif len(ranked) == 1:
        parts = [_of_one(ranked[0], metric, noun), *parts]
    return " ".join(filter(None, parts))


def _verdict(ranked: Sequence[Row], standings: Sequence[Standing]) -> str:
    """Return in a word how sure the answer is."""
    told = {row.told for row in ranked[1:]}
    if told == {"one trial"}:
        return "Not known."
    if told <= {"level", "ahead"}:
        share = standings.count("valid") / len(standings)
        return "Sure." if share == 1 else "Mostly." if share >= MOSTLY else "Only in part."
    return "Only in part." if "ahead" in told else "Not sure."


def counted(
    standings: Sequence[Standing],
    doubts: Iterable[Mapping[str, Sequence[str]]],
    spoilt: Iterable[Mapping[str, Sequence[str]]],
    noun: str,
) -> str:
    """Return how many of the trials count fully, and why others do not.

    `doubts` have for each check the clause of each doubtful trial, and `spoilt` those of trials
    that do not count.
    """
    number, all_of = Counter(standings), len(standings)
    full, doubtful = number["valid"], number["doubtful"]
    out = sum(number[one] for one in NOT_COUNTED)
    if full == all_of:
        return "" if not all_of else "The run counts fully." if all_of == 1 else (
            f"{'Both' if all_of == 2 else f'All {all_of}'} {noun} count fully."
        )  # fmt: skip
    if out == all_of:
        none = "The run does not count" if out == 1 else f"None of {out} {noun} counts"
        return f"{none}{_reasons(spoilt)}."
    some = f"{full} of {all_of} {noun} {'counts' if full == 1 else 'count'} fully"
    if not full:
        some = (
            "The run does not count fully"
            if all_of == 1
            else f"None of {all_of} {noun} counts fully"
        )
    elif full / all_of < MOSTLY:
        some = f"Only {some}"
    told = []
    if doubtful:
        which = "it" if all_of == 1 else "all" if doubtful == all_of else f"{doubtful}"
        off = "its figures may be off" if all_of == 1 else (
            "the figures may be further off than intervals say"
        )  # fmt: skip
        told.append(
            f"{which} {'is' if doubtful == 1 else 'are'} doubtful{_reasons(doubts)}, so that {off}"
        )
    if out:
        told.append(f"{out} {'does' if out == 1 else 'do'} not count at all{_reasons(spoilt)}")
    return f"{some}: {'; '.join(told)}."


def _reasons(doubts: Iterable[Mapping[str, Sequence[str]]]) -> str:
    """Return the reasons in brackets, the most frequent first; an empty text without any."""
    by_check: dict[str, list[str]] = {}
    for of_row in doubts:
        for check, clauses in of_row.items():
            by_check.setdefault(check, []).extend(clauses)
    most_first = sorted(by_check.values(), key=len, reverse=True)
    told = []
    for clauses in most_first:
        clause = in_one(clauses)
        if not clause[1:2].isupper():  # 'SQL that ...'
            clause = f"{clause[:1].lower()}{clause[1:]}"
        told.append(f"in {len(clauses)}, {clause}" if len(most_first) > 1 else clause)
    if len(told) > MOST_NAMED:
        more = len(told) - MOST_NAMED
        told = [*told[:MOST_NAMED], f"{more} more reason{'' if more == 1 else 's'}"]
    return f" ({'; '.join(told)})" if told else ""


def _chance(ranked: Sequence[Row]) -> str:
    """Return whether the order may be owed to chance."""
    first, *rest = ranked
    of_one = [row.label for row in rest if row.told == "one trial"]
    if len(of_one) == len(rest):
        alone = [row.label for row in ranked if len(row.cell.spans) == 1]
        if len(alone) == len(ranked):
            return "One trial does not show how far chance moves a figure."
        return ONE_TRIAL.format(names(alone))
    tied = [row for row in rest if row.told in TIED]
    ahead = any(row.told == "ahead" for row in rest)
    told = ""
    if tied:
        if all(row.told == "level" for row in tied):
            told = f"They differ by less than {DEFAULT_TOLERANCE_PERCENT:g} % ({SURE} confidence)"
        else:
            told = f"Which of {_named([first, *tied])} is ahead may be chance"
        if ahead:
            told += f"; that {first.label} is ahead of the others is not ({SURE} confidence)"
        told += "."
    elif ahead:
        told = f"Chance does not explain the lead ({SURE} confidence)."
    if of_one:
        told += f" {ONE_TRIAL.format(listed(of_one))}"
    return told.strip()


def _basis(ranked: Sequence[Row], noun: str) -> str:
    """Return of how many trials the intervals are; empty if there are none."""
    counts = [len(row.cell.spans) for row in ranked]
    if not any(row.first_is and row.first_is.has_interval for row in ranked[1:]):
        return ""
    usual = Counter(counts).most_common(1)[0][0]
    fewer = [row for row in ranked if len(row.cell.spans) < usual]
    apps = "app" if len({row.app for row in ranked}) == len(ranked) else "variant"
    what = "trials" if noun == "runs" else noun
    told = f"{usual} {what} of each {apps}"
    if fewer and len(fewer) <= MOST_NAMED:
        told += "".join(f", {len(row.cell.spans)} of {row.label}" for row in fewer)
    elif fewer:
        told += f", fewer of {len(fewer)} of them"
    return f"The intervals in brackets ({SURE}) rest on {told}."


def _of_one(row: Row, metric: Figure, noun: str) -> str:
    """Return what the figure of an app rests on that has no other beside it."""
    trials = len(row.cell.spans)
    if trials == 1 and noun == "runs":
        return "Not known: one trial does not show how far chance moves a figure."
    ends = row.group.interval_text(metric.key) if row.group else ""
    if not ends:
        return f"It rests on {trials} {'trials' if noun == 'runs' else noun}."
    return f"The {SURE} interval of its {metric.title} is {ends}, over {trials} trials."


def names(labels: Sequence[str]) -> str:
    """Return labels as a list in words, of which the last ones are counted if they are many."""
    if len(labels) > MOST_NAMED + 1:
        labels = [*labels[:MOST_NAMED], f"{len(labels) - MOST_NAMED} others"]
    if any("," in one for one in labels):
        return "; ".join(labels[:-1]) + f" and {labels[-1]}" if len(labels) > 1 else labels[0]
    return listed(labels)


def _all_zero(ranked: Sequence[Row]) -> bool:
    return not any(row.cell.mean for row in ranked)


def _named(rows: Sequence[Row]) -> str:
    return names([row.label for row in rows])


def _tied(first: Row, tied: Sequence[Row], metric: Figure) -> str:
    """Return which rows the first is not told apart from, and how far the last of them is off."""
    level = f"level within {DEFAULT_TOLERANCE_PERCENT:g} %"
    how = level if all(row.told == "level" for row in tied) else "not told apart"
    who = f"{_named([first, *tied])} are {how}"
    last = tied[-1]
    figure, found = WORDS[metric.key][0], last.first_is
    if found is None or found.value is None:
        return f"{who}: how the {figure} of {last.label} stands to the first's is not known"
    # The ratio is above 1 where the first is better
    of, to = ("the first", last.label) if metric.more_is_better else (last.label, "the first")
    times = f"{found.text} times that of {to} ({found.interval()})"
    return f"{who}: {figure} of {of} is {times}"


def _times(row: Row, metric: Figure, name: str) -> str:
    """Return how the first stands to a row: '1.60 times as many as Django (1.30 to 1.80)'."""
    size, interval = _ratio(row)
    return WORDS[metric.key][-1].format(other=name, size=size) + interval


def _ratio(row: Row) -> tuple[str, str]:
    """Return how the first stands to a row, and the interval as it stands behind it."""
    found = row.first_is
    if found is None or found.value is None:
        return "an unknown number of", ""
    if math.isinf(found.value):
        return "infinitely many", ", which has none"
    return found.text, f" ({found.interval()})" if found.has_interval else ""


def _least(rest: Sequence[Row]) -> str:
    """Return which differences from the first would often be missed with such trials."""
    if any(row.told == "one trial" for row in rest):
        return ""
    found = [row.first_is for row in rest if row.first_is is not None]
    shown = [one.could_show((1 - CONFIDENCE) / len(rest)) for one in found]
    known = sorted(one for one in shown if one is not None and one > 1)
    ahead = [row.told == "ahead" for row in rest if row.first_is is not None]
    sides = zip(ahead, found, shown, strict=True)
    below = any(lead and one.value and least and one.value < least for lead, one, least in sides)
    if known:
        least, most = (difference_text(one) for one in (known[0], known[-1]))
        if least != most:
            most = most.removeprefix(A_FACTOR) if least.startswith(A_FACTOR) else most
            least = f"{least} to {most}, depending on the other one,"
        told = f"With so many trials, a true difference under {least} would often be missed"
        return f"{told}{BELOW if below else ''}."
    return f"How small a difference would show is not known: {_why_not_known(found)}."


def _why_not_known(found: Sequence[Estimate]) -> str:
    """Return why no ratio says which differences such trials would tell apart."""
    trials = max((min(one.trials) for one in found), default=0)
    if trials < MIN_TRIALS_FOR_INTERVAL:
        return f"that takes at least {MIN_TRIALS_FOR_INTERVAL} trials of each app"
    if any(one.bounds_only for one in found):
        return "of the figures only bounds are known"
    return "the trials of an app are all alike, or its figure is zero"
