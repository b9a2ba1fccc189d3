"""Print on the user's terminal texts that come from hosts, apps and other people's files."""

import os
import sys
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from testbed.texts import plain


def abandon_output() -> None:
    """Write nothing more to standard output, whose reader has closed it, as `head` does.

    Without this, Python would complain when it ends.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Terminal(Console):
    """A console on which texts cannot control the terminal: escape codes are shown as text."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Return what is to be printed, with only rich's own control codes in it."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(plain(text), style)
