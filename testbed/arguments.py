"""Read a command line with argparse, and refuse a wrong one in one sentence with the remedy.

argparse names `number` and `integer` in what it says of an argument that is none.
"""

from argparse import Action, ArgumentError, ArgumentParser, Namespace
from collections.abc import Sequence
from typing import NoReturn, Self

from testbed.called import as_called
from testbed.errors import TestbedError
from testbed.texts import nearest, shown, shown_name


def number(text: str) -> float:
    """Return the number in an argument. Raises ValueError if it is none, as for 1_0."""
    if "_" in text:
        raise ValueError
    return float(text)


def integer(text: str) -> int:
    """Return the whole number in an argument. Raises ValueError if it is none, as for 1_0."""
    if "_" in text:
        raise ValueError
    return int(text)


class Arguments(ArgumentParser):
    """A parser that raises TestbedError where argparse prints its usage and ends the process.

    Names of commands, choices and options that it does not know are answered with the nearest one.
    """

    def read(self, words: Sequence[str], of_command: Self | None = None) -> Namespace:
        """Return the arguments. Raises TestbedError for words that are none.

        `of_command` is the parser of the subcommand whose options may be meant.
        """
        arguments, unknown = self.parse_known_args(words)
        if unknown:
            word = unknown[0].partition("=")[0]
            meant = of_command or self
            raise meant._refusal(
                f"{shown_name(unknown[0])}: no such option or argument",
                nearest(word, meant._option_string_actions) if word.startswith("-") else None,
            )
        return arguments

    def format_help(self) -> str:
        """Return argparse's help, which names commands as the user calls them."""
        return as_called(super().format_help())

    def error(self, message: str) -> NoReturn:
        """Raise TestbedError with argparse's message."""
        raise self._refusal(message, None)

    def _check_value(self, action: Action, value: object) -> None:
        if action.choices is None or value in action.choices:
            return
        known = [str(choice) for choice in action.choices]
        near = nearest(str(value), known)
        hint = f"; did you mean '{near}'?" if near else ""
        raise ArgumentError(action, f"{shown(value)} is none of {', '.join(known)}{hint}")

    def _refusal(self, message: str, near: str | None) -> TestbedError:
        hint = f"did you mean '{near}'? " if near else ""
        return TestbedError(message, remedy=f"{hint}`{self.prog} --help` says what it takes")
