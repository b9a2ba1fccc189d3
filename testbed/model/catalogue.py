"""What `apps/` declares: `apps/<workload>/workload.yml` and `apps/<workload>/<app>/app.yml`."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from testbed.model.base import Model

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
Path = Annotated[str, StringConstraints(pattern=r"^/[!-~]*$")]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")]


class ExpectedAnswer(Model):
    """The answer every app must give; `json_file` is relative to the workload's folder."""

    status: int = 200
    content_type: str = "application/json"
    json_file: str


class Statement(Model):
    """An SQL statement that answering takes.

    `texts`: as pg_stat_statements normalises it (constants as $1, $2, ...), white space aside; more
    than one where drivers or ORMs word the same question differently.
    """

    texts: list[str] = Field(min_length=1)
    calls_per_request: float = Field(default=1, gt=0)


class Housekeeping(Model):
    """SQL that an app's framework or driver issues of its own accord."""

    pattern: str  # regular expression, matched against the whole normalised text
    reason: str


class Endpoint(Model):
    """One thing that a workload asks of its apps."""

    description: str
    method: Literal["GET", "POST"] = "GET"
    expect: ExpectedAnswer
    sql: list[Statement] = []  # all statements that answering takes; anything else is named


class Workload(Model):
    """`workload.yml`: what is asked, with which data, and what services that takes."""

    schema_version: Literal[1]
    title: str
    description: str
    services: list[Literal["postgresql"]] = []
    dataset: str | None = None  # SQL file beside workload.yml, safe to load again
    endpoints: dict[Name, Endpoint]


class Setting(Model):
    """One thing about an app that an experiment may vary; it reaches the app as `env`."""

    env: EnvName
    default: str | int
    description: str
    choices: list[str | int] | None = None


class App(Model):
    """`app.yml`: how one app is installed and served.

    `serve` is the command line of its systemd unit. `{venv}` and `{app}` stand for the app's
    virtual environment and folder; `${NAME}` for environment variables at start: those of
    `settings` and `environment`, and ADDRESS, PORT and DATABASE_URL, which the testbed sets.
    """

    schema_version: Literal[1]
    title: str  # as charts name it, e.g. 'Django + Gunicorn'
    description: str
    requirements: str | None = None  # pinned requirements file in the app's folder
    apt_packages: list[str] = []
    serve: str
    environment: dict[EnvName, str] = {}
    settings: dict[Name, Setting] = {}
    database_connections_per_worker: int = Field(default=0, ge=0)
    housekeeping_sql: list[Housekeeping] = []
    endpoints: dict[Name, Path]  # the workload's endpoints that this app serves, and where


class CataloguedApp(Model):
    """An app with what follows from where it lies."""

    workload: Name
    name: Name
    folder: str  # absolute, on the control machine
    digest: str  # of all its files; names what is deployed
    spec: App

    @property
    def unit(self) -> str:
        """Its systemd unit's name."""
        return f"testbed-{self.workload}-{self.name}.service"

    def defaults(self) -> dict[str, Any]:
        """Setting values when nothing is varied."""
        return {name: setting.default for name, setting in self.spec.settings.items()}
