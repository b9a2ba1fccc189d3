"""Find experiment files by name or path, check them, and apply the command line's options."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from testbed.asked import loads, yamlfile
from testbed.asked.catalogue import unknown
from testbed.errors import Place, TestbedError
from testbed.model.experiment import Experiment
from testbed.model.kinds import PER_CPU
from testbed.paths import ROOT
from testbed.texts import is_plain, shown_name

LONGEST_STEM = 64
EXPERIMENTS_FOLDER = ROOT / "experiments"

# the place in an experiment, by command-line option
OPTIONS: dict[str, tuple[str, ...]] = {
    "apps": ("apps",),
    "endpoints": ("endpoints",),
    "trials": ("trials",),
    "generator": ("load", "generator"),
    "rate": ("load", "rate_rps"),
    "connections": ("load", "connections"),
    "threads": ("load", "threads"),
    "duration": ("load", "duration_s"),
    "warmup": ("load", "warmup_s"),
    "timeout": ("load", "timeout_s"),
    "timeout_from": ("load", "timeout_from"),
    "good_within": ("load", "good_within_ms"),
    "arrivals": ("load", "arrivals"),
    "most_probes": ("load", "capacity", "most_probes"),
    "telemetry_interval": ("telemetry_interval_s",),
}


def find(name: str) -> Path:
    """Return the file of an experiment, given as a path or as a name in `experiments/`.

    Raises TestbedError, which names the most similar known experiment.
    """
    if name.endswith((".yml", ".yaml")):
        path = Path(name)
        # the campaign's folder and its report are named after the file
        if len(path.stem) > LONGEST_STEM or not all(map(is_plain, path.stem)):
            raise TestbedError(
                f"{shown_name(path)}: an experiment's file name has up to {LONGEST_STEM} printable "
                "characters, as its campaign is named after it"
            )
        return path
    known = {path.stem: path for path in EXPERIMENTS_FOLDER.glob("*.yml")}
    if name not in known:
        raise unknown("experiment", name, known, also="a file's name ends in .yml")
    return known[name]


def load(path: Path) -> Experiment:
    """Return the checked experiment. Raises TestbedError with file, line and key of each error."""
    return yamlfile.load(path, Experiment, loads.check)


@contextmanager
def placed(path: Path, overridden: Sequence[str]) -> Iterator[None]:
    """Add to an error in the block where the wrong value stands: file and line, or the option.

    `overridden` are the keys that options changed, as `override` returns them.
    """
    try:
        yield
    except TestbedError as error:
        of_the_place = [key for key in overridden if _key(error.place[: key.count(".") + 1]) == key]
        if not of_the_place:
            with yamlfile.placed(path):
                raise
        option = _options_near(error.place, of_the_place)
        raise TestbedError(f"{option}: {error.message}", remedy=error.remedy) from error


def recorded(asked: dict[str, Any], path: Path) -> Experiment:
    """Return the experiment that a campaign's file records. Raises TestbedError if invalid."""
    try:
        return _checked(asked)
    except ValidationError as error:
        item = error.errors()[0]
        key = ".".join(shown_name(part) for part in ("asked", *item["loc"]))
        raise TestbedError(
            f"{shown_name(path)}: {key}: {yamlfile.problem_of(item)}",
            remedy="it was edited, or recorded by a testbed that took this; start a new campaign",
        ) from error


def _checked(data: dict[str, Any]) -> Experiment:
    experiment = Experiment.model_validate(data)
    loads.check(experiment)
    return experiment


def for_cpus(experiment: Experiment, cpus: int) -> Experiment:
    """Return the experiment with every 'N per cpu' in its settings replaced by a number."""

    def number(value: str | int) -> str | int:
        asked = PER_CPU.fullmatch(value) if isinstance(value, str) else None
        return int(asked.group(1)) * cpus if asked else value

    def numbers(settings: dict[str, str | int]) -> dict[str, str | int]:
        return {name: number(value) for name, value in settings.items()}

    variants = {
        name: variant.model_copy(
            update={
                "settings": numbers(variant.settings),
                "app_settings": {
                    app: numbers(settings) for app, settings in variant.app_settings.items()
                },
            }
        )
        for name, variant in experiment.variants.items()
    }
    return experiment.model_copy(update={"variants": variants})


def override(experiment: Experiment, options: dict[str, Any]) -> tuple[Experiment, list[str]]:
    """Return the experiment with command-line options applied, and the keys that they changed.

    An option that is None was not given. If `--connections` alone asks for fewer connections than
    threads, the number of threads is reduced as well, as the user asked for exactly that. Raises
    TestbedError, which names the option, if the result is not a valid experiment.
    """
    data = experiment.model_dump()
    spec = data["load"]
    changed = []
    for option, value in options.items():
        if value is None:
            continue
        *parents, key = OPTIONS[option]
        target = data
        for parent in parents:
            target = target[parent]
        if target is None:
            raise TestbedError(f"{_name(option)} is for the mode {parent}, not {spec['mode']}")
        if target[key] != value:
            target[key] = value
            changed.append(_key(OPTIONS[option]))
    typed = [*changed]
    if options.get("threads") is None and spec["threads"] > spec["connections"] > 0:
        spec["threads"] = spec["connections"]
        changed.append("load.threads")
    try:
        return _checked(data), changed
    except ValidationError as error:
        problems = [
            f"{_options_near(item['loc'], typed)}: {yamlfile.problem_of(item, 'given')}"
            for item in error.errors()
        ]
        raise TestbedError("\n".join(problems)) from error


def _options_near(place: Place, changed: Sequence[str]) -> str:
    """Return which of the options that changed these keys are at fault for an error at a place.

    They are those that set what stands there, or else what stands nearest to it: the experiment
    was sound without them.
    """
    for depth in range(len(place), -1, -1):
        near = [
            _name(option)
            for option, key in OPTIONS.items()
            if _key(key) in changed and key[:depth] == place[:depth]
        ]
        if near:
            return ", ".join(near)
    return _key(place)


def _key(place: Place) -> str:
    return ".".join(map(str, place))


def _name(option: str) -> str:
    return f"--{option.replace('_', '-')}"
