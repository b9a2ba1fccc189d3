"""Write the answers to a question in sentences, with intervals. Pure functions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analysis.compare.cells import CAPACITY
from analysis.compare.rule import DEFAULT_TOLERANCE_PERCENT
from analysis.figures import Figure
from analysis.question.answers import Answers, Compared, Overall, Pairing, Steps
from analysis.question.cells import CPU
from analysis.question.crossing import TOLD, Crossing, PointVerdict
from testbed.model.question import QuestionPlan, point_text
from testbed.numbers import digits
from testbed.texts import listed

TIMES = "\N{MULTIPLICATION SIGN}"
UNTOLD = "cannot be told apart"
SHOWN: dict[PointVerdict, str] = {
    "ahead": "ahead", "behind": "behind", "level": "level", "undecided": UNTOLD,
    "no data": "no data",
}  # fmt: skip
ORDER: tuple[PointVerdict, ...] = ("ahead", "behind", "level", "undecided", "no data")
WOULD: dict[PointVerdict, str] = {
    "ahead": "no", "behind": "yes, and more", "level": "yes", "undecided": "perhaps",
    "no data": "not measured",
}  # fmt: skip


@dataclass(frozen=True)
class Words:
    """What the verdicts on a figure mean."""

    ahead: str  # 'A … than B'
    behind: str
    level: str
    of_both: str  # 'A and B cannot be told apart …'
    parts: dict[PointVerdict, str]  # behind a ratio


OF_FIGURE = {
    CAPACITY.key: Words(
        "serves more", "serves less", "both serve as much", "in how much they serve",
        SHOWN | {"ahead": "more", "behind": "less", "level": "as much"},
    ),
    CPU.key: Words(
        "takes less CPU time per answer", "takes more CPU time per answer",
        "both take as much CPU time per answer", "in CPU time per answer",
        SHOWN | {"ahead": "less", "behind": "more", "level": "as much"},
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Sentence:
    """An answer, and the figures that it rests on."""

    answer: str
    detail: str = ""

    @property
    def text(self) -> str:
        """The answer, followed by the figures."""
        return f"{self.answer} {self.detail}".strip()


def sentences(found: Answers, endpoint: str) -> list[Sentence]:
    """Return the answers of one endpoint, those on capacity first."""
    told: list[Sentence] = []
    # The stacks that are asked about come before those that only have more of something
    pairings = sorted(found.pairings, key=lambda one: found.plan.stack(one.of).more_of is not None)
    for figure in (CAPACITY, CPU):
        for pairing in pairings:
            of_these = (pairing.endpoint, pairing.figure) == (endpoint, figure)
            if of_these and _asked(found, pairing) and _measured(figure, pairing.compared):
                told.append(Sentence(_pairing(found.plan, pairing), _details(found.plan, pairing)))
        if figure is CAPACITY:
            told += [*_more(found, endpoint), *_unmeasured(found, endpoint)]
        for steps in found.steps:
            of_these = (steps.endpoint, steps.figure) == (endpoint, figure)
            if of_these and _measured(figure, steps.compared):
                told.append(_steps(found.plan, steps))
    return told


def _measured(figure: Figure, compared: Sequence[Compared]) -> bool:
    """Return whether there is something to tell: hosts that report no cost are passed over."""
    return figure is CAPACITY or any(one.ratio is not None for one in compared)


def _asked(found: Answers, pairing: Pairing) -> bool:
    """Return whether a pairing is an answer of its own; others only show what more would do."""
    plan = found.plan
    return pairing.to == plan.baseline or plan.stack(pairing.of).more_of == pairing.to


def _pairing(plan: QuestionPlan, pairing: Pairing) -> str:
    """Return from where on one stack is ahead of another, in a sentence."""
    words = OF_FIGURE[pairing.figure.key]
    of, to = plan.stack(pairing.of).title, plan.stack(pairing.to).title
    if len(pairing.compared) == 1:
        return _at_one_point(plan, pairing.compared[0], words)
    passes = pairing.crossing or Crossing("untold")
    points = [one.of.point for one in pairing.compared]
    within = f"within {point_text(points[0])} to {point_text(points[-1])} ms"
    about = (
        "" if passes.about is None else f" (about {digits(passes.about)} ms, if straight between)"
    )
    above, below = ("" if end is None else point_text(end) for end in (passes.above, passes.below))
    match passes.course:
        case "rises":
            return (
                f"From somewhere between {above} and {below} ms of latency "
                f"on{about}, {of} {words.ahead} than {to}; below that, it {words.behind}"
                f"{_but(plan, pairing, passes)}."
            )
        case "falls":
            return (
                f"Up to somewhere between {above} and {below} ms of "
                f"latency{about}, {of} {words.ahead} than {to}; beyond that, it {words.behind}"
                f"{_but(plan, pairing, passes)}."
            )
        case "ahead" | "behind":
            does = words.ahead if passes.course == "ahead" else words.behind
            claim = f"{of} {does} than {to}"
            return _one_way(pairing, passes, claim, _but(plan, pairing, passes), within)
        case "several":
            return (
                f"No single crossover {within}: {of} {words.ahead} than {to} at some latencies, "
                f"it {words.behind} at others, and that changes more than once."
            )
        case "level":
            return f"No crossover {within}: {of} against {to}, {words.level}."
    return _untold(pairing, of, to, within)


def _untold(pairing: Pairing, of: str, to: str, within: str) -> str:
    """Return what can be said of two stacks, by their titles, that no latency tells apart."""
    words = OF_FIGURE[pairing.figure.key]
    if pairing.overall and pairing.overall.verdict in TOLD:
        does = words.ahead if pairing.overall.verdict == "ahead" else words.behind
        return (
            f"All latencies {within} together, {of} {does} than {to}; at no single one can they be "
            "told apart, so no crossover was seen."
        )
    if all(one.verdict == "no data" for one in pairing.compared):
        return f"There are no data to compare {of} with {to} {words.of_both} {within}."
    if any(one.verdict == "level" for one in pairing.compared):
        rest = f"{words.level} wherever that can be told"
        return f"No crossover was seen {within}: {of} against {to}, {rest}."
    return f"{of} and {to} cannot be told apart {words.of_both} {within}, so no crossover was seen."


def _but(plan: QuestionPlan, pairing: Pairing, passes: Crossing) -> str:
    """Return where the two stacks are level although one of them is said to be ahead there."""
    level = [
        plan.at(one.of.point)
        for one in pairing.compared
        if one.verdict == "level"
        and (
            (passes.below is not None and _less(passes.below, one))
            or (passes.above is not None and _less(one, passes.above))
        )
    ]
    return f"; but {listed(level)}, {OF_FIGURE[pairing.figure.key].level}" if level else ""


def _one_way(pairing: Pairing, passes: Crossing, claim: str, but: str, within: str) -> str:
    """Return where `claim` holds, if the two stacks never change places where that can be told.

    `but` says where it does not although points beyond do.
    """
    words = OF_FIGURE[pairing.figure.key]
    if passes.below is not None:
        rest = _rest([one for one in pairing.compared if _less(one, passes.below)], words)
        return f"From {point_text(passes.below)} ms at the latest, {claim}{but}; {rest}."
    if passes.above is not None:
        rest = _rest([one for one in pairing.compared if _less(passes.above, one)], words)
        return f"Up to {point_text(passes.above)} ms at least, {claim}{but}; {rest}."
    seen = "No crossover" if passes.throughout else "No crossover was seen"
    same = all(one.verdict == passes.course for one in pairing.compared)
    apart = "" if same else "wherever they can be told apart, "
    return f"{seen} {within}: {apart}{claim}."


def _at_one_point(plan: QuestionPlan, one: Compared, words: Words) -> str:
    """Return how one stack compares with another where only one point was measured."""
    of, to = plan.stack(one.of.stack).title, plan.stack(one.to.stack).title
    at = plan.at(one.of.point)
    match one.verdict:
        case "ahead":
            return f"{of} {words.ahead} than {to} {at}."
        case "behind":
            return f"{of} {words.behind} than {to} {at}."
        case "level":
            return f"{of} against {to} {at}: {words.level}."
        case "undecided":
            return f"{of} and {to} cannot be told apart {words.of_both} {at}."
    return f"There are no data to compare {of} with {to} {words.of_both} {at}."


def _less(one: Compared | float, other: Compared | float) -> bool:
    values = [side.of.point if isinstance(side, Compared) else side for side in (one, other)]
    return not any(isinstance(value, str) for value in values) and values[0] < values[1]  # type: ignore[operator]


def _rest(compared: Sequence[Compared], words: Words) -> str:
    """Return what is known beyond the points at which one is told to be ahead."""
    if all(one.verdict == "level" for one in compared):
        return f"elsewhere {words.level}, and no crossover was seen"
    if any(one.verdict == "level" for one in compared):
        return f"elsewhere {words.level} or that cannot be told, and no crossover was seen"
    return "elsewhere that cannot be told, and no crossover was seen"


def _details(plan: QuestionPlan, pairing: Pairing) -> str:
    """Return the ratio at each point, those of one verdict together."""
    words, parts = OF_FIGURE[pairing.figure.key], []
    for verdict in ORDER:
        at = [one for one in pairing.compared if one.verdict == verdict]
        if at:
            places = listed([f"{plan.at(o.of.point)}{_by(o)}" for o in at])
            parts.append(f"{places}: {words.parts[verdict]}")
    if pairing.overall and not (pairing.crossing and pairing.crossing.seen):
        together = f"all together{_by(pairing.overall)}: {words.parts[pairing.overall.verdict]}"
        parts.insert(0, together)
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def _by(one: Compared | Overall) -> str:
    """Return the ratio with its interval; empty if there is none."""
    if one.ratio is None or one.ratio.value is None:
        return ""
    what = f" {one.ratio.text}{TIMES}"
    if one.ratio.how == "one trial":
        return f"{what} (one trial)"
    return f"{what} ({one.ratio.interval()})"


def _more(found: Answers, endpoint: str) -> Iterator[Sentence]:
    """Yield whether more of something, such as threads, would have done, where it was measured.

    It would have, where a stack that is ahead of the one without is not ahead of the one with more.
    """
    plan = found.plan
    pairings = {
        (one.of, one.to): one
        for one in found.pairings
        if one.endpoint == endpoint and one.figure is CAPACITY
    }
    for more in (one for one in plan.stacks if one.more_of is not None):
        for other in plan.stacks:
            before = pairings.get((other.name, str(more.more_of)))
            after = pairings.get((other.name, more.name))
            if other.more_of is not None or before is None or after is None:
                continue
            told = [
                f"{plan.at(one.of.point)} {WOULD[left.verdict]} ({other.title}"
                f"{_by(left)}: {SHOWN[left.verdict]})"
                for one, left in zip(before.compared, after.compared, strict=True)
                if one.verdict == "ahead"
            ]
            if told:
                base = plan.stack(str(more.more_of)).title
                yield Sentence(
                    f"Where {other.title} serves more than {base}, would {more.title} have done? "
                    f"{'; '.join(told)}.".replace("? at", "? At")
                )


def _unmeasured(found: Answers, endpoint: str) -> Iterator[Sentence]:
    """Yield where a stack that another is ahead of waited for workers, if more were not measured.

    Then more of them may have done.
    """
    plan = found.plan
    with_more = {one.more_of for one in plan.stacks}
    at: dict[str, set[str]] = {}
    for pairing in found.pairings:
        of_these = (pairing.endpoint, pairing.figure) == (endpoint, CAPACITY)
        if of_these and pairing.to not in with_more:
            for one in pairing.compared:
                if one.verdict == "ahead" and one.to.waits_for_workers:
                    at.setdefault(pairing.to, set()).add(plan.at(one.to.point))
    for name, places in at.items():
        where = listed([plan.at(p) for p in plan.points if plan.at(p) in places])
        yield Sentence(
            f"More workers or threads of {plan.stack(name).title} may have done {where}: there, "
            "they were all busy while CPUs idled. That was not measured: it takes a stack "
            "with more_of."
        )


def _steps(plan: QuestionPlan, one: Steps) -> Sentence:
    """Return what each value of a setting brings a stack."""
    title, words = plan.stack(one.stack).title, OF_FIGURE[one.figure.key]
    parts = []
    for step in one.compared:
        between = "after" if plan.ordered else "against"
        way = f"{point_text(step.of.point)} {between} {point_text(step.to.point)}"
        parts.append(f"{way}{_by(step)}: {words.parts[step.verdict]}")
    detail = f"{plan.swept} {'; '.join(parts)}."
    told = _enough(plan, one.compared, words) if plan.ordered else _best(one.compared, words)
    return Sentence(f"{title}: {told}", detail)


def _enough(plan: QuestionPlan, steps: Sequence[Compared], words: Words) -> str:
    """Return up to which value of a setting more of it brings something."""
    told = [number for number, step in enumerate(steps) if step.verdict == "ahead"]
    last = told[-1] + 1 if told else 0
    if any(step.verdict == "behind" for step in steps[:last]):
        return (
            f"more {plan.swept} is not always better: after some values it {words.ahead}, after "
            f"others it {words.behind}."
        )
    rest = steps[last:]
    value = point_text(steps[0].to.point if not told else steps[last - 1].of.point)
    name = f"{plan.swept} = {value}"
    first = f"with more {plan.swept} it {words.ahead} up to {name}" if told else ""
    if not rest:
        return f"{first}, the most that was measured."
    start = f"{first}; " if first else ""
    if worse := [step for step in rest if step.verdict == "behind"]:
        return f"{start}from {plan.swept} = {point_text(worse[0].of.point)} on it {words.behind}."
    if all(step.verdict == "level" for step in rest):
        most = f"{DEFAULT_TOLERANCE_PERCENT:g} %"
        return f"{start}beyond {name}, no step makes a difference of more than {most}."
    return f"{start}beyond {name}, it cannot be told what more does."


def _best(compared: Sequence[Compared], words: Words) -> str:
    """Return which values are told to be ahead of the first, and which behind it."""
    first = point_text(compared[0].to.point)
    parts = []
    for verdict, does in (("ahead", words.ahead), ("behind", words.behind)):
        values = [point_text(one.of.point) for one in compared if one.verdict == verdict]
        if values:
            parts.append(f"with {listed(values)} it {does} than with {first}")
    rest = [point_text(one.of.point) for one in compared if one.verdict == "level"]
    if rest:
        parts.append(f"with {listed(rest)} and with {first}, {words.level}")
    open_ = [point_text(one.of.point) for one in compared if one.verdict == "undecided"]
    if open_:
        parts.append(f"{listed(open_)} and {first} cannot be told apart")
    return f"{'; '.join(parts) or 'there are no data'}."
