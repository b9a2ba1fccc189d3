"""Make of an experiment the factorial that tells why two of its apps differ. Pure functions."""

from collections.abc import Sequence
from typing import Any

from testbed.asked import factorial
from testbed.asked.catalogue import Catalogue, unknown
from testbed.asked.factors import Differing, Settings, Side, differing
from testbed.asked.plan import plan, served
from testbed.errors import TestbedError
from testbed.model.experiment import Experiment, Variant
from testbed.model.why import FRAMEWORK, FactorialCell, Why

UNEQUAL = "Each cell of a factorial has the workers that it asks about."


def factorial_of(
    experiment: Experiment,
    catalogue: Catalogue,
    app: str,
    against: str,
    names: Sequence[str] | None,
) -> tuple[Experiment, Why]:
    """Return the experiment whose variants are the cells of the factorial, and what they are.

    The settings as published are those that the experiment gives both apps. An odd number of trials
    is raised by one, so that each block has its mirror image. Raises TestbedError for apps, factors
    or loads of which no factorial can be made.
    """
    asked = _of_both(experiment, catalogue, app, against)
    known = catalogue.apps_of(experiment.workload)
    runs = plan(asked, catalogue, 0)
    ours, theirs = (
        Side(known[name], next(run.settings for run in runs if run.app == name))
        for name in (app, against)
    )
    between = differing(ours, theirs, names)
    of_factors = [factor.name for factor in between.factors]
    words = factorial.generators(of_factors)
    (as_published,) = asked.variants.values()
    cells, variants = _cells(between, factorial.cells(of_factors, words), as_published)
    changed = {
        "variants": variants,
        "trials": asked.trials + asked.trials % 2,
        "unequal_workers": asked.unequal_workers or UNEQUAL,
    }
    why = Why(
        app=app,
        against=against,
        titles={name: known[name].spec.title for name in (app, against)},
        factors=between.factors,
        cells=cells,
        generators=words,
        within_framework=between.within_framework,
    )
    return asked.model_copy(update=changed), why


def _of_both(experiment: Experiment, catalogue: Catalogue, app: str, against: str) -> Experiment:
    """Return the experiment for these two apps, and for the endpoints that both serve."""
    if experiment.load.mode == "ramp":
        raise TestbedError(
            "a ramp has several loads, and each could have other reasons",
            remedy="name an experiment of one load: saturation, constant_rate or capacity",
            place=("load", "mode"),
        )
    known = catalogue.apps_of(experiment.workload)
    for name in (app, against):
        if name not in known:
            raise unknown(f"app of workload {experiment.workload}:", name, known)
    if app == against:
        raise TestbedError("--app and --against name the same app", remedy="name two apps")
    variants = {
        name: variant
        for name, variant in experiment.variants.items()
        if variant.apps is None or {app, against} <= set(variant.apps)
    }
    if len(variants) != 1:
        raise TestbedError(
            f"{len(variants)} variants of the experiment are for both {app} and {against}; one "
            "says how they are as published",
            remedy="keep one variant in the experiment's file",
            place=("variants",),
        )
    asked = experiment.model_copy(update={"apps": [app, against], "variants": variants})
    ours, theirs = (served(asked, catalogue, known[name]) for name in (app, against))
    endpoints = [endpoint for endpoint in ours if endpoint in theirs]
    if not endpoints:
        raise TestbedError(
            f"{app} and {against} serve none of the experiment's endpoints both",
            remedy="name an endpoint that both serve: --endpoints",
            place=("endpoints",),
        )
    return asked.model_copy(update={"endpoints": endpoints})


def _cells(
    between: Differing, every: list[frozenset[str]], as_published: Variant
) -> tuple[list[FactorialCell], dict[str, Variant]]:
    """Return the cells, and the variants in which they are measured.

    Cells in which an app has the same settings are one measurement. What a variant says besides
    apps and settings is that of the one as published.
    """
    measured: dict[tuple[str, tuple[tuple[str, Any], ...]], str] = {}
    settings: dict[str, dict[str, Settings]] = {}
    cells = []
    for as_app in every:
        side = between.app if FRAMEWORK in as_app else between.against
        of_cell = between.settings(side, as_app)
        key = (side.name, tuple(sorted(of_cell.items())))
        bits = "".join("01"[factor.name in as_app] for factor in between.factors)
        variant = measured.setdefault(key, f"x{bits}")
        settings.setdefault(variant, {})[side.name] = of_cell
        cells.append(FactorialCell(as_app=sorted(as_app), app=side.name, variant=variant))
    variants = {
        name: as_published.model_copy(
            update={"apps": list(of_apps), "settings": {}, "app_settings": of_apps}
        )
        for name, of_apps in sorted(settings.items())
    }
    return cells, variants
