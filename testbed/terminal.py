"""The terminal of the user, who reads words that came from hosts, apps and files of others."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from testbed.texts import plain


class Terminal(Console):
    """A console whose texts cannot command the terminal: escape codes are shown, not obeyed."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """What is to be printed, with only rich's own commands in it."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(plain(text), style)
