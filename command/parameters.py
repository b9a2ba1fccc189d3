"""Turn the options that testbed/cli/options.py declares into parameters of Typer's commands.

Values stay texts until the options' own model reads them. So a wrong value is reported in the same
words as by fab, and what may be given is said in one place.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from command.completion import OF_APPS, apps
from testbed.cli import options
from testbed.cli.options import Names, PathName, Percent, option_name
from testbed.model.base import Model
from testbed.tools import generators

# How the help names the values of an option, by its type
METAVARS = {bool: "", int: "INTEGER", float: "NUMBER", str: "TEXT"}
OF_DECLARED = ((Names, "NAME,…"), (PathName, "PATH"), (Percent, "PERCENT"))
CHOICES: dict[str, Sequence[str]] = {
    "generator": generators.NAMES,
    "arrivals": ("constant", "poisson"),
    "timeout_from": ("due", "sent"),
}

Complete = Callable[[str], list[str]]
APPS: dict[str, Complete] = dict.fromkeys(OF_APPS, apps)


def offering(known: Callable[[], Sequence[str]]) -> Complete:
    """Return a completion that offers the known names which begin as what was typed."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in known() if name.startswith(incomplete)]

    return complete


def argument(
    name: str, help_: str, known: Callable[[], Sequence[str]] | None = None
) -> inspect.Parameter:
    """Return a parameter that must be given; the shell completes it if it is a known name."""
    info = typer.Argument(help=help_, autocompletion=offering(known) if known else None)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Parameter(name, kind, annotation=Annotated[str, info])


def command(
    body: Callable[..., None], model: type[Model], first: Sequence[inspect.Parameter] = ()
) -> Callable[..., None]:
    """Return a function for Typer that has the model's options, and calls `body` with all."""

    def called(**given: Any) -> None:
        body(**given)

    called.__name__ = body.__name__
    called.__doc__ = body.__doc__
    parameters = [
        *first,
        *(_option(name, model.model_fields[name]) for name in options.defaults(model)),
    ]
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return called


def _option(name: str, field: FieldInfo) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    help_ = field.description or ""
    if field.annotation is bool:
        switch = Annotated[bool, typer.Option(option_name(name), help=help_)]
        return inspect.Parameter(name, kind, default=False, annotation=switch)
    choices = CHOICES.get(name) or _choices(field.annotation)
    info = typer.Option(
        option_name(name),
        help=help_,
        metavar="|".join(choices) if choices else _metavar(field.annotation),
        autocompletion=offering(lambda: choices) if choices else APPS.get(name),
        show_default="default:" not in help_,
    )
    default = None if field.default is None else str(field.default)
    return inspect.Parameter(name, kind, default=default, annotation=Annotated[str | None, info])


def _kinds(annotation: Any) -> list[Any]:
    """Return the types that an annotation allows, besides None."""
    inner = get_args(annotation) if get_origin(annotation) in (Union, type(int | str)) else ()
    return [one for one in inner or (annotation,) if one is not type(None)]


def _choices(annotation: Any) -> tuple[str, ...]:
    (kind,) = _kinds(annotation)
    return get_args(kind) if get_origin(kind) is Literal else ()


def _metavar(annotation: Any) -> str:
    (kind,) = _kinds(annotation)
    for declared, metavar in OF_DECLARED:
        if kind == declared:
            return metavar
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return METAVARS[kind]
