"""Read and check the apps folder: every workload with its apps."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic_core import InitErrorDetails

from testbed.asked import (
    app_code,
    apps_folder,
    expectations,
    request,
    requirements,
    serving,
    yamlfile,
)
from testbed.asked.workload_files import WORKLOAD_FILE
from testbed.errors import Place, TestbedError
from testbed.model import database, template
from testbed.model.base import wrong
from testbed.model.catalogue import App, CataloguedApp, Workload
from testbed.model.endpoint import Endpoint, Exchange
from testbed.model.kinds import Name
from testbed.model.mix import Mix
from testbed.model.request import Draws
from testbed.model.requirements import Requirements
from testbed.paths import ROOT
from testbed.texts import collapsed, nearest, shown_name
from testbed.validity import sql

APPS_FOLDER = ROOT / "apps"


@dataclass(frozen=True)
class Catalogue:
    """All workloads and apps of the apps folders."""

    folders: dict[str, Path]  # the folder with the workload.yml, by workload
    workloads: dict[str, Workload]
    apps: list[CataloguedApp]

    def workload(self, name: str) -> Workload:
        """Return the workload of that name. Raises TestbedError, which suggests a similar name."""
        if name not in self.workloads:
            raise unknown("workload", name, self.workloads, place=("workload",))
        return self.workloads[name]

    def apps_of(self, workload: str) -> dict[str, CataloguedApp]:
        """Return the workload's apps by name, in alphabetical order."""
        self.workload(workload)
        return {app.name: app for app in self.apps if app.workload == workload}

    def chosen(
        self, names: Sequence[str] | None, workload: str | None, own: str | Path | None
    ) -> list[CataloguedApp]:
        """Return the apps of these names, or all; of this workload, or of all.

        Without names, an `own` folder stands for the apps in it. Raises TestbedError for a name
        that no app has.
        """
        apps = self.apps if workload is None else [*self.apps_of(workload).values()]
        if names is None:
            home = None if own is None else Path(own).resolve()
            return [one for one in apps if home is None or home in Path(one.file).parents]
        known = {app.name for app in apps}
        for name in names:
            if name not in known:
                raise unknown("app" if workload is None else f"app of {workload}:", name, known)
        return [app for app in apps if app.name in names]


def unknown(
    what: str, name: str, known: Iterable[str], also: str = "", place: Place = ()
) -> TestbedError:
    """Return the error for an unknown name; it names the most similar known one, and all of them.

    `also` is one more remedy, `place` where the name stands in a file.
    """
    names = sorted(known)
    near = nearest(name, names)
    remedy = f"did you mean '{near}'? " if near else ""
    remedy += f"known: {', '.join(names) or 'none'}"
    return TestbedError(
        f"unknown {what} '{shown_name(name)}'",
        remedy=f"{remedy}; {also}" if also else remedy,
        place=place,
    )


def load(own: str | Path | None = None, *, project: Path = APPS_FOLDER) -> Catalogue:
    """Read every workload.yml and app.yml of the project, and of the user's `own` apps folder.

    The own folder has the same layout. It may add apps to the project's workloads (then it has no
    workload.yml for these), and it may have workloads of its own. Every file that they name is
    checked. Raises TestbedError with file, line and key of each error.
    """
    folders = [project, *([] if own is None else [apps_folder.own(own)])]
    layouts = [apps_folder.look(folder) for folder in folders]
    workload_files = [path for layout in layouts for path in layout.workloads]
    workloads: dict[str, Workload] = {}
    for path in workload_files:
        if path.parent.name in workloads:
            raise TestbedError(
                f"{shown_name(path)}: there is a workload '{path.parent.name}' already",
                remedy="give it another name, or leave workload.yml out to add apps to that one",
            )
        _check_name("workload", path.parent)
        workloads[path.parent.name] = _load_workload(path)
    apps: dict[str, CataloguedApp] = {}
    for path in [path for layout in layouts for path in layout.apps]:
        app = _load_app(path, workloads)
        if app.unit in apps:
            raise TestbedError(
                f"{shown_name(path)}: workload {app.workload} has an app '{app.name}' already",
                remedy="give its folder another name",
            )
        with yamlfile.placed(path, "title"):
            _check_title(app, apps.values())
        apps[app.unit] = app
    for folder, layout in zip(folders, layouts, strict=True):
        if layout.is_empty:
            raise TestbedError(
                f"{shown_name(folder)}: no workload.yml below this folder, and no app.yml",
                remedy="lay it out as <workload>/<app>/app.yml",
            )
    return Catalogue(
        {path.parent.name: path.parent for path in workload_files},
        workloads,
        sorted(apps.values(), key=lambda app: (app.workload, app.name)),
    )


_NAME: TypeAdapter[str] = TypeAdapter(Name)


def _check_name(what: str, folder: Path) -> None:
    try:
        _NAME.validate_python(folder.name)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise TestbedError(
            f"{shown_name(folder)}: the {what} is named after this folder, which {reason}"
        ) from error


def _load_workload(path: Path) -> Workload:
    """Return the workload. All files that it names have been checked."""
    workload = yamlfile.load(path, Workload)
    for name, endpoint in workload.endpoints.items():
        if isinstance(endpoint, Mix):
            continue
        exchanges: list[Endpoint | Exchange] = [endpoint, *endpoint.also]
        for number, asked in enumerate(exchanges):
            where: Place = ("endpoints", name, *(("also", number - 1) if number else ()))
            with yamlfile.placed(path, *where, "expect"):
                expectations.read(path.parent, asked.expect)
            if asked.send is not None:
                with yamlfile.placed(path, *where, "send"):
                    request.read_body(path.parent, asked.send, endpoint.draw)
    for key in ("dataset", "reset"):
        if (file := getattr(workload, key)) is not None:
            with yamlfile.placed(path, key):
                sql.read_file(path.parent, file)
    return workload


def _load_app(app_file: Path, workloads: dict[str, Workload]) -> CataloguedApp:
    workload = app_file.parent.parent.name
    if workload not in workloads:
        error = unknown("workload", workload, workloads)
        raise TestbedError(
            f"{shown_name(app_file)}: {error.message}, which its folder's name says",
            remedy=f"{error.remedy}; or write a workload.yml",
        )
    _check_name("app", app_file.parent)
    known = workloads[workload].endpoints
    spec = yamlfile.load(app_file, App, partial(_check_paths, known))
    if "postgresql" in workloads[workload].services:
        spec = _with_database(app_file, spec)
    for endpoint in spec.endpoints:
        with yamlfile.placed(app_file, "endpoints", endpoint):
            if endpoint not in known:
                raise unknown("endpoint", endpoint, known)
            if isinstance(mix := known[endpoint], Mix):
                raise TestbedError(
                    "is a mix, which has no path",
                    remedy=f"leave it out; an app that serves {', '.join(mix.mix)} serves the mix,"
                    " too",
                )
    folder = code_folder(app_file, spec)
    with yamlfile.placed(app_file, "serve"):
        serving.check(spec, folder, workload, workloads[workload])
    found = requirements_of(app_file, spec, folder)
    beside = beside_code(app_file, folder, found)
    with yamlfile.placed(app_file, "code"):
        digest = app_code.digest(folder, *beside)
    return CataloguedApp(
        workload=workload,
        name=app_file.parent.name,
        file=str(app_file.absolute()),
        folder=str(folder),
        beside=[str(path.absolute()) for path in beside],
        digest=digest,
        requirements=found,
        spec=spec,
    )


def _with_database(app_file: Path, spec: App) -> App:
    """Return the app with the settings of its database as well.

    They are the testbed's own, so that they mean the same for every app. Raises TestbedError if the
    app declares one of them itself.
    """
    variables = [setting.env for setting in database.SETTINGS.values()]
    taken = [("environment", name) for name in spec.environment if name in variables]
    taken += [
        ("settings", name)
        for name, setting in spec.settings.items()
        if name in database.SETTINGS or setting.env in variables
    ]
    for place in taken:
        with yamlfile.placed(app_file, *place):
            raise TestbedError(
                f"{', '.join(database.SETTINGS)} are settings of every app with a database, in the "
                f"variables {', '.join(variables)}",
                remedy="leave it out, or give yours another name",
            )
    return spec.model_copy(update={"settings": spec.settings | database.SETTINGS})


def _check_paths(known: Mapping[str, Mix | Endpoint], spec: App) -> None:
    """Raise ValidationError unless each path has placeholders of drawn values, and all are used."""
    problems = [
        InitErrorDetails(type=wrong(problem), loc=("endpoints", name), input=path)
        for name, path in spec.endpoints.items()
        if isinstance(endpoint := known.get(name), Endpoint)
        and (problem := _path_problem(path, endpoint))
    ]
    if problems:
        raise ValidationError.from_exception_data("App", problems)


def _path_problem(path: str, endpoint: Endpoint) -> str | None:
    """Return why an app cannot serve an endpoint at this path; None if it can."""
    in_path = template.names(path)
    if strange := [name for name in in_path if name not in endpoint.draw]:
        return f"{{{strange[0]}}} is drawn nowhere; declare it under draw, in {WORKLOAD_FILE}"
    for segment in path.partition("?")[0].split("/"):
        if template.names(segment) and (dots := _dots(segment, endpoint.draw)):
            return f"{segment} may be '{dots}', which clients take out before they ask"
    if idle := sorted(endpoint.draw.keys() - endpoint.used - set(in_path)):
        return (
            f"{WORKLOAD_FILE} draws {{{idle[0]}}} for each request, but neither this path nor the "
            "query, headers or body there use it"
        )
    return None


def _dots(segment: str, draws: Draws) -> str | None:
    """Return . or .. if drawn values can make that of a path's segment; None if they cannot."""
    found = {""}
    for literal, name in template.parts(segment):
        dots = literal.lower().replace("%2e", ".")
        values = {str(value) for value in draws[name].choices or []} if name else {""}
        found = {one + dots + value for one in found for value in values} & {"", ".", ".."}
    return min(found - {""}, default=None)


def requirements_of(app_file: Path, spec: App, code: Path) -> Requirements | None:
    """Return what the app's file of requirements asks for; None if it has none.

    Raises TestbedError, with file and line, if it does not say what is installed.
    """
    if spec.requirements is None:
        return None
    folder = requirements.folder_of(app_file.parent, code, spec.requirements)
    with yamlfile.placed(app_file, "requirements"):
        return requirements.read(folder, spec.requirements)


def beside_code(app_file: Path, code: Path, found: Requirements | None) -> list[Path]:
    """Return app.yml, and the files of requirements if they are not in the code's folder."""
    apart = found is not None and found.folder != code.resolve()
    return [app_file, *(found.files if found is not None and apart else [])]


def _check_title(app: CataloguedApp, others: Iterable[CataloguedApp]) -> None:
    """Raise TestbedError if another app of the workload has the same title, as it is read."""
    for other in others:
        same = collapsed(other.spec.title) == collapsed(app.spec.title)
        if same and other.workload == app.workload:
            raise TestbedError(
                f"'{app.spec.title}' is the title of {shown_name(other.file)}, too",
                remedy="charts and tables name apps by their titles: give it another one",
            )


def reset_unit(workload: str, folder: Path, reset: str) -> str:
    """Return the name of the unit that puts the workload's data back.

    It has a digest of the SQL file `reset`, whose path is relative to the workload's folder. Raises
    TestbedError if the file cannot be read.
    """
    content = sql.read_file(folder, reset).encode()
    return f"testbed-reset-{workload}-{hashlib.sha256(content).hexdigest()[:12]}.service"


def code_folder(app_file: Path, spec: App) -> Path:
    """Return the folder of the app's code: its own folder, or another one of its workload."""
    own = app_file.parent.resolve()
    folder = (own / spec.code).resolve()
    with yamlfile.placed(app_file, "code"):
        if not folder.is_dir():
            raise TestbedError(f"no folder '{spec.code}' there", remedy="relative to this file")
        if not any(map(folder.is_relative_to, (own, own.parent, app_file.parent.parent.resolve()))):
            raise TestbedError(
                f"'{spec.code}' leads to {shown_name(folder)}, outside of the workload's folder",
                remedy="name a folder beside app.yml or beside its folder",
            )
    return folder
