"""Find question files, and make of a question the searches that answer it.

Every mistake in the file, and in what was asked of it, is found here, before any host is asked.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from testbed.arguments import number
from testbed.asked import answerable, experiments, loads, yamlfile
from testbed.asked.catalogue import Catalogue, unknown
from testbed.asked.experiments import EXPERIMENTS_FOLDER
from testbed.errors import TestbedError
from testbed.model.article import Scale
from testbed.model.catalogue import CataloguedApp
from testbed.model.experiment import Experiment
from testbed.model.question import (
    MOST_POINTS,
    UPSTREAM,
    PlannedStack,
    Point,
    QuestionCell,
    QuestionFile,
    QuestionPlan,
    ScaleOf,
    Stack,
    as_point,
    in_order,
    point_text,
)
from testbed.texts import shown

QUESTIONS = EXPERIMENTS_FOLDER / "questions"
LONGEST_NAME = 31  # characters, of a variant as of everything that is named
AS_IT_IS = "As its app.yml has it: it was named on the command line, and no file says more."
Settings = dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """What the user chose of a question. None stands for what the file says."""

    scale: Scale
    stacks: Sequence[str] | None = None
    endpoints: Sequence[str] | None = None
    points: Sequence[str] | None = None
    trials: int | None = None


def names() -> list[str]:
    """Return the names of the questions that can be asked."""
    return sorted(path.stem for path in QUESTIONS.glob("*.yml"))


def find(name: str) -> Path:
    """Return the file of a question, given as a path or as a name in `experiments/questions/`."""
    if name.endswith((".yml", ".yaml")):
        return experiments.find(name)
    if name not in names():
        raise unknown("question", name, names(), also="a file's name ends in .yml")
    return QUESTIONS / f"{name}.yml"


def load(path: Path) -> QuestionFile:
    """Return the checked question. Raises TestbedError with file, line and key of each error."""
    return yamlfile.load(path, QuestionFile)


def planned(
    name: str, question: QuestionFile, choice: Choice, catalogue: Catalogue
) -> tuple[Experiment, QuestionPlan]:
    """Return the experiment whose searches answer the question, and what it asks of which stack.

    Each stack at each point is a variant. Raises TestbedError for anything in it that cannot be
    measured, with its place in the question's file if it stands there.
    """
    scale = _scale(question, choice.scale)
    endpoints = _endpoints(question, scale, choice)
    _check_workload(question, endpoints, catalogue)
    points = _points(question, scale, choice)
    answerable.check(question, points)
    stacks = _stacks(question, scale, choice, catalogue)
    apps = catalogue.apps_of(question.workload)
    for stack_name, stack in stacks.items():
        _check_endpoints(question, stack_name, apps[stack.app], endpoints, catalogue)
    cells = [
        QuestionCell(
            stack=stack_name, point=point, variant=variant_name(question, stack_name, point),
            settings=_settings(question, stack_name, stack, apps[stack.app], point, choice),
        )
        for point in points
        for stack_name, stack in stacks.items()
    ]  # fmt: skip
    plan = QuestionPlan(
        name=name,
        title=question.title,
        decision=question.decision,
        scale=choice.scale,
        swept=question.sweep.of,
        distribution=_distribution(question),
        upstream_ms=question.upstream_ms,
        points=points,
        baseline=question.baseline if question.baseline in stacks else next(iter(stacks)),
        stacks=[_planned_stack(one, stacks, apps) for one in stacks],
        cells=cells,
    )
    trials = scale.trials if choice.trials is None else choice.trials
    return _experiment(question, scale, endpoints, plan, trials), plan


def _planned_stack(
    name: str, stacks: Mapping[str, Stack], apps: Mapping[str, CataloguedApp]
) -> PlannedStack:
    stack = stacks[name]
    return PlannedStack(
        name=name,
        app=stack.app,
        title=stack.title or apps[stack.app].spec.title,
        reason=stack.reason,
        follows={key: how.reason for key, how in stack.follows.items()},
        more_of=stack.more_of if stack.more_of in stacks else None,
    )


def _check_workload(question: QuestionFile, endpoints: list[str], catalogue: Catalogue) -> None:
    """Raise TestbedError if the workload lacks an endpoint, or asks no service to be slowed."""
    workload = catalogue.workload(question.workload)
    for endpoint in endpoints:
        if endpoint not in workload.endpoints:
            what = f"endpoint of workload {question.workload}:"
            raise unknown(what, endpoint, workload.endpoints, place=("endpoints",))
    if UPSTREAM not in workload.services and (
        question.sweep.of == UPSTREAM or question.upstream_ms is not None
    ):
        at = ("upstream_ms",) if question.upstream_ms is not None else ("sweep",)
        raise TestbedError(
            f"workload {question.workload} asks no other service, so there is no latency to set",
            remedy="sweep a setting, or name a workload with services: [upstream]",
            place=at,
        )


def _scale(question: QuestionFile, name: Scale) -> ScaleOf:
    if name not in question.scales:
        raise TestbedError(
            f"--scale: this question has no scale {name}",
            remedy=f"it has: {', '.join(question.scales)}",
        )
    return question.scales[name]


def _endpoints(question: QuestionFile, scale: ScaleOf, choice: Choice) -> list[str]:
    for endpoint in choice.endpoints or []:
        if endpoint not in question.endpoints:
            raise unknown("endpoint of this question:", endpoint, question.endpoints)
    return list(choice.endpoints or scale.endpoints or question.endpoints)


def _points(question: QuestionFile, scale: ScaleOf, choice: Choice) -> list[Point]:
    """Return the points in their order; those of the command line are read as the file's are."""
    if choice.points is None:
        return in_order(list(scale.points))
    found: list[Point] = []
    for text in choice.points:
        try:
            point = as_point(_number(text))
            problem = question.point_problem(point)
        except ValueError as error:
            raise TestbedError(f"--points: {shown(text)}: {error}") from error
        if problem or point in found:
            raise TestbedError(f"--points: {shown(text)}: {problem or 'is named twice'}")
        found.append(point)
    if len(found) > MOST_POINTS:
        raise TestbedError(f"--points: {len(found)} points; {MOST_POINTS} can be asked about")
    return in_order(found)


def _number(text: str) -> float | str:
    """Return the text as a number; if it is not written as one, return it as it is."""
    try:
        return number(text)
    except ValueError:
        return text


def _distribution(question: QuestionFile) -> str | None:
    if question.sweep.of != UPSTREAM:
        return None
    sweep = question.sweep
    return "constant" if sweep.sigma is None else f"log-normal, sigma {sweep.sigma:g}"


def _stacks(
    question: QuestionFile, scale: ScaleOf, choice: Choice, catalogue: Catalogue
) -> dict[str, Stack]:
    """Return the chosen stacks by name. A further app of the workload is a stack as it is."""
    apps = catalogue.apps_of(question.workload)
    found = {}
    for name in choice.stacks or scale.stacks or question.stacks:
        if name in question.stacks:
            found[name] = question.stacks[name]
        elif name in apps:
            found[name] = Stack(app=name, reason=AS_IT_IS)
        else:
            known = dict.fromkeys([*question.stacks, *apps])
            raise unknown(f"stack, or app of workload {question.workload}:", name, known)
    for name, stack in found.items():
        if stack.app not in apps:
            what = f"app of workload {question.workload}:"
            raise unknown(what, stack.app, apps, place=("stacks", name, "app"))
    return found


def _check_endpoints(
    question: QuestionFile,
    name: str,
    app: CataloguedApp,
    endpoints: Sequence[str],
    catalogue: Catalogue,
) -> None:
    for endpoint in endpoints:
        parts = catalogue.workload(app.workload).parts(endpoint)
        lacking = [part for part in parts if part not in app.spec.endpoints]
        if lacking:
            mix = "" if lacking == [endpoint] else f", which {endpoint} asks for"
            raise TestbedError(
                f"{app.name} serves no {' and no '.join(lacking)}{mix}",
                remedy=f"leave out the stack {name} (--stacks) or the endpoint (--endpoints)",
                place=("stacks", name, "app") if name in question.stacks else ("endpoints",),
            )


def _settings(
    question: QuestionFile,
    name: str,
    stack: Stack,
    app: CataloguedApp,
    point: Point,
    choice: Choice,
) -> Settings:
    """Return the settings of a stack at a point, as far as they differ from the app's defaults.

    Raises TestbedError, with its place in the file, for a setting or value that the app lacks.
    """
    found: Settings = {}
    for setting, value, place in _chosen(question, name, stack, point):
        declared = app.spec.settings
        if setting not in declared:
            raise unknown(f"setting of {app.name}:", setting, declared, place=place)
        if problem := app.spec.setting_problem(setting, value):
            told = f"setting {setting} of {app.name} cannot be {shown(value)}"
            if setting == question.sweep.setting and choice.points is not None:
                raise TestbedError(f"--points: {told}", remedy=problem)
            if setting == question.sweep.setting:
                place = ("scales", choice.scale, "points")
            raise TestbedError(told, remedy=problem, place=place)
        found[setting] = value
    return found


def _chosen(
    question: QuestionFile, name: str, stack: Stack, point: Point
) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    """Yield each setting that a stack has at a point, its value, and where that stands."""
    for setting, value in stack.settings.items():
        yield setting, value, ("stacks", name, "settings", setting)
    for setting, how in stack.follows.items():
        place = ("stacks", name, "follows", setting)
        if how.rule is not None and not isinstance(point, str):
            yield setting, how.rule.value(point), (*place, "rule")
        elif point_text(point) in how.values:
            yield setting, how.values[point_text(point)], (*place, "values", point_text(point))
        else:
            raise TestbedError(
                f"says no value of {setting} at {point_text(point)}",
                remedy=f'add "{point_text(point)}" to its values, or give a rule',
                place=(*place, "values"),
            )
    if question.sweep.setting is not None:
        value = point if isinstance(point, str) else int(point)
        yield question.sweep.setting, value, ("sweep", "setting")


def variant_name(question: QuestionFile, stack: str, point: Point) -> str:
    """Return the name of the variant of a stack at a point, as 'django_wsgi_50ms'.

    Raises TestbedError if it is longer than names can be.
    """
    unit = "ms" if question.sweep.of == UPSTREAM else ""
    text = re.sub(r"[^a-z0-9]+", "_", point_text(point).lower()).strip("_")
    name = f"{stack}_{text}{unit}"
    if len(name) > LONGEST_NAME:
        raise TestbedError(
            f"'{name}', its name at {point_text(point)}, is longer than {LONGEST_NAME} characters",
            remedy="give the stack a shorter name",
            place=("stacks", stack) if stack in question.stacks else (),
        )
    return name


def _experiment(
    question: QuestionFile,
    scale: ScaleOf,
    endpoints: list[str],
    plan: QuestionPlan,
    trials: int,
) -> Experiment:
    """Return the experiment.

    Raises TestbedError if two cells would be one variant, or if its load is not sound.
    """
    variants: dict[str, Any] = {}
    for cell in plan.cells:
        app = plan.stack(cell.stack).app
        if cell.variant in variants:
            raise _not_unique(cell, plan, question)
        variants[cell.variant] = {
            "apps": [app],
            "app_settings": {app: cell.settings},
        } | _upstream(question, cell.point)
    try:
        found = Experiment.model_validate(
            {
                "schema_version": 1,
                "title": question.title,
                "description": question.decision,
                "workload": question.workload,
                "apps": list(dict.fromkeys(one.app for one in plan.stacks)),
                "endpoints": endpoints,
                "variants": variants,
                "trials": trials,
                "load": _load(question, scale),
            }
        )
        loads.check(found)
        return found
    except ValidationError as error:
        reasons = "; ".join(str(item["msg"]) for item in error.errors())
        raise TestbedError(
            f"at scale {plan.scale} its load is not sound: {reasons}",
            place=("scales", plan.scale),
        ) from error


def _not_unique(cell: QuestionCell, plan: QuestionPlan, question: QuestionFile) -> TestbedError:
    """Return the error for a cell whose variant would have the name of an earlier one."""
    first = next(one for one in plan.cells if one.variant == cell.variant)
    if first.stack == cell.stack:
        both = f"{shown(point_text(first.point))} and {shown(point_text(cell.point))}"
        return TestbedError(
            f"the points {both} differ only in characters that names cannot have",
            remedy="ask about them one at a time: --points",
        )
    return TestbedError(
        f"two stacks have the name '{cell.variant}' at a point",
        remedy="rename one of them",
        place=("stacks", cell.stack) if cell.stack in question.stacks else (),
    )


def _upstream(question: QuestionFile, point: Point) -> dict[str, Any]:
    """Return what a variant says of the other service; nothing if the question does not."""
    if question.sweep.of == UPSTREAM:
        varies = {"distribution": question.sweep.distribution, "sigma": question.sweep.sigma}
        return {
            UPSTREAM: {"latency_ms": point} | (varies if point and question.sweep.sigma else {})
        }
    return {} if question.upstream_ms is None else {UPSTREAM: {"latency_ms": question.upstream_ms}}


def _load(question: QuestionFile, scale: ScaleOf) -> dict[str, Any]:
    search, objective = question.search, question.objective
    capacity = {
        "from_rps": search.from_rps,
        "to_rps": search.to_rps,
        "p99_ms": objective.p99_ms,
        "errors_percent": objective.errors_percent,
        "precision_percent": scale.precision_percent,
        "most_probes": scale.most_probes,
    }
    return {
        "mode": "capacity",
        "capacity": capacity,
        "connections": search.connections,
        "threads": search.threads,
        "duration_s": scale.duration_s,
        "warmup_s": scale.warmup_s,
        "timeout_s": search.timeout_s,
        "arrivals": search.arrivals,
    }
