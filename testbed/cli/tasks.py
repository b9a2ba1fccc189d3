"""Define what fab's tasks share: the signatures of their options, and errors as one message."""

import functools
import inspect
import logging
import os
import shlex
import signal
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from types import FrameType
from typing import Any

from testbed import store
from testbed.cli import options
from testbed.errors import Exit, TestbedError, system_words
from testbed.model.base import Model
from testbed.paths import ROOT
from testbed.terminal import Terminal
from testbed.texts import shown, shown_name

LOG = ROOT / ".cache" / "error.log"

Task = Callable[..., None]


def with_options(
    body: Task,
    name: str,
    doc: str,
    first: list[str],
    model: type[Model] = options.Options,
) -> Task:
    """Return a task of `body`, with the signature that invoke turns into command-line options.

    `first` has the names of the arguments before the options, which are the fields of `model`.
    """
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    rest = [
        inspect.Parameter(option, kind, default=default)
        for option, (default, _) in options.defaults(model).items()
    ]
    body.__name__ = name
    body.__doc__ = doc
    task = reported(body)
    task.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(word, kind) for word in ("context", *first)] + rest
    )
    return task


def reported(body: Task) -> Task:
    """Return a task that shows a TestbedError as its message, and other errors as one line.

    The traceback of an unforeseen error goes to a log. SIGTERM and SIGHUP end a task as Ctrl-C
    does: what it started is stopped first.
    """

    @functools.wraps(body)
    def task(*arguments: Any, **keywords: Any) -> None:
        # paramiko logs tracebacks of connections that fail; the error that it raises says it all
        logging.getLogger("paramiko").addHandler(logging.NullHandler())
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        try:
            body(*arguments, **keywords)
        except TestbedError as error:
            _complain(str(error))
            sys.exit(error.exit_code)
        except OSError as error:  # a full disk, a folder that may not be written
            place = error.filename or f"this machine, writing below {store.folder()}"
            _complain(f"{shown_name(place)}: {system_words(error)}")
            sys.exit(Exit.NOT_READY)
        except KeyboardInterrupt:
            _complain("interrupted: what was started is stopped, what was finished is kept")
            sys.exit(Exit.INTERRUPTED)
        except Exception as error:  # noqa: BLE001 - the last resort, so that no traceback is shown
            _complain(
                f"a fault in the testbed itself: {shown(error)}\n  -> please report it{_logged()}"
            )
            sys.exit(1)

    return task


def _logged() -> str:
    """Add the traceback to the log. Return where it is, or why it could not be kept."""
    entry = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC: {shlex.join(sys.argv)}\n"
    try:
        LOG.parent.mkdir(exist_ok=True)
        with LOG.open("a", encoding="utf-8", errors="replace") as log:
            log.write(f"{entry}{traceback.format_exc()}\n")
    except OSError as error:
        return f"; its traceback could not be kept in {os.path.relpath(LOG)}: {system_words(error)}"
    return f" with {os.path.relpath(LOG)}"


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _complain(text: str) -> None:
    Terminal(stderr=True).print(f"error: {text}", highlight=False, markup=False, soft_wrap=True)
