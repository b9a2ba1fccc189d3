"""The apps folder, read and checked: every workload with its apps."""

import difflib
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from testbed import yamlfile
from testbed.errors import TestbedError
from testbed.model.catalogue import App, CataloguedApp, Workload

APPS_FOLDER = Path(__file__).resolve().parent.parent / "apps"


@dataclass(frozen=True)
class Catalogue:
    """All workloads and apps of the apps folders."""

    folders: dict[str, Path]  # by workload: where its workload.yml lies
    workloads: dict[str, Workload]
    apps: list[CataloguedApp]

    def workload(self, name: str) -> Workload:
        """The workload of that name. Raises TestbedError, naming the nearest known one."""
        if name not in self.workloads:
            raise unknown("workload", name, self.workloads)
        return self.workloads[name]

    def apps_of(self, workload: str) -> dict[str, CataloguedApp]:
        """The workload's apps by name, in alphabetical order."""
        self.workload(workload)
        return {app.name: app for app in self.apps if app.workload == workload}


def unknown(what: str, name: str, known: Iterable[str]) -> TestbedError:
    """The error for a name that is not known: names the nearest known one, and all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    remedy = f"did you mean '{near[0]}'? " if near else ""
    return TestbedError(
        f"unknown {what} '{name}'", remedy=f"{remedy}known: {', '.join(names) or 'none'}"
    )


def load(own: str | Path | None = None, *, project: Path = APPS_FOLDER) -> Catalogue:
    """Read every workload.yml and app.yml of the project, and of the user's `own` apps folder.

    The own folder is laid out alike. It may add apps to the project's workloads (then it has no
    workload.yml for them) and workloads of its own.
    Raises TestbedError with file, line and key of whatever does not fit.
    """
    folders = [project, *([Path(own).resolve()] if own else [])]
    workload_files = [path for folder in folders for path in sorted(folder.glob("*/workload.yml"))]
    workloads: dict[str, Workload] = {}
    for path in workload_files:
        if path.parent.name in workloads:
            raise TestbedError(
                f"{path}: there is a workload '{path.parent.name}' already",
                remedy="give it another name, or leave workload.yml out to add apps to that one",
            )
        workloads[path.parent.name] = yamlfile.load(path, Workload)
    apps: dict[str, CataloguedApp] = {}
    for path in [path for folder in folders for path in sorted(folder.glob("*/*/app.yml"))]:
        app = _load_app(path, workloads)
        if app.unit in apps:
            raise TestbedError(
                f"{path}: workload {app.workload} has an app '{app.name}' already",
                remedy="give its folder another name",
            )
        apps[app.unit] = app
    for folder in folders:
        if not any(folder.glob("*/workload.yml")) and not any(folder.glob("*/*/app.yml")):
            raise TestbedError(
                f"{folder}: no workload.yml below this folder, and no app.yml",
                remedy="lay it out as <workload>/<app>/app.yml",
            )
    return Catalogue(
        {path.parent.name: path.parent for path in workload_files},
        workloads,
        sorted(apps.values(), key=lambda app: (app.workload, app.name)),
    )


def _load_app(app_file: Path, workloads: dict[str, Workload]) -> CataloguedApp:
    workload = app_file.parent.parent.name
    if workload not in workloads:
        error = unknown("workload", workload, workloads)
        raise TestbedError(
            f"{app_file}: {error.message}, which its folder's name says",
            remedy=f"{error.remedy}; or write a workload.yml",
        )
    spec = yamlfile.load(app_file, App)
    for endpoint in spec.endpoints:
        if endpoint not in workloads[workload].endpoints:
            error = unknown("endpoint", endpoint, workloads[workload].endpoints)
            raise TestbedError(f"{app_file}: endpoints: {error.message}", remedy=error.remedy)
    code = (app_file.parent / spec.code).resolve()
    if not code.is_dir():
        raise TestbedError(
            f"{app_file}: code: no folder '{spec.code}' there", remedy="relative to this file"
        )
    if spec.requirements and not (code / spec.requirements).is_file():
        raise TestbedError(
            f"{app_file}: requirements: no file '{spec.requirements}' in its code's folder",
            remedy="name a file of pinned requirements, or leave the key out",
        )
    return CataloguedApp(
        workload=workload,
        name=app_file.parent.name,
        folder=str(code),
        digest=digest(code, app_file),
        spec=spec,
    )


def reset_unit(workload: str, reset: Path) -> str:
    """The unit that puts the workload's data back; named by what the SQL file `reset` holds.

    Raises TestbedError if the file cannot be read.
    """
    try:
        content = reset.read_bytes()
    except OSError as error:
        raise TestbedError(f"{reset}: cannot be read: {error.strerror or error}") from error
    return f"testbed-reset-{workload}-{hashlib.sha256(content).hexdigest()[:12]}.service"


def files_of(folder: Path) -> list[Path]:
    """The folder's files as deployed, sorted: without caches and hidden files."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(
            part == "__pycache__" or part.startswith(".") for part in path.relative_to(folder).parts
        )
    )


def digest(folder: Path, *more: Path) -> str:
    """A short digest of the names and contents of the folder's files, and of `more` files."""
    result = hashlib.sha256()
    files = files_of(folder)
    for path in [*files, *(path for path in more if path not in files)]:
        name = path.relative_to(folder) if path in files else path.name
        result.update(f"{name}\0{path.stat().st_mode & 0o100}\0".encode())
        result.update(path.read_bytes() + b"\0")
    return result.hexdigest()[:12]
