"""Read command lines as the project's programs would, and carry nothing out."""

import pkgutil
import re
from functools import cache

import fabric.main
import invoke.exceptions
import typer
from invoke.parser import Parser
from typer.exceptions import TyperException

import fabfile
from analysis import __main__ as analysis
from command import main as testbed
from testbed.arguments import Arguments
from testbed.cli import asking, options, program
from testbed.cli.reproducing import ReproduceOptions
from testbed.errors import TestbedError

# Which values the options of a command may have, by its name with testbed
READERS = {
    "link": options.read_link,
    "check": options.read_check,
    "deploy": options.read_deploy,
    "run": options.read,
    "article": options.read_article,
    "ab": options.read_versions,
    "aa": options.read_noise,
    "why": options.read_why,
    "question": asking.read,
    "reproduce": lambda given: options.typed(ReproduceOptions, given),
}
OF_ANALYSIS = {command.name for command in analysis.COMMANDS}
for command in analysis.COMMANDS:  # their libraries take long on a busy machine; not within a test
    pkgutil.resolve_name(command.add_arguments)
# What a command names before its options; it is none of the readers' keys
NAMED = ("experiment", "article", "bundle", "question", "app")
ROUNDS = re.compile(r"^run-(calibration|round\d)$")
COMMAND = typer.main.get_command(testbed.app)
for option in COMMAND.params:
    option.callback = None  # --install-completion would do so as it is read
CONTEXTS = fabfile.namespace.to_contexts()


def read(words, *, whole=True):
    """Read a command line, the program's name first. Raise TestbedError if it would be refused.

    Unless it is whole, words that it lacks are not missed, and values are not looked at.
    """
    called, rest = words[0].rpartition("/")[2], list(words[1:])
    if called == "testbed":
        _testbed(rest, whole)
    elif called == "fab":
        _fab(rest, whole)
    elif called.startswith("python") and rest[:2] == ["-m", "analysis"]:
        _analysis(rest[2:], "python -m analysis", whole)


def is_own(words):
    """Whether it is a command of one of the programs that can be read here."""
    called = words[0].rpartition("/")[2] if words else ""
    return called in ("testbed", "fab") or (
        called.startswith("python") and words[1:3] == ("-m", "analysis")
    )


def _testbed(words, whole):
    command = COMMAND
    try:
        context = command.make_context("testbed", words)
        while hasattr(command, "resolve_command"):
            left = [*context._protected_args, *context.args]
            if not left:
                if whole and not command.invoke_without_command:
                    raise TestbedError(f"{context.command_path}: missing command")
                return
            name, command, left = command.resolve_command(context, left)
            if name in OF_ANALYSIS - READERS.keys():
                _analysis(testbed.for_analysis(name, left), "testbed", whole)
                return
            context = command.make_context(name, left, parent=context)
    except TyperException as error:
        if whole or not error.format_message().startswith("Missing "):
            raise TestbedError(error.format_message()) from error
    except typer.Exit:  # --help
        return
    else:
        if whole and context.info_name in READERS:
            _read(context.info_name, context.params)


def _fab(words, whole):
    parser = Parser(initial=fabric.main.program.initial_context, contexts=CONTEXTS)
    try:
        parsed = parser.parse_argv(words)
    except invoke.exceptions.ParseError as error:
        lacking = error.context.missing_positional_args if error.context else []
        if lacking and error.context.name in program.LEFT_OUT and len(lacking) == 1:
            _fab([*words, program.LEFT_OUT[error.context.name]], whole)
        elif whole or not lacking:
            raise TestbedError(str(error)) from error
        return
    for context in parsed[1:]:
        name = ROUNDS.sub("run", context.name).removeprefix("run-")
        if whole and name in READERS:
            _read(name, {one.attr_name or one.name: one.value for one in context.args.values()})


def _analysis(words, called, whole):
    try:
        analysis.read(words, called)
    except TestbedError as error:
        if whole or "arguments are required" not in str(error):
            raise
    except SystemExit:  # --help
        return


def _read(name, given):
    """Read values as the command would; what it names before its options stays out."""
    named = NAMED if name not in ("ab", "aa", "why") else NAMED[:-1]
    READERS[name]({key: value for key, value in given.items() if key not in named})


@cache
def option_names():
    """Every long option that one of the project's commands has."""
    commands = [COMMAND]
    names = set()
    for command in commands:
        commands += getattr(command, "commands", {}).values()
        names |= {word for one in command.params for word in one.opts}
    for context in (fabric.main.program.initial_context, *CONTEXTS):
        names |= set(context.flags)
    for command in analysis.COMMANDS:
        parser = Arguments()
        pkgutil.resolve_name(command.add_arguments)(parser)
        names |= set(parser._option_string_actions)
    return names
