"""Define the error that a user is meant to read, and the exit codes."""

from enum import IntEnum

from testbed.called import as_called
from testbed.texts import masked, plain

Place = tuple[str | int, ...]  # in a document: the keys and positions that lead to a value


class Exit(IntEnum):
    """Exit codes of fab tasks and scripts."""

    BAD_INPUT = 2
    NOT_READY = 3
    RUN_FAILED = 4
    NOT_VALID = 5
    WORSE = 6
    RUN_INTERRUPTED = 7
    INTERRUPTED = 130


MEANINGS = {
    Exit.BAD_INPUT: "a file, option or name is wrong",
    Exit.NOT_READY: "a host, tool or the link is not fit to measure",
    Exit.RUN_FAILED: "an app failed: it died, answered wrongly or not at all",
    Exit.NOT_VALID: "with --strict: a run does not count; of a comparison: no cell can be judged",
    Exit.WORSE: "of a comparison: at least one cell is worse",
    Exit.RUN_INTERRUPTED: "something around the app ended a run; --resume repeats it",
    Exit.INTERRUPTED: "by Ctrl-C or a signal",
}


def system_words(error: OSError) -> str:
    """Return why a call of the system failed; not every such error has the system's words."""
    return error.strerror or str(error) or type(error).__name__


class TestbedError(Exception):
    """What is wrong and what to do about it. It is shown to the user without a traceback.

    Of URLs, user and password are masked, since errors are shown in logs and kept with results.
    `place` is where the wrong value stands in a file of the user's. The raiser may not know which
    file that is; whoever read it adds its name and the line (testbed/asked/yamlfile.py).
    """

    __test__ = False  # tells pytest that this is not a test class

    def __init__(
        self,
        message: str,
        *,
        remedy: str | None = None,
        exit_code: Exit = Exit.BAD_INPUT,
        place: Place = (),
    ) -> None:
        message = masked(message)
        super().__init__(message)
        self.message = as_called(plain(message))  # some of it may be text from a host
        self.remedy = remedy and as_called(plain(masked(remedy)))
        self.exit_code = exit_code
        self.place = place

    def __str__(self) -> str:
        return f"{self.message}\n  -> {self.remedy}" if self.remedy else self.message


class RunFailed(TestbedError):
    """Raised for what the app did in a run that leaves no figures: this is a result of the app."""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy, exit_code=Exit.RUN_FAILED)


class Interrupted(TestbedError):
    """Raised if something other than the app ended a run, which therefore says nothing of the app.

    Whatever carries out a run may raise it. The run is kept as interrupted, and a resume repeats
    it. With `ends_campaign`, every further run would meet the same problem, so the campaign stops.
    """

    def __init__(
        self, message: str, *, remedy: str | None = None, ends_campaign: bool = False
    ) -> None:
        super().__init__(message, remedy=remedy, exit_code=Exit.RUN_INTERRUPTED)
        self.ends_campaign = ends_campaign
