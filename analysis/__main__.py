"""Run the commands of `python -m analysis COMMAND …`, which read results and need no host."""

import io
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from analysis import reparse, report
from analysis.articles import report as either_report
from analysis.articles import verdicts
from analysis.compare import itself
from analysis.compare import show as compare
from analysis.tables import TEXT_WIDTH
from testbed.errors import Exit, TestbedError
from testbed.terminal import Terminal
from testbed.texts import shown_name
from testbed.tools import command as parse


@dataclass(frozen=True)
class Command:
    """A subcommand: its name, its help, its arguments and what runs it."""

    name: str
    help: str
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace, Console], int | None]  # returns the exit code; None stands for 0


COMMANDS = (
    Command(
        "compare", "say whether a campaign is better or worse than another; exit status for gates",
        compare.add_arguments, compare.command,
    ),
    Command(
        "noise", "say how much a place's figures vary, from campaigns of an app against itself",
        itself.add_arguments, itself.command,
    ),
    Command(
        "parse", "print the figures of a tool's output, as JSON or as a table",
        parse.add_arguments, parse.run,
    ),
    Command(
        "reparse", "read the raw outputs of a campaign again and say which figures differ",
        reparse.add_arguments, reparse.command,
    ),
    Command(
        "report", "write tables, charts and an HTML page for a results folder",
        report.add_report_arguments, either_report.report_command,
    ),
    Command(
        "table", "print the result table of a results folder",
        report.add_table_arguments, report.table_command,
    ),
    Command(
        "verdicts", "print what became of a published comparison's claims",
        verdicts.add_arguments, verdicts.command,
    ),
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit code. An error is printed as one message on stderr."""
    parser = ArgumentParser(prog="python -m analysis", description=__doc__)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        sub = subparsers.add_parser(command.name, help=command.help, description=command.help)
        command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    try:
        arguments = parser.parse_args(argv)
        return arguments.run(arguments, _console()) or 0
    except TestbedError as error:
        return _said(str(error), error.exit_code)
    except OSError as error:  # e.g. a folder that may not be entered, a full disk
        name = f"{shown_name(error.filename)}: " if error.filename else ""
        return _said(f"{name}{(error.strerror or str(error)).lower()}", Exit.BAD_INPUT)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED


def _said(message: str, exit_code: Exit) -> Exit:
    Terminal(stderr=True).print(Text(message), soft_wrap=True)
    return exit_code


def _console() -> Console:
    """Return the console to print on. In a pipe or a file, tables are as wide as they need."""
    console = Terminal()
    return console if console.is_terminal else Terminal(width=TEXT_WIDTH)


def _let_all_be_printed() -> None:
    """Print characters that the terminal's encoding lacks as escapes, so that printing works."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    _let_all_be_printed()
    sys.exit(main())
