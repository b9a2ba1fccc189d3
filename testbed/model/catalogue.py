"""What `apps/` declares: `apps/<workload>/workload.yml` and `apps/<workload>/<app>/app.yml`."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from testbed.model.base import Model

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
Path = Annotated[str, StringConstraints(pattern=r"^/[!-~]*$")]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")]


Service = Literal["postgresql", "redis"]


class Selection(Model):
    """What a CSS selector must find in an HTML page: so many elements, with these texts."""

    selector: str
    count: int | None = Field(default=None, ge=0)
    texts_file: str | None = None  # JSON list: the text of each, white space collapsed

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.count is None and self.texts_file is None:
            raise ValueError("give count or texts_file, else nothing is checked")
        return self


class ExpectedAnswer(Model):
    """The answer every app must give; files are relative to the workload's folder.

    Without `json_file` and `html` the body must be empty.
    """

    status: int = 200
    content_type: str | None = "application/json"  # None where there is no body
    json_file: str | None = None
    html: list[Selection] = []
    # The body is not the same each time (a counter, a token), so that the generator cannot compare
    # it by length and digest: what is compared is checked before and after the load only.
    varies: bool = False

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.json_file is not None and self.html:
            raise ValueError("a body is JSON or HTML, not both")
        return self


class Body(Model):
    """What a request carries."""

    content_type: str = "application/json"
    file: str  # relative to the workload's folder, sent as it is; may be empty


class Exchange(Model):
    """A further request to an endpoint, made before the load and never as a load.

    To prove that an app does all it must do, e.g. refuse what does not fit.
    """

    description: str
    send: Body | None = None
    expect: ExpectedAnswer


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
    send: Body | None = None
    expect: ExpectedAnswer
    also: list[Exchange] = []  # asked of the same URL with the same method
    sql: list[Statement] = []  # all statements that answering takes; anything else is named

    @model_validator(mode="after")
    def _posts_a_body(self) -> Self:
        if (self.method == "POST") != (self.send is not None):
            raise ValueError("POST takes a body (send), GET takes none")
        return self


class Workload(Model):
    """`workload.yml`: what is asked, with which data, and what services that takes."""

    schema_version: Literal[1]
    title: str
    description: str
    services: list[Service] = []
    # SQL files beside workload.yml. `dataset` is loaded when hosts are provisioned, into a database
    # of the workload's own; safe to load again. `reset` is run before each run where a load changes
    # the data: it puts them back. Redis is emptied before each run.
    dataset: str | None = None
    reset: str | None = None
    endpoints: dict[Name, Endpoint]


class Setting(Model):
    """One thing about an app that an experiment may vary; it reaches the app as `env`."""

    env: EnvName
    default: str | int
    description: str
    choices: list[str | int] | None = None


class DatabaseConnections(Model):
    """How many database connections an app's workers open at most, under some of its settings.

    `per_worker`: the least of these counts; numbers, or names of settings that say the number.
    `requests` stands for one for each request under way, whichever worker it is at.
    """

    when: dict[Name, str | int] = {}  # settings that must have these values; else it does not apply
    per_worker: list[int | Name] = Field(min_length=1)


class App(Model):
    """`app.yml`: how one app is installed and served.

    `serve` is the command line of its systemd unit. `{venv}` and `{app}` stand for the app's
    virtual environment and folder; `${NAME}` for environment variables at start: those of
    `settings` and `environment`, and ADDRESS, PORT, DATABASE_URL and REDIS_URL, which the testbed
    sets.
    """

    schema_version: Literal[1]
    title: str  # as charts name it, e.g. 'Django + Gunicorn'
    description: str
    code: str = "."  # folder of its code beside app.yml; apps that share code name the same one
    requirements: str | None = None  # pinned requirements file in the code's folder
    apt_packages: list[str] = []
    serve: str
    environment: dict[EnvName, str] = {}
    settings: dict[Name, Setting] = {}
    # With default settings, for PostgreSQL to be provisioned for; other settings need not have room
    database_connections_per_worker: int = Field(default=0, ge=0)
    # The first that applies counts; none: database_connections_per_worker, whatever the settings
    database_connections: list[DatabaseConnections] = []
    housekeeping_sql: list[Housekeeping] = []
    endpoints: dict[Name, Path]  # the workload's endpoints that this app serves, and where

    @model_validator(mode="after")
    def _known_settings(self) -> Self:
        for rule in self.database_connections:
            names = [name for name in rule.per_worker if isinstance(name, str)]
            for name in [*rule.when, *names]:
                if name not in self.settings and name != "requests":
                    raise ValueError(f"database_connections: '{name}' is none of the settings")
        return self


class CataloguedApp(Model):
    """An app with what follows from where it lies."""

    workload: Name
    name: Name
    folder: str  # of its code: absolute, on the control machine
    digest: str  # of all the code's files; names what is deployed
    spec: App

    @property
    def unit(self) -> str:
        """Its systemd unit's name."""
        return f"testbed-{self.workload}-{self.name}.service"

    def defaults(self) -> dict[str, Any]:
        """Setting values when nothing is varied."""
        return {name: setting.default for name, setting in self.spec.settings.items()}
