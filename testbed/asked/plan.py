"""Turn an experiment into the ordered list of its runs.

The functions are pure: the same seed gives the same plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from testbed.asked.catalogue import Catalogue, unknown
from testbed.asked.order import balanced_orders
from testbed.errors import TestbedError
from testbed.model.catalogue import CataloguedApp
from testbed.model.experiment import Experiment, LoadSpec, PlannedRun, Variant
from testbed.model.mix import Mix
from testbed.model.service import ServiceName
from testbed.model.upstream import Upstream
from testbed.numbers import written_out
from testbed.texts import shown, shown_name
from testbed.tools import generators

UPSTREAM: ServiceName = "upstream"
MOST_RUNS = 10_000  # even the shortest runs would then take more than a day


@dataclass(frozen=True)
class Cell:
    """What is compared: one app, one endpoint, one variant."""

    app: CataloguedApp
    endpoint: str
    variant: str
    settings: dict[str, Any]
    upstream: Upstream | None  # None: the workload asks no other service


def plan(experiment: Experiment, catalogue: Catalogue, seed: int) -> list[PlannedRun]:
    """Return every app, endpoint and variant once per trial, in orders that are balanced by lot.

    testbed/asked/order.py says how, so that a host that warms up or slows down over hours affects
    all apps alike. The steps of a ramp rise within their cell. Of a capacity search, only the first
    probe of each cell is planned; testbed/asked/capacity.py decides which follow. Raises
    TestbedError for apps, endpoints or settings that the workload or its apps do not have.
    """
    cells = _cells(experiment, catalogue)
    asked = dict.fromkeys(cell.endpoint for cell in cells)
    steps = {endpoint: _loads_of(endpoint, experiment, catalogue) for endpoint in asked}
    count = experiment.trials * sum(len(steps[cell.endpoint]) for cell in cells)
    if count > MOST_RUNS:
        raise TestbedError(
            f"{count:,} runs; a campaign has {MOST_RUNS:,} at most",
            remedy="fewer trials, steps, variants, endpoints or apps",
        )
    runs: list[PlannedRun] = []
    orders = balanced_orders(len(cells), experiment.trials, seed)
    for trial, order in enumerate(orders, start=1):
        for number in order:
            for step, load in steps[cells[number].endpoint]:
                runs.append(planned_run(len(runs) + 1, cells[number], trial, step, load))
    return runs


def _loads_of(
    endpoint: str, experiment: Experiment, catalogue: Catalogue
) -> list[tuple[str, LoadSpec]]:
    """Return the loads of each cell of an endpoint, as `loads` does.

    Raises TestbedError if the generator cannot ask what the endpoint needs.
    """
    workload = catalogue.workload(experiment.workload)
    methods = {part.method for part in workload.parts(endpoint).values()}
    in_turn = workload.asks_in_turn(endpoint)
    spec, problem = generators.asking(experiment.load, set(methods), in_turn=in_turn)
    if problem:
        mixed = isinstance(workload.endpoints[endpoint], Mix)
        why = " is a mix of several" if mixed else " draws its values" if in_turn else ""
        raise TestbedError(f"endpoint {endpoint}{why}: {problem}", place=("load", "generator"))
    return loads(spec)


def loads(spec: LoadSpec) -> list[tuple[str, LoadSpec]]:
    """Return the loads of each cell, each with the part of a run's id that identifies it."""
    whole = generators.settled(spec)
    if spec.ramp:
        return [(f"-{spec.ramp.of[0]}{n}", whole.step(n)) for n in spec.ramp.steps]
    if spec.capacity:
        return [(f"-r{written_out(spec.capacity.from_rps)}", whole.at(spec.capacity.from_rps))]
    return [("", spec)]


def planned_run(number: int, cell: Cell, trial: int, step: str, load: LoadSpec) -> PlannedRun:
    """Return a run with its id: position, cell, trial and, if there are several, step."""
    return PlannedRun(
        run_id=f"{number:03d}-{cell.app.name}-{cell.endpoint}-{cell.variant}-t{trial}{step}",
        app=cell.app.name,
        endpoint=cell.endpoint,
        variant=cell.variant,
        settings=cell.settings,
        trial=trial,
        load=load,
        upstream=cell.upstream,
    )


def _cells(experiment: Experiment, catalogue: Catalogue) -> list[Cell]:
    """Return the cells to measure.

    An app is left out of endpoints that it does not serve, and of variants for other apps.
    """
    apps = _chosen_apps(experiment, catalogue)
    _check_upstream(experiment, catalogue)
    cells = [
        Cell(
            app,
            endpoint,
            name,
            _settings(app, name, variant),
            _upstream(experiment, variant, catalogue),
        )
        for app in apps
        for endpoint in experiment.endpoints
        for name, variant in experiment.variants.items()
        if not _lacking(app, endpoint, catalogue)
        and (variant.apps is None or app.name in variant.apps)
    ]
    if experiment.apps is not None or not cells:
        for endpoint in experiment.endpoints:
            _check_parts(apps, endpoint, catalogue)
    if not cells:
        raise TestbedError(
            "there is nothing to run",
            remedy="none of the chosen apps serves any of the chosen endpoints",
            place=("endpoints",),
        )
    if experiment.apps is not None:
        _check_all_run(apps, cells, experiment)
    return cells


def _check_all_run(
    apps: Sequence[CataloguedApp], cells: Sequence[Cell], experiment: Experiment
) -> None:
    """Raise TestbedError for an app that was named and would have no run.

    Without this, it would silently be no part of the comparison.
    """
    running = {cell.app.name for cell in cells}
    for app in apps:
        if app.name in running:
            continue
        if any(one.apps is None or app.name in one.apps for one in experiment.variants.values()):
            why = f"it serves no {' and no '.join(experiment.endpoints)}"
            instead = f"choose what it serves: {', '.join(app.spec.endpoints)}"
        else:
            why, instead = "no variant is for it", "name it in a variant's apps"
        raise TestbedError(
            f"{app.name} has nothing to run: {why}",
            remedy=f"leave it out of the apps, or {instead}",
            place=("apps",),
        )


def served(experiment: Experiment, catalogue: Catalogue, app: CataloguedApp) -> list[str]:
    """Return which of the experiment's endpoints an app serves.

    Raises TestbedError for an endpoint that the workload lacks, and for a mix of which the app
    serves some parts.
    """
    _check_endpoints(experiment, catalogue)
    for endpoint in experiment.endpoints:
        _check_parts([app], endpoint, catalogue)
    return [one for one in experiment.endpoints if not _lacking(app, one, catalogue)]


def left_out(experiment: Experiment, runs: Sequence[PlannedRun]) -> list[str]:
    """Return a sentence for each app that is not asked all endpoints, as it does not serve all."""
    asked: dict[str, set[str]] = {}
    for run in runs:
        asked.setdefault(run.app, set()).add(run.endpoint)
    return [
        f"{app} serves no {' and no '.join(lacking)}: it is left out there"
        for app, served in sorted(asked.items())
        if (lacking := [one for one in experiment.endpoints if one not in served])
    ]


def _check_upstream(experiment: Experiment, catalogue: Catalogue) -> None:
    """Raise TestbedError for a latency of the other service that no run could have.

    Its workload asks no other service, or its requests time out before that service answers.
    """
    told: dict[tuple[str, ...], Upstream | None] = {
        ("upstream",): experiment.upstream,
        **{("variants", name, "upstream"): one.upstream
           for name, one in experiment.variants.items()},
    }  # fmt: skip
    asked = {place: upstream for place, upstream in told.items() if upstream is not None}
    if asked and UPSTREAM not in catalogue.workload(experiment.workload).services:
        raise TestbedError(
            f"workload {experiment.workload} asks no other service, which this is about",
            remedy="leave it out, or add upstream to the services in its workload.yml",
            place=next(iter(asked)),
        )
    for place, upstream in asked.items():
        if upstream.latency_ms >= 1000 * experiment.load.timeout_s:
            raise TestbedError(
                f"the other service takes {upstream.words}, and requests time out after "
                f"{experiment.load.timeout_s:g} s: none that asks it could be answered",
                remedy="take a shorter latency_ms, or a longer timeout_s in load",
                place=place,
            )


def _upstream(experiment: Experiment, variant: Variant, catalogue: Catalogue) -> Upstream | None:
    """Return how long the other service takes in a variant; None if the workload asks none."""
    if UPSTREAM not in catalogue.workload(experiment.workload).services:
        return None
    return variant.upstream or experiment.upstream or Upstream()


def _check_parts(apps: list[CataloguedApp], endpoint: str, catalogue: Catalogue) -> None:
    """Raise TestbedError if an app serves some parts of a mix, and not all of them.

    Without this, an app that was named would silently be no part of the comparison.
    """
    for app in apps:
        lacking = _lacking(app, endpoint, catalogue)
        if lacking and len(lacking) < len(catalogue.workload(app.workload).parts(endpoint)):
            raise TestbedError(
                f"{app.name} serves no {' and no '.join(lacking)}, which the mix {endpoint} asks "
                "for",
                remedy=f"add it to the endpoints of {shown_name(app.file)}, or leave the app or "
                "the mix out",
                place=("endpoints",),
            )


def _lacking(app: CataloguedApp, endpoint: str, catalogue: Catalogue) -> list[str]:
    """Return what an app does not serve of an endpoint: parts of a mix, or the endpoint itself.

    Return an empty list if it serves all of it.
    """
    parts = catalogue.workload(app.workload).parts(endpoint)
    return [part for part in parts if part not in app.spec.endpoints]


def _check_endpoints(experiment: Experiment, catalogue: Catalogue) -> None:
    known = catalogue.workload(experiment.workload).endpoints
    for endpoint in experiment.endpoints:
        if endpoint not in known:
            what = f"endpoint of workload {experiment.workload}:"
            raise unknown(what, endpoint, known, place=("endpoints",))


def _chosen_apps(experiment: Experiment, catalogue: Catalogue) -> list[CataloguedApp]:
    known = catalogue.apps_of(experiment.workload)
    _check_endpoints(experiment, catalogue)
    for variant_name, variant in experiment.variants.items():
        for name in [*(variant.apps or []), *variant.app_settings]:
            if name not in known:
                what = f"app of workload {experiment.workload} in variant '{variant_name}':"
                raise unknown(what, name, known, place=("variants", variant_name))
    names = list(known) if experiment.apps is None else experiment.apps
    for name in names:
        if name not in known:
            what = f"app of workload {experiment.workload}:"
            raise unknown(what, name, known, place=("apps",))
    return [known[name] for name in names]


def _settings(app: CataloguedApp, variant_name: str, variant: Variant) -> dict[str, Any]:
    """Return the app's settings in a variant. Raises TestbedError for an undeclared setting."""
    chosen = variant.settings | variant.app_settings.get(app.name, {})
    for name, value in chosen.items():
        own = name in variant.app_settings.get(app.name, {})
        inner = ("app_settings", app.name) if own else ("settings",)
        place = ("variants", variant_name, *inner, name)
        if name not in app.spec.settings:
            what = f"setting of {app.name} in variant '{variant_name}':"
            raise unknown(what, name, app.spec.settings, place=place)
        if problem := app.spec.setting_problem(name, value):
            raise TestbedError(
                f"{app.name}, variant '{variant_name}': setting {name} cannot be {shown(value)}",
                remedy=problem,
                place=place,
            )
    return app.defaults() | chosen


def workers(
    runs: list[PlannedRun], apps: Mapping[str, CataloguedApp]
) -> dict[tuple[str, str], dict[str, int]]:
    """Return the number of workers of each app, by the endpoint and variant of its comparison.

    It is the value of the setting with that role. An app without such a setting is left out.
    """
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for run in runs:
        if (count := apps[run.app].spec.workers_of(run.settings)) is not None:
            counts.setdefault((run.endpoint, run.variant), {})[run.app] = count
    return counts
