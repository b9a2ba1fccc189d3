"""Check that what an app's `serve` names is there: files of its code, and services."""

from pathlib import Path

from testbed.errors import TestbedError
from testbed.model import command_line
from testbed.model.catalogue import URL_OF, App, Workload

APP = "{app}/"


def check(spec: App, folder: Path, name: str, workload: Workload) -> None:
    """Raise TestbedError if `serve` needs what is not there.

    `folder` is that of the app's code, `name` that of its workload.
    """
    program, *arguments = command_line.words(spec.serve)
    for word in (program, *arguments):
        if word.startswith(APP) and "$" not in word:
            _check_file(word, folder, runs=word == program)
    for variable in command_line.variables(spec.serve):
        service = URL_OF.get(variable)
        if service is not None and service not in workload.services:
            raise TestbedError(
                f"${{{variable}}} is empty: workload {name} does not name the service {service}",
                remedy=f"services: [{service}] in its workload.yml, or serve without it",
            )


def _check_file(word: str, folder: Path, *, runs: bool) -> None:
    """Raise TestbedError unless `word` is in the app's code and, if it `runs`, may be executed."""
    path = folder / word.removeprefix(APP)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise TestbedError(
            f"{word} is not in the app's code, {folder}",
            remedy="nothing is built on the host: put it there, or correct the path",
        ) from error
    if runs and not (path.is_file() and mode & 0o100):
        raise TestbedError(
            f"{word} is no file that may be executed",
            remedy=f"chmod +x {path}; or serve it by its interpreter, as /bin/sh {word}",
        )
