"""Say what the shell offers for a word that is being typed: names, options, and results."""

import os
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from typer.core import TyperCommand

from command import listing
from testbed import store
from testbed.model.results import CAMPAIGN_FILE, SERIES_FILE

OF_APPS = ("app", "against", "apps")  # options whose values are apps; of lists, the last is typed
OF_RESULTS = ("report", "compare", "reparse", "noise", "export", "bundle")  # others take any file


def apps(incomplete: str) -> list[str]:
    """Return the names of apps that begin as the last word of a list with commas."""
    before, comma, typed = incomplete.rpartition(",")
    return [f"{before}{comma}{one}" for one in listing.app_names() if one.startswith(typed)]


def results() -> list[str]:
    """Return the folders of the results folder, as paths from the current folder, latest first."""
    place = store.folder()
    shown = Path(os.path.relpath(place)) if place.is_relative_to(Path.cwd()) else place
    kept = {
        path.parent.relative_to(place).parts[0]
        for name in (CAMPAIGN_FILE, SERIES_FILE)
        for path in (*place.glob(f"*/{name}"), *place.glob(f"*/*/{name}"))
    }
    return [str(shown / name) for name in sorted(kept, reverse=True)]


class Reading(TyperCommand):
    """A command that hands its words on to `python -m analysis`, whose parser has the options."""

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return the options, or the results where the command reads some."""
        from typer._click.shell_completion import CompletionItem  # where typer keeps click's

        known = self._options() if incomplete.startswith("-") else self._results()
        return [CompletionItem(one) for one in known if one.startswith(incomplete)]

    def _options(self) -> Sequence[str]:
        from analysis.__main__ import COMMANDS  # its libraries take a second

        parser = ArgumentParser()
        resolve_name(next(one.add_arguments for one in COMMANDS if one.name == self.name))(parser)
        return [option for action in parser._actions for option in action.option_strings]

    def _results(self) -> Sequence[str]:
        return results() if self.name in OF_RESULTS else []
