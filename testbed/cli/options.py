"""Declare the command-line options of every measuring task once: name, type and help."""

from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, ValidationError

from testbed.asked.yamlfile import problem_of
from testbed.errors import TestbedError
from testbed.model.article import Mode, Scale
from testbed.model.base import Model
from testbed.model.kinds import Seed, Trials
from testbed.tools import generators

M = TypeVar("M", bound=Model)


def _split(value: Any) -> Any:
    """Return the names in a text separated by commas. Raises ValueError if there is none."""
    if isinstance(value, str):
        names = [name.strip() for name in value.split(",") if name.strip()]
        if not names:
            raise ValueError("no name given; leave the option out for its default")
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"{twice} is named twice")
        return names
    return value


Names = Annotated[list[str], Field(max_length=1000), BeforeValidator(_split)]
PathName = Annotated[str, Field(min_length=1, max_length=4096)]  # Linux's PATH_MAX


def _digits(value: Any) -> Any:
    """Refuse 1_0, which Python's readers of numbers take for 10."""
    if isinstance(value, str) and "_" in value:
        raise ValueError("must be a number without _ in it")
    return value


def _whole(value: Any) -> Any:
    """Refuse 3.0 for 3 as well, as the same value in a file is refused."""
    if isinstance(value, str) and "." in value:
        raise ValueError("must be an integer, without a point")
    return _digits(value)


def _percent(value: Any) -> Any:
    return _digits(value.strip().removesuffix("%").strip() if isinstance(value, str) else value)


WHOLE = BeforeValidator(_whole)
Whole = Annotated[int, WHOLE]
Finite = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_digits)]
# Runs never agree to a tenth of a percent
Percent = Annotated[float, Field(ge=0.1, le=100, allow_inf_nan=False), BeforeValidator(_percent)]

REPEATS = 20  # of an app against itself, unless said otherwise

INVENTORY_HELP = "hosts; default: that of ansible.cfg, the lab"


class Overrides(Model):
    """The options that change the experiment. None stands for the experiment file's value."""

    rate: Finite | None = Field(None, description="requests per second asked (constant rate)")
    duration: Finite | None = Field(None, description="seconds of measured load per run")
    connections: Whole | None = Field(None, description="connections kept open")
    threads: Whole | None = Field(None, description="threads, or processes at most")
    warmup: Finite | None = Field(None, description="seconds of load before the measured part")
    timeout: Finite | None = Field(None, description="seconds until a request has timed out")
    timeout_from: str | None = Field(None, description="from when that counts: due or sent")
    good_within: Finite | None = Field(
        None, description="milliseconds that a good answer may take; default: until the timeout"
    )
    arrivals: str | None = Field(None, description="when requests are due: constant or poisson")
    most_probes: Whole | None = Field(None, description="the most probes of a capacity search")
    trials: Whole | None = Field(None, description="how often each app and endpoint is run")
    apps: Names | None = Field(None, description="names separated by commas; default: all")
    endpoints: Names | None = Field(None, description="names separated by commas")
    generator: str | None = Field(None, description=generators.either([*generators.NAMES]))
    telemetry_interval: Finite | None = Field(None, description="seconds between two samples")


class Options(Overrides):
    """The options of a measuring task: what it changes of the experiment, and how it is done."""

    seed: Annotated[Seed, WHOLE] | None = Field(
        None, description="decides the order of runs; default: random"
    )
    inventory: PathName | None = Field(None, description=INVENTORY_HELP)
    resume: PathName | None = Field(None, description="folder of a campaign to go on with")
    apps_path: PathName | None = Field(
        None, description="a folder with your own apps, laid out as apps/"
    )
    until: Percent | None = Field(
        None, description="go on with trials until no ratio's interval reaches further, e.g. 3%"
    )
    most: Annotated[Trials, WHOLE] | None = Field(
        None, description="the most trials with --until; default: 30"
    )
    metric: Names | None = Field(None, description="figures to judge; default: as compare's")
    dry_run: bool = Field(False, description="print the plan, touch no host")
    strict: bool = Field(False, description="exit code 5 unless every run is valid")
    quiet: bool = Field(False, description="print results only")

    def overrides(self) -> dict[str, Any]:
        """Return the options that change the experiment."""
        return self.model_dump(include=set(Overrides.model_fields))


class VersionOptions(Options):
    """The options of `fab run-ab`, besides the experiment."""

    app: str | None = Field(None, description="name of the app of which two versions are compared")
    old: str | None = Field(None, description="a folder with its app.yml, or a revision in git")
    new: str | None = Field(None, description="the same of the version that is judged")
    tolerance: Finite | None = Field(None, description="percent up to which both are the same")
    wanted: Finite | None = Field(None, description="a difference to be shown, percent")
    ask_become_pass: bool = Field(False, description="ask for sudo's password, to deploy")

    def judging(self) -> list[str]:
        """Return the options for `compare`."""
        limits = {"tolerance": self.tolerance, "wanted": self.wanted}
        return [
            *(f"--metric={key}" for key in self.metric or []),
            *(f"--{name}={value}" for name, value in limits.items() if value is not None),
        ]


class NoiseOptions(Options):
    """The options of `fab run-aa`, besides the experiment."""

    app: str | None = Field(None, description="name of the app that is measured against itself")
    # None, so that fab takes any text, and what is wrong with it is reported here
    repeats: Annotated[int, Field(ge=2, le=1000), WHOLE] | None = Field(
        None, description=f"campaigns, each from a fresh start; default: {REPEATS}"
    )
    ask_become_pass: bool = Field(False, description="ask for sudo's password, to deploy")


class WhyOptions(Options):
    """The options of `fab run-why`, besides the experiment."""

    app: str | None = Field(None, description="name of the app whose ratio is explained")
    against: str | None = Field(None, description="name of the app that it is held against")
    factors: Names | None = Field(
        None,
        description="what to change besides the framework, as keepalive,pool,threads=4; default: "
        "all in which both differ",
    )


class ArticleOptions(Model):
    """The options of `fab run-article`, besides the article's name."""

    as_published: bool = Field(
        False, description="as the article measured it, as closely as possible today"
    )
    fair: bool = Field(False, description="the same question with the confounders held equal")
    both: bool = Field(False, description="one after the other; the default")
    scale: Scale = Field("full", description="full, or small: short runs, to try it out")
    parts: Names | None = Field(None, description="names separated by commas; default: all")
    trials: Annotated[Trials, WHOLE] | None = Field(
        None, description="how often each app and endpoint is run"
    )
    seed: Annotated[Seed, WHOLE] | None = Field(
        None, description="decides the order of runs; default: random"
    )
    inventory: PathName | None = Field(None, description=INVENTORY_HELP)
    resume: PathName | None = Field(None, description="folder of a series to go on with")
    dry_run: bool = Field(False, description="print the plan, touch no host")
    strict: bool = Field(False, description="exit code 5 unless every run is valid")
    quiet: bool = Field(False, description="print results only")

    @property
    def modes(self) -> list[Mode]:
        """Return the modes asked for: as published, fair, or both if none was named."""
        both = self.both or self.as_published == self.fair
        modes: list[Mode] = []
        if both or self.as_published:
            modes.append("as_published")
        if both or self.fair:
            modes.append("fair")
        return modes


def option_name(field: str) -> str:
    """Return an option's name as the user types it."""
    return f"--{field.replace('_', '-')}"


def typed(model: type[M], given: dict[str, Any]) -> M:
    """Return typed options. Raises TestbedError, which names each wrong option."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        lines = [
            f"{option_name(str(item['loc'][0]))}: {problem_of(item, 'given')}"
            for item in error.errors()
        ]
        raise TestbedError("\n".join(lines)) from error


def read_article(given: dict[str, Any]) -> ArticleOptions:
    """Return typed options. Raises TestbedError, which names each wrong option."""
    options = typed(ArticleOptions, given)
    if options.resume is not None:
        fixed = given.keys() - {"resume", "inventory", "dry_run", "strict", "quiet"}
        changed = sorted(name for name in fixed if given[name] != defaults(ArticleOptions)[name][0])
        if changed:
            raise TestbedError(
                "--resume goes on with a series as it was begun; it does not go with "
                + ", ".join(map(option_name, changed))
            )
    return options


class CheckOptions(Model):
    """The options of `fab check`."""

    apps: Names | None = Field(
        None, description="try these apps instead, names separated by commas: start, ask, stop them"
    )
    apps_path: PathName | None = Field(
        None, description="a folder with your own apps: try these, or those of --apps"
    )
    workload: str | None = Field(None, description="try the apps of this workload")
    inventory: PathName | None = Field(None, description=INVENTORY_HELP)
    strict: bool = Field(False, description="fail where a check of the hosts warns, too")
    quiet: bool = Field(False, description="show only what is not right")
    fix: bool = Field(
        False,
        description="change what the inventory allows (host_fitness_allow), then check again",
    )
    ask_become_pass: bool = Field(
        False, description="with --fix: ask for sudo's password, as ansible-playbook -K does"
    )

    @property
    def of_apps(self) -> bool:
        """Return whether apps are to be tried, and not the hosts checked."""
        return any(one is not None for one in (self.apps, self.apps_path, self.workload))


def read_check(given: dict[str, Any]) -> CheckOptions:
    """Return typed options. Raises TestbedError, which names each wrong option."""
    options = typed(CheckOptions, given)
    of_hosts = [name for name in ("strict", "fix", "ask_become_pass") if getattr(options, name)]
    if options.of_apps and of_hosts:
        raise TestbedError(
            f"{' and '.join(map(option_name, of_hosts))}: about hosts, not about apps",
            remedy="check the hosts without --apps, --apps-path and --workload",
        )
    return options


class DeployOptions(Model):
    """The options of `fab deploy`, besides the app's name."""

    workload: str | None = Field(None, description="the app's; needed if several have such an app")
    apps_path: PathName | None = Field(
        None, description="a folder with your own apps, laid out as apps/"
    )
    inventory: PathName | None = Field(None, description=INVENTORY_HELP)
    ask_become_pass: bool = Field(False, description="ask for sudo's password, to deploy")


def read_deploy(given: dict[str, Any]) -> DeployOptions:
    """Return typed options. Raises TestbedError, which names each wrong option."""
    return typed(DeployOptions, given)


class LinkOptions(Model):
    """The options of `fab link`."""

    inventory: str | None = Field(None, description=INVENTORY_HELP)
    # An hour shows how a link behaves when it is warm
    duration: Annotated[int, Field(ge=1, le=3600), WHOLE] = Field(
        10, description="whole seconds of the measurement; default: 10"
    )


def read_link(given: dict[str, Any]) -> LinkOptions:
    """Return typed options; those not given have their defaults. Raises TestbedError."""
    return typed(LinkOptions, {name: text for name, text in given.items() if text is not None})


def read(given: dict[str, Any]) -> Options:
    """Return typed options. Raises TestbedError, which names each wrong option."""
    options = typed(Options, given)
    _check(options)
    if options.metric is not None and options.until is None and options.resume is None:
        raise TestbedError("--metric is for --until, and names the figures that it watches")
    return options


def _check(options: Options) -> None:
    """Raise TestbedError for options of a measuring task that do not go together."""
    if options.resume is not None:
        changed = [name for name, value in options.overrides().items() if value is not None]
        named = ("seed", "apps_path", "until", "most")
        changed += [name for name in named if getattr(options, name) is not None]
        # The plan of a campaign that was begun is in its campaign.json
        changed += ["dry_run"] if options.dry_run else []
        if changed:
            shown = ", ".join(map(option_name, changed))
            raise TestbedError(
                f"--resume goes on with a campaign as it was begun; it does not go with {shown}"
            )
    if options.most is not None and options.until is None and options.resume is None:
        raise TestbedError("--most is for --until, as in --until=3% --most=40")


def read_versions(given: dict[str, Any]) -> VersionOptions:
    """Return typed options. Raises TestbedError, which names each wrong or missing option."""
    options = typed(VersionOptions, given)
    _check(options)
    named = {name: getattr(options, name) for name in ("app", "old", "new")}
    if options.apps is not None:
        raise TestbedError("--apps does not go with two versions of one app; give --app")
    if options.resume is not None and any(value is not None for value in named.values()):
        raise TestbedError(
            "--resume goes on with a campaign as it was begun; it does not go with --app, --old "
            "and --new"
        )
    missing = [option_name(name) for name, value in named.items() if value is None]
    if options.resume is None and missing:
        raise TestbedError(
            f"{' and '.join(missing)}: missing",
            remedy="--app NAME --old FOLDER|REVISION --new FOLDER|REVISION",
        )
    return options


OF_CHOSEN_APPS = ("apps", "until", "most", "metric")


def _refuse_of_several(options: Options, task: str) -> None:
    """Raise TestbedError if an option is given that only campaigns of chosen apps have."""
    for name in OF_CHOSEN_APPS:
        if getattr(options, name) is not None:
            raise TestbedError(f"{option_name(name)} does not go with {task}")


def read_noise(given: dict[str, Any]) -> NoiseOptions:
    """Return typed options. Raises TestbedError, which names each wrong or missing option."""
    options = typed(NoiseOptions, given)
    _refuse_of_several(options, "run-aa, which repeats campaigns of one --app")
    _check(options)
    if options.resume is None and options.app is None:
        raise TestbedError("--app: missing", remedy="--app NAME is measured against itself")
    if options.resume is not None and options.app is not None:
        raise TestbedError(
            "--resume goes on with campaigns as they were begun; it does not go with --app"
        )
    return options


def read_why(given: dict[str, Any]) -> WhyOptions:
    """Return typed options. Raises TestbedError, which names each wrong or missing option."""
    options = typed(WhyOptions, given)
    _refuse_of_several(options, "run-why, which takes --app and --against")
    _check(options)
    named = [name for name in ("app", "against", "factors") if getattr(options, name) is not None]
    if options.resume is not None and named:
        raise TestbedError(
            "--resume goes on with a campaign as it was begun; it does not go with "
            + " and ".join(map(option_name, named))
        )
    missing = [name for name in ("app", "against") if name not in named]
    if options.resume is None and missing:
        raise TestbedError(
            f"{' and '.join(map(option_name, missing))}: missing",
            remedy="--app NAME --against NAME [--factors NAME,NAME=VALUE]",
        )
    return options


def defaults(model: type[Model] = Options) -> dict[str, tuple[Any, str]]:
    """Return the default and help text of each option that a task takes, by name."""
    refused = OF_CHOSEN_APPS if issubclass(model, NoiseOptions | WhyOptions) else ()
    return {
        name: (field.default, field.description or "")
        for name, field in model.model_fields.items()
        if name not in refused
    }
