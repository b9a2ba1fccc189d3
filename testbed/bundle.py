"""Pack what is deployed: archives of the code, and one document about them for the roles.

`python -m testbed.bundle agents` makes the archives that are missing and prints the document.
"""

import argparse
import gzip
import hashlib
import io
import json
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from testbed.asked import app_code, catalogue, requirements
from testbed.errors import Exit, TestbedError
from testbed.model import command_line, database
from testbed.model.catalogue import HOST_PYTHON, CataloguedApp, Workload
from testbed.model.requirements import Requirements
from testbed.model.service import SERVICES
from testbed.model.setting import MOST_WORKERS, Setting
from testbed.paths import ROOT
from testbed.texts import plain, shown_name
from testbed.validity import sql

ARCHIVES = ROOT / ".cache" / "bundles"
PROGRAMS = ("pacer", "telemetry", "upstream")  # folders of the project that run on the hosts
LONGEST_USER_NAME = 32  # useradd(8)
BESIDE = ".requirements"  # in an archive: requirements from beside app.yml; no code is hidden


@dataclass(frozen=True)
class Bundle:
    """One packed folder. `digest` identifies its content, `requirements_digest` its environment."""

    name: str  # 'agents-django', 'pacer'
    digest: str
    archive: str  # path on the control machine
    requirements: str | None  # relative to the unpacked folder
    requirements_digest: str | None
    pins: list[str]  # names of the packages that the requirements list
    python: str = HOST_PYTHON  # its environment is made with it


@dataclass(frozen=True)
class DeployedApp:
    """An app, with everything that its unit needs to know."""

    workload: str
    name: str
    title: str
    unit: str
    user: str
    bundle: Bundle
    services: list[str]  # services that its workload needs, for example 'postgresql'
    apt_packages: list[str]
    exec_start: str  # `serve` as ExecStart= takes it, still with {venv} and {app}
    environment: dict[str, str]  # the app's own, and its settings' defaults
    settings: dict[str, dict[str, Any]]  # the allowed values, by environment variable
    database_connections: int  # the most that it opens with its default settings


@dataclass(frozen=True)
class Dataset:
    """A workload's SQL file, which may be loaded again at any time."""

    workload: str
    file: str  # on the control machine
    digest: str


@dataclass(frozen=True)
class Reset:
    """A workload's SQL file that puts its data back, and the unit that runs it."""

    workload: str
    file: str  # on the control machine
    unit: str


@dataclass(frozen=True)
class Deployment:
    """Everything that the roles deploy."""

    apps: list[DeployedApp]
    datasets: list[Dataset]
    resets: list[Reset]
    services: dict[str, list[str]]  # the workloads that need a service, by service
    units: list[str]  # those that put data back before a run
    programs: dict[str, Bundle]
    logins: list[dict[str, str]]  # every way to log in to a database, with its role's suffix


def deployment(
    workloads: list[str], own: str | Path | None = None, archives: Path = ARCHIVES
) -> Deployment:
    """Return the deployment of these workloads, and of all workloads in the user's `own` folder.

    Raises TestbedError for an unknown workload or a file with an error.
    """
    known = catalogue.load(own)
    owned = [
        name
        for name, folder in known.folders.items()
        if own is not None and folder.parent == Path(own).resolve()
    ]
    names = list(dict.fromkeys([*workloads, *owned]))
    apps = [app for name in names for app in known.apps_of(name).values()]
    services: dict[str, list[str]] = {name: [] for name in SERVICES}
    for name in names:
        for service in known.workload(name).services:
            services[service].append(name)
    resets = [
        Reset(
            name,
            str(known.folders[name] / file),
            catalogue.reset_unit(name, known.folders[name], file),
        )
        for name in names
        if (file := known.workload(name).reset)
    ]
    emptied = (facts.emptied_by for name, facts in SERVICES.items() if services[name])
    return Deployment(
        apps=[deployed(app, known.workload(app.workload), archives) for app in apps],
        datasets=[
            Dataset(
                name, str(known.folders[name] / file), sql.short_digest(known.folders[name], file)
            )
            for name in names
            if (file := known.workload(name).dataset)
        ],
        resets=resets,
        services=services,
        units=[*sorted(one.unit for one in resets), *(unit for unit in emptied if unit)],
        programs={name: _program(ROOT / name, archives) for name in PROGRAMS},
        logins=[asdict(login) | {"suffix": login.suffix} for login in database.LOGINS],
    )


def deployed(app: CataloguedApp, workload: Workload, archives: Path) -> DeployedApp:
    """Return the app with its archive made, and with what its unit needs from its app.yml."""
    defaults = {setting.env: str(setting.default) for setting in app.spec.settings.values()}
    return DeployedApp(
        workload=app.workload,
        name=app.name,
        title=app.spec.title,
        unit=app.unit,
        user=user_name(app.workload, app.name),
        bundle=bundle(
            f"{app.workload}-{app.name}",
            Path(app.folder),
            archives,
            app.requirements,
            digest=app.digest,
            python=app.spec.python,
        ),
        services=list(workload.services),
        apt_packages=app.spec.apt_packages,
        exec_start=command_line.exec_start(app.spec.serve),
        environment=app.spec.environment | defaults,
        settings={
            setting.env: held(setting, workers=name == app.spec.workers)
            for name, setting in app.spec.settings.items()
        },
        database_connections=app.spec.database_connections_per_worker
        * (app.spec.workers_of(app.defaults()) or 1),
    )


def held(setting: Setting, *, workers: bool = False) -> dict[str, Any]:
    """Return the allowed values of a setting, in the form that start_app.py reads.

    `workers` says whether it is the number of workers. start_app.py is in roles/app_deploy/files/.
    """
    if setting.choices is not None:
        choices = [str(choice) for choice in setting.choices]
        return {"choices": choices, "integer": isinstance(setting.default, int)}
    if not isinstance(setting.default, int):
        return {"choices": None, "integer": False}
    least, most = setting.bounds
    if workers:
        least, most = max(least, 1), min(most, MOST_WORKERS)
    return {"choices": None, "integer": True, "least": least, "most": most}


def user_name(workload: str, app: str) -> str:
    """Return the system user that an app runs as. A long name is cut and has a digest added."""
    name = f"app-{workload}-{app}"
    if len(name) <= LONGEST_USER_NAME:
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{name[: LONGEST_USER_NAME - len(mark) - 1]}-{mark}"


def bundle(
    name: str,
    folder: Path,
    archives: Path,
    asked: Requirements | None,
    *,
    digest: str,
    inside: str = "",
    python: str = HOST_PYTHON,
) -> Bundle:
    """Pack the folder's files, below `inside` in the archive, unless that archive exists.

    Requirements of another folder are packed with them.
    """
    place, more = inside, dict[str, Path]()
    if asked is not None and asked.folder != folder.resolve():
        place = f"{inside}{BESIDE}/"
        more = {f"{BESIDE}/{one.relative_to(asked.folder)}": one for one in asked.files}
    archive = archives / f"{name}-{digest}.tar.gz"
    if not archive.exists():
        archives.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=archives, delete=False) as partial:
            partial.write(pack(folder, inside, more))
        Path(partial.name).replace(archive)
    return Bundle(
        name=name,
        digest=digest,
        archive=str(archive),
        requirements=f"{place}{asked.file}" if asked else None,
        requirements_digest=_environment(asked, python) if asked else None,
        pins=asked.names if asked else [],
        python=python,
    )


def _environment(asked: Requirements, python: str) -> str:
    """Return the digest that identifies an environment: of its packages, and its Python."""
    if python == HOST_PYTHON:
        return asked.digest
    return hashlib.sha256(f"{asked.digest} {python}".encode()).hexdigest()[:12]


def pack(folder: Path, inside: str = "", more: Mapping[str, Path] | None = None) -> bytes:
    """Return a gzipped tar of the folder's files; the same files give the same bytes.

    `more` has files to be packed with them, by name.
    """
    named = {f"{path.relative_to(folder)}": path for path in app_code.files_of(folder)}
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, path in (named | dict(more or {})).items():
            entry = tarfile.TarInfo(f"{inside}{name}")
            entry.size = path.stat().st_size
            entry.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            with path.open("rb") as content:
                tar.addfile(entry, content)
    return gzip.compress(plain.getvalue(), mtime=0)


def _program(folder: Path, archives: Path) -> Bundle:
    """Return a package of the project, packed with its folder so that Python finds its name."""
    if not (folder / "__main__.py").is_file():
        raise TestbedError(
            f"{shown_name(folder)}: no __main__.py", remedy="is this checkout complete?"
        )
    name = "requirements.txt"
    asked = requirements.read(folder, name) if (folder / name).is_file() else None
    digest = app_code.digest(folder)
    return bundle(folder.name, folder, archives, asked, digest=digest, inside=f"{folder.name}/")


def main() -> int:
    """Print the deployment of the named workloads as JSON; return 2 after an error message."""
    parser = argparse.ArgumentParser(prog="python -m testbed.bundle", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD")
    parser.add_argument("--apps-path", metavar="FOLDER", help="more apps, laid out alike")
    options = parser.parse_args()
    try:
        document = json.dumps(asdict(deployment(options.workloads, options.apps_path)), indent=1)
    except TestbedError as error:
        sys.stderr.write(f"{plain(str(error))}\n")
        return error.exit_code
    except OSError as error:  # of the archives' folder: the disk is full, or writing is not allowed
        sys.stderr.write(f"{shown_name(error.filename)}: {error.strerror}\n")
        return Exit.NOT_READY
    sys.stdout.write(document)
    return 0


if __name__ == "__main__":
    sys.exit(main())
