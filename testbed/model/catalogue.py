"""Define the files of `apps/`: `<workload>/workload.yml` and `<workload>/<app>/app.yml`."""

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, PlainValidator, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from testbed.model import command_line
from testbed.model.base import Declared, Model, wrong
from testbed.model.endpoint import Endpoint
from testbed.model.kinds import (
    CodeFolder,
    Differing,
    EnvName,
    EnvValue,
    Line,
    Name,
    PackageName,
    PythonCommand,
    Regex,
    RelativeFile,
    SettingValue,
    Text,
    Title,
    UrlPath,
    Version1,
)
from testbed.model.mix import Mix
from testbed.model.requirements import Requirements
from testbed.model.service import SERVICES, ServiceName
from testbed.model.setting import WORKERS, Setting, workers_problem

# The service that a variable tells an app of, if its workload names the service
URL_OF: dict[str, ServiceName] = {facts.variable: name for name, facts in SERVICES.items()}
# The testbed sets these itself and would overwrite a declared value
SET_BY_THE_TESTBED = ("ADDRESS", "PORT", *URL_OF)
SET_BY_SYSTEMD = ("HOME", "LOGNAME", "PATH", "SHELL", "USER")
# A unit's own variables: another value would lie about the unit, or be overwritten by it
OF_THE_UNIT = (
    "CREDENTIALS_DIRECTORY",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "MAINPID",
    "NOTIFY_SOCKET",
    "PYTHONDONTWRITEBYTECODE",
    "SYSTEMD_EXEC_PID",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
)


def _command_line(value: str) -> str:
    command_line.words(value)
    return value


CommandLine = Annotated[Line, AfterValidator(_command_line)]
APP_FILE = "app.yml"  # what an app declares, in its folder


class Housekeeping(Declared):
    """SQL that an app's framework or driver issues by itself."""

    pattern: Regex = Field(
        description="regular expression, matched against the statement's whole normalised text"
    )
    reason: Text = Field(description="why it is sent")


def _endpoint_or_mix(value: Any) -> Endpoint | Mix:
    kind = (
        Mix if isinstance(value, Mix) or (isinstance(value, dict) and "mix" in value) else Endpoint
    )
    return kind.model_validate(value)


class Workload(Declared):
    """`workload.yml`: what is asked, with which data, and which services that needs."""

    schema_version: Version1
    title: Title
    description: Text
    services: Annotated[list[ServiceName], Differing] = []
    # SQL files beside workload.yml. `dataset` is loaded into the workload's own database when hosts
    # are provisioned, and may be loaded again. `reset` restores data that a load changes, before
    # each run. Redis is emptied before each run.
    dataset: RelativeFile | None = None
    reset: RelativeFile | None = None
    endpoints: dict[
        Name,
        Annotated[
            Mix | Endpoint,
            PlainValidator(_endpoint_or_mix, json_schema_input_type=Mix | Endpoint),
        ],
    ] = Field(min_length=1)

    def parts(self, name: str) -> dict[str, Endpoint]:
        """Return the endpoints that a load of this one asks: those that it mixes, or itself."""
        asked = {part: self.endpoints[part] for part in self.weights(name)}
        return {part: one for part, one in asked.items() if isinstance(one, Endpoint)}

    def weights(self, name: str) -> dict[str, float]:
        """Return the weight of each endpoint that a load of this one asks."""
        one = self.endpoints[name]
        return one.mix if isinstance(one, Mix) else {name: 1}

    def asks_in_turn(self, name: str) -> bool:
        """Return whether the requests to an endpoint differ: it is a mix, or has drawn values."""
        mixed = isinstance(self.endpoints[name], Mix)
        return mixed or any(part.draw for part in self.parts(name).values())

    @model_validator(mode="after")
    def _mixes_endpoints(self) -> Self:
        problems = [
            InitErrorDetails(
                type=wrong(problem), loc=("endpoints", name, "mix", part), input=one.mix
            )
            for name, one in self.endpoints.items()
            if isinstance(one, Mix)
            for part in one.mix
            if (problem := self._unmixable(part))
        ]
        if problems:
            raise ValidationError.from_exception_data("Workload", problems)
        return self

    def _unmixable(self, part: str) -> str | None:
        """Return why an endpoint cannot be part of a mix; None if it can."""
        if part not in self.endpoints:
            known = [name for name, one in self.endpoints.items() if isinstance(one, Endpoint)]
            near = difflib.get_close_matches(part, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known) or 'none'}"
            return f"no endpoint of this workload has that name; {hint}"
        if isinstance(self.endpoints[part], Mix):
            return "is a mix itself: name its parts instead"
        return None

    @model_validator(mode="after")
    def _has_a_database(self) -> Self:
        if "postgresql" in self.services:
            return self
        for key in ("dataset", "reset"):
            if getattr(self, key) is not None:
                raise wrong(f"{key} is SQL: add postgresql to services", key)
        for name, endpoint in self.endpoints.items():
            if isinstance(endpoint, Endpoint) and endpoint.sql:
                counted = "SQL is counted by PostgreSQL: add postgresql to services"
                raise wrong(counted, "endpoints", name, "sql")
        return self


def _setting_count(value: Any) -> int | str:
    """Return a number of connections, or the name of a setting that has this number."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_CONNECTIONS:
        raise ValueError(f"must be the name of a setting, or from 0 to {MOST_CONNECTIONS:,}")
    return value


# PostgreSQL's own limit of max_connections is 262,143; each is a process there
MOST_CONNECTIONS = 10_000
SettingCount = Annotated[
    int | str, PlainValidator(_setting_count, json_schema_input_type=int | str)
]


class DatabaseConnections(Declared):
    """How many database connections an app's workers open at most, with certain settings.

    `per_worker` lists numbers, or names of settings that have a number; the least of them counts.
    `requests` stands for one connection for each request under way, at any of the workers.
    """

    when: dict[Name, SettingValue] = Field(
        default={}, description="settings that must have these values, else it does not apply"
    )
    per_worker: list[SettingCount] = Field(
        min_length=1,
        description="the least of these counts: numbers, settings that say one, or `requests`",
    )


HOST_PYTHON = "python3"  # the distribution's, which the roles' own programs run under, too


class App(Declared):
    """`app.yml`: how one app is installed and served.

    `serve` is the command line of its systemd unit. `{venv}` and `{app}` stand for the app's
    virtual environment and folder; `${NAME}` for environment variables at start: those of
    `settings` and `environment`, and ADDRESS, PORT, DATABASE_URL, REDIS_URL and UPSTREAM_URL, which
    the testbed sets.
    """

    schema_version: Version1 = Field(description="of this file's format: 1")
    title: Title = Field(description="the name in charts and tables, e.g. Django + Gunicorn")
    description: Text = Field(description="what it is and how it is served")
    code: CodeFolder = Field(
        default=".",
        description="folder of its code, relative to app.yml; apps that share code name the same",
    )
    requirements: RelativeFile | None = Field(
        default=None,
        description="file of pinned Python packages, relative to app.yml, or else in the code's"
        " folder; left out: no virtual environment",
    )
    python: PythonCommand = Field(
        default=HOST_PYTHON,
        description="Python of its virtual environment, as python3.13, if the server has another"
        " one; left out: the distribution's",
    )
    apt_packages: Annotated[list[PackageName], Differing] = Field(
        default=[], description="Debian packages that it needs"
    )
    serve: CommandLine = Field(description="command line of its systemd unit")
    start_timeout_s: float = Field(
        default=60,
        ge=1,
        le=3600,
        description="seconds until its first answer; more, if it loads much when it starts",
    )
    environment: dict[EnvName, EnvValue] = Field(
        default={}, description="variables that are always the same"
    )
    settings: dict[Name, Setting] = Field(
        default={}, description="variables that an experiment may change, by name"
    )
    database_connections_per_worker: int = Field(
        default=0,
        ge=0,
        le=MOST_CONNECTIONS,
        description="the most that a worker opens with default settings; PostgreSQL is provisioned"
        " for them",
    )
    database_connections: list[DatabaseConnections] = Field(
        default=[],
        description="the most under other settings ([apps.md](apps.md#settings)); the first that"
        " applies counts",
    )
    housekeeping_sql: list[Housekeeping] = Field(
        default=[], description="SQL that its framework or driver sends of its own accord"
    )
    endpoints: dict[Name, UrlPath] = Field(
        min_length=1, description="which of the workload's endpoints it serves, and at which path"
    )

    @model_validator(mode="after")
    def _variables_are_told_apart(self) -> Self:
        places: dict[str, tuple[str, ...]] = {
            name: ("environment", name) for name in self.environment
        }
        for key, setting in self.settings.items():
            if setting.env in places:
                twice = f"the variable {setting.env} is set twice, by settings or environment"
                raise wrong(twice, "settings", key, "env")
            places[setting.env] = ("settings", key, "env")
        for name, place in places.items():
            if name in SET_BY_THE_TESTBED:
                raise wrong(f"the variable {name} is set by the testbed; take another name", *place)
            if name in OF_THE_UNIT:
                raise wrong(f"the variable {name} is set by the app's unit: leave it out", *place)
        known = [*places, *SET_BY_THE_TESTBED, *SET_BY_SYSTEMD]
        for name in command_line.variables(self.serve):
            if name not in known:
                near = difflib.get_close_matches(name.upper(), known, n=1)
                hint = f"did you mean ${{{near[0]}}}?" if near else f"known: {', '.join(known)}"
                raise wrong(f"no setting or environment sets ${{{name}}}; {hint}", "serve")
        if problem := command_line.listening_problem(self.serve):
            raise wrong(problem, "serve")
        return self

    @model_validator(mode="after")
    def _has_an_environment(self) -> Self:
        if self.requirements is None and command_line.uses(self.serve, "venv"):
            raise wrong("{venv} is made of requirements, a key that is missing here", "serve")
        if self.requirements is None and self.python != HOST_PYTHON:
            raise wrong("it is the Python of {venv}, which is made of requirements", "python")
        return self

    @model_validator(mode="after")
    def _counts_its_workers(self) -> Self:
        declared = [name for name, setting in self.settings.items() if setting.role == WORKERS]
        if len(declared) > 1:
            several = f"only one setting has role: workers, not {' and '.join(declared)}"
            raise wrong(several, "settings", declared[1], "role")
        if self.workers is not None:
            setting = self.settings[self.workers]
            bounds = [one for one in (setting.least, setting.most) if one is not None]
            for value in [setting.default, *(setting.choices or []), *bounds]:
                if (problem := workers_problem(value)) or not isinstance(value, int):
                    problem = problem or "in app.yml, workers are a plain number"
                    raise wrong(problem, "settings", self.workers)
        return self

    @property
    def workers(self) -> str | None:
        """Return the name of the setting with the number of worker processes; None if none has."""
        declared = [name for name, setting in self.settings.items() if setting.role == WORKERS]
        return next(iter(declared), WORKERS if WORKERS in self.settings else None)

    def setting_problem(self, name: str, value: str | int) -> str | None:
        """Return why an experiment cannot give a declared setting this value; None if it can.

        'N per cpu' stands for a number that is known once the server's CPUs are.
        """
        setting = self.settings[name]
        if name == self.workers and (problem := workers_problem(value)):
            return problem
        return None if setting.takes_per_cpu(value) else setting.problem(value)

    def workers_of(self, settings: Mapping[str, Any]) -> int | None:
        """Return how many workers serve with these settings; None if not known (yet)."""
        told = str(settings.get(self.workers, "")) if self.workers else ""
        return int(told) if told.isdigit() else None

    @model_validator(mode="after")
    def _known_settings(self) -> Self:
        for number, rule in enumerate(self.database_connections):
            place = ("database_connections", number)
            for name, value in rule.when.items():
                if name not in self.settings:
                    raise wrong(f"'{name}' is none of the settings", *place, "when")
                if problem := self.settings[name].problem(value):
                    raise wrong(f"{name} is never {value!r}: {problem}", *place, "when")
            for name in (name for name in rule.per_worker if isinstance(name, str)):
                if name == "requests":
                    continue
                if name not in self.settings:
                    raise wrong(f"'{name}' is none of the settings", *place, "per_worker")
                if not isinstance(self.settings[name].default, int):
                    raise wrong(f"the setting {name} is no number", *place, "per_worker")
        return self


class CataloguedApp(Model):
    """An app, and what follows from where its folder is."""

    workload: Name
    name: Name
    file: str  # its app.yml: absolute, on the control machine
    folder: str  # of its code: absolute, on the control machine
    beside: list[str] = []  # app.yml, and requirements that are not in that folder: absolute
    digest: str  # of all these files; names what is deployed
    requirements: Requirements | None = None  # None: it has no virtual environment
    spec: App

    @property
    def unit(self) -> str:
        """Return the name of its systemd unit."""
        return f"testbed-{self.workload}-{self.name}.service"

    def defaults(self) -> dict[str, Any]:
        """Return the values of the settings if an experiment varies nothing."""
        return {name: setting.default for name, setting in self.spec.settings.items()}
