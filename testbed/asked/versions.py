"""Put two versions of an app side by side, as two apps, and say in what they differ.

Both are copied into one apps folder, NAME_old and NAME_new, from which they are deployed and
measured like any other app. The folder is kept with the results, so that what was measured can be
looked at, and a campaign resumed.
"""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from testbed.asked import app_code, catalogue, yamlfile
from testbed.errors import TestbedError
from testbed.facts import flat
from testbed.model.campaign import Version, Versions
from testbed.model.catalogue import APP_FILE, App, CataloguedApp
from testbed.model.experiment import Experiment, Variant
from testbed.model.requirements import Requirements
from testbed.texts import masked, shown_name

MOST_NAMED = 20  # differing files
LONGEST_NAME = 31
LONGEST_TITLE = 120
CODE = "code"  # the folder of a version's code, beside its app.yml
NOTHING = "none"
TOLD_ELSEWHERE = ("title", "description", "code", "schema_version")


@dataclass(frozen=True)
class Source:
    """One version of an app as the user named it."""

    said: str
    commit: str | None  # None: a folder
    file: Path  # its app.yml
    spec: App
    code: Path
    requirements: Requirements | None

    @property
    def beside(self) -> list[Path]:
        """The files besides the code's that are deployed: app.yml first."""
        return catalogue.beside_code(self.file, self.code, self.requirements)

    @classmethod
    def read(cls, folder: Path, said: str, commit: str | None = None) -> "Source":
        """Return the version in a folder. Raises TestbedError if it is no app that can be deployed.

        The error names the file.
        """
        file = folder / APP_FILE
        if not file.is_file():
            where = f" at revision {shown_name(said)}" if commit else ""
            raise TestbedError(
                f"{shown_name(folder.name if commit else said)}: no {APP_FILE} in this "
                f"folder{where}",
                remedy="name the folder of one app, with its app.yml and code",
            )
        spec = yamlfile.load(file, App)
        code = catalogue.code_folder(file, spec)
        app_code.files_of(code)  # what cannot be deployed is named before anything is made
        return cls(said, commit, file, spec, code, catalogue.requirements_of(file, spec, code))


def side_by_side(app: CataloguedApp, old: Source, new: Source) -> Versions:
    """Return both versions with the names that they are deployed under, and what differs.

    For the same source twice, an app against itself, nothing does. Raises TestbedError if two
    sources are equal in all that is deployed.
    """
    differing = [] if old is new else differences(old, new)
    if not differing and old is not new:
        raise TestbedError(
            f"--old {shown_name(old.said)} and --new {shown_name(new.said)} are equal in all that "
            f"is deployed of {app.name}",
            remedy="name two versions; `fab run-aa` measures an app against itself",
        )
    return Versions(
        app=app.name,
        app_title=app.spec.title,
        old=Version(app=_name(app.name, "_old"), source=old.said, commit=old.commit),
        new=Version(app=_name(app.name, "_new"), source=new.said, commit=new.commit),
        differences=differing,
    )


def _name(name: str, mark: str) -> str:
    return f"{name[: LONGEST_NAME - len(mark)]}{mark}"


def lay_out(
    place: Path, app: CataloguedApp, named: Versions, old: Source, new: Source, own: Path | None
) -> None:
    """Make the apps folder `place` of both versions, and of all that the user's own folder has."""
    if own is not None:  # links are followed: an app's folder may be one
        try:
            shutil.copytree(own, place, ignore=_left_out)
        except shutil.Error as error:
            source, _, why = error.args[0][0]
            raise TestbedError(
                f"{shown_name(source)} cannot be copied: {why}",
                remedy="make it readable, or take it out of the apps folder",
            ) from error
    for version, source, mark in ((named.old, old, " (old)"), (named.new, new, " (new)")):
        folder = place / app.workload / version.app
        if folder.exists():
            raise TestbedError(
                f"workload {app.workload} has an app '{version.app}' already",
                remedy="rename it: run-ab deploys the versions under such names",
            )
        for path in app_code.files_of(source.code):
            target = folder / CODE / path.relative_to(source.code)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        for path in source.beside[1:]:
            target = folder / path.relative_to(source.file.parent.resolve())
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        title = source.spec.title[: LONGEST_TITLE - len(mark)] + mark
        data = source.spec.model_dump(mode="json", exclude_defaults=True)
        text = yaml.safe_dump(data | {"title": title, "code": CODE}, sort_keys=False)
        (folder / APP_FILE).write_text(text, encoding="utf-8")


def _left_out(folder: str, names: list[str]) -> list[str]:
    """Return the names in a folder that are not deployed.

    Besides hidden ones and caches, these are links that lead nowhere or in a circle, and pipes and
    devices, which could be copied without end.
    """
    return [
        name
        for name in names
        if name.startswith(".") or name == app_code.CACHES or not _can_be_copied(Path(folder), name)
    ]


def _can_be_copied(folder: Path, name: str) -> bool:
    path = folder / name
    circle = path.is_dir() and folder.resolve().is_relative_to(path.resolve())
    return path.is_file() or (path.is_dir() and not circle)


def experiment_of(experiment: Experiment, named: Versions) -> Experiment:
    """Return the experiment for both versions of the app, and for no other app.

    An odd number of trials is raised by one, so that each block AB has its mirror image BA.
    """
    both = [named.old.app, named.new.app]
    variants = {
        name: variant.model_copy(
            update={
                "apps": None if variant.apps is None else both,
                "app_settings": {app: _settings(variant, named.app) for app in both}
                if named.app in variant.app_settings
                else {},
            }
        )
        for name, variant in experiment.variants.items()
        if variant.apps is None or named.app in variant.apps
    }
    if not variants:
        raise TestbedError(f"no variant of the experiment is for {named.app}")
    return experiment.model_copy(
        update={
            "apps": both,
            "variants": variants,
            "trials": experiment.trials + experiment.trials % 2,
            "unequal_workers": experiment.unequal_workers
            or "Two versions of one app are compared as they are, with their workers.",
        }
    )


def _settings(variant: Variant, app: str) -> dict[str, str | int]:
    return dict(variant.app_settings[app])


def differences(old: Source, new: Source) -> list[str]:
    """Return a line for each difference: of files, of requirements, of the rest of app.yml.

    Titles and descriptions do not count. Return an empty list if nothing differs.
    """
    kinds = (
        _changes("app.yml: ", _declared(old), _declared(new)),
        _changes("requirements: ", _requirements(old), _requirements(new)),
    )
    named = list(_files(old, new))
    if len(named) > MOST_NAMED:
        named = [*named[:MOST_NAMED], f"… and {len(named) - MOST_NAMED} more files"]
    return [*named, *chain.from_iterable(kinds)]


def _declared(source: Source) -> dict[str, str]:
    data: dict[str, Any] = source.spec.model_dump(mode="json", exclude=set(TOLD_ELSEWHERE))
    found = {key: str(value) for key, value in data.items() if not isinstance(value, dict)}
    for key, value in data.items():
        if isinstance(value, dict):
            found |= dict(flat(key, value))
    return found


def _changes(kind: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for name in dict.fromkeys([*old, *new]):
        then, now = old.get(name, NOTHING), new.get(name, NOTHING)
        if then == now:
            continue
        told = f"{kind}{name}: {masked(then)} → {masked(now)}"
        secret = ", with another user or password" if masked(then) == masked(now) else ""
        yield f"{told}{secret}"


def _requirements(source: Source) -> dict[str, str]:
    return source.requirements.pins if source.requirements is not None else {}


def _files(old: Source, new: Source) -> Iterator[str]:
    then, now = _digests(old), _digests(new)
    for name in sorted({*then, *now}):
        if then.get(name) != now.get(name):
            what = "changed" if name in then and name in now else "new" if name in now else "gone"
            yield f"{what} file: {shown_name(name)}"


def _digests(source: Source) -> dict[str, tuple[str, int]]:
    """Return each file's digest and whether it may be executed; app.yml stands key by key."""
    found = {
        name: (digest, (source.code / name).stat().st_mode & 0o100)
        for name, digest in app_code.file_digests(source.code, *source.beside[1:]).items()
    }
    if source.code == source.file.parent.resolve():
        found.pop(APP_FILE, None)
    return found
