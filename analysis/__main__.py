"""Run the commands of `python -m analysis COMMAND …`, which read results and need no host."""

import io
import pkgutil
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from analysis.text_table import TEXT_WIDTH
from testbed.arguments import Arguments
from testbed.errors import Exit, TestbedError
from testbed.terminal import Terminal, abandon_output
from testbed.texts import shown_name


@dataclass(frozen=True)
class Command:
    """A subcommand, with its functions as 'module:function'.

    Only those of the subcommand that is called are imported: the libraries of the report take two
    seconds to import, which `parse` does not need.
    """

    name: str
    help: str
    add_arguments: str  # takes an ArgumentParser
    run: str  # takes a Namespace and a Console; returns the exit code, and None stands for 0


COMMANDS = (
    Command(
        "bundle", "pack a campaign into one archive that others can check and repeat",
        "analysis.bundle:add_arguments", "analysis.bundle:command",
    ),
    Command(
        "compare", "say whether campaigns are better or worse than another; exit status for gates",
        "analysis.compared.command:add_arguments", "analysis.compared.command:command",
    ),
    Command(
        "export", "write tidy tables of campaigns, as CSV or Parquet",
        "analysis.export.command:add_arguments", "analysis.export.command:command",
    ),
    Command(
        "noise", "say how much a place's figures vary, from campaigns of an app against itself",
        "analysis.compare.itself:add_arguments", "analysis.compare.itself:command",
    ),
    Command(
        "parse", "print the figures of a tool's output, as JSON or as a table",
        "testbed.tools.command:add_arguments", "testbed.tools.command:run",
    ),
    Command(
        "question", "answer the question that a campaign was made for, in sentences with intervals",
        "analysis.question.show:add_arguments", "analysis.question.show:command",
    ),
    Command(
        "reparse", "read the raw outputs of a campaign again and say which figures differ",
        "analysis.reparse:add_arguments", "analysis.reparse:command",
    ),
    Command(
        "report", "write tables, charts and an HTML page for a results folder",
        "analysis.report:add_report_arguments", "analysis.articles.report:report_command",
    ),
    Command(
        "serve", "show results to a browser on this machine: reports, history, comparisons",
        "analysis.serve.command:add_arguments", "analysis.serve.command:command",
    ),
    Command(
        "table", "print the result table of a results folder",
        "analysis.report:add_table_arguments", "analysis.report:table_command",
    ),
    Command(
        "verdicts", "print what became of a published comparison's claims",
        "analysis.articles.verdicts:add_arguments", "analysis.articles.verdicts:command",
    ),
    Command(
        "why", "say why two apps differ: the share of each factor in the ratio of their figures",
        "analysis.why.show:add_arguments", "analysis.why.show:command",
    ),
)  # fmt: skip


def main(argv: Sequence[str] | None = None, program: str = "python -m analysis") -> int:
    """Run one subcommand and return its exit code. An error is printed as one message on stderr.

    `program` is how the user calls it, for its help and its remedies.
    """
    try:
        arguments = read(sys.argv[1:] if argv is None else argv, program)
        return arguments.run(arguments, _console()) or 0
    except TestbedError as error:
        return _said(str(error), error.exit_code)
    except BrokenPipeError:
        abandon_output()
        return Exit.INTERRUPTED
    except OSError as error:  # e.g. a folder that may not be entered, a full disk
        name = f"{shown_name(error.filename)}: " if error.filename else ""
        return _said(f"{name}{(error.strerror or str(error)).lower()}", Exit.BAD_INPUT)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED


def read(words: Sequence[str], program: str = "python -m analysis") -> Namespace:
    """Return the arguments of a command line; `run` among them is the subcommand's function.

    Raises TestbedError for a command, option or value that there is not.
    """
    called = next((word for word in words if not word.startswith("-")), None)
    parser = Arguments(prog=program, description=__doc__)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    chosen: Arguments | None = None
    for command in COMMANDS:
        sub = subparsers.add_parser(command.name, help=command.help, description=command.help)
        if command.name == called:
            chosen = sub
            pkgutil.resolve_name(command.add_arguments)(sub)
            sub.set_defaults(run=pkgutil.resolve_name(command.run))
    return parser.read(words, chosen)


def _said(message: str, exit_code: Exit) -> Exit:
    Terminal(stderr=True).print(Text(f"error: {message}"), soft_wrap=True)
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
