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
    """All workloads and apps of one apps folder."""

    folder: Path
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


def load(folder: Path = APPS_FOLDER) -> Catalogue:
    """Read every workload.yml and app.yml below `folder`.

    Raises TestbedError with file, line and key of whatever does not fit.
    """
    workloads: dict[str, Workload] = {}
    apps: list[CataloguedApp] = []
    for workload_file in sorted(folder.glob("*/workload.yml")):
        name = workload_file.parent.name
        workloads[name] = yamlfile.load(workload_file, Workload)
        for app_file in sorted(workload_file.parent.glob("*/app.yml")):
            apps.append(_load_app(name, workloads[name], app_file))
    if not workloads:
        raise TestbedError(f"{folder}: no workload.yml below this folder")
    return Catalogue(folder, workloads, apps)


def _load_app(workload_name: str, workload: Workload, app_file: Path) -> CataloguedApp:
    spec = yamlfile.load(app_file, App)
    for endpoint in spec.endpoints:
        if endpoint not in workload.endpoints:
            error = unknown("endpoint", endpoint, workload.endpoints)
            raise TestbedError(f"{app_file}: endpoints: {error.message}", remedy=error.remedy)
    code = (app_file.parent / spec.code).resolve()
    if spec.requirements and not (code / spec.requirements).is_file():
        raise TestbedError(
            f"{app_file}: requirements: no file '{spec.requirements}' beside it",
            remedy="name a file of pinned requirements, or leave the key out",
        )
    return CataloguedApp(
        workload=workload_name,
        name=app_file.parent.name,
        folder=str(code),
        digest=digest(code),
        spec=spec,
    )


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


def digest(folder: Path) -> str:
    """A short digest of the names and contents of the folder's files."""
    result = hashlib.sha256()
    for path in files_of(folder):
        result.update(f"{path.relative_to(folder)}\0{path.stat().st_mode & 0o100}\0".encode())
        result.update(path.read_bytes() + b"\0")
    return result.hexdigest()[:12]
