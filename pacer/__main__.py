"""Run `python -m pacer`. See --help, README.md and FORMAT.md."""

import importlib.util
import shlex
import sys

from pacer.arguments import BadOption
from pacer.options import Options, parse, raise_file_limit

EXIT_FAILED = 1
EXIT_BAD_OPTION = 2
EXIT_INTERRUPTED = 130


def main(arguments: list[str]) -> int:
    """Run pacer with these command-line arguments and return the exit code."""
    try:
        options = parse(arguments)
        raise_file_limit(-(-options.connections // options.processes))
    except BadOption as error:
        return _complain(f"{error} (--help lists all options)", EXIT_BAD_OPTION)
    for module in ("uvloop", "hdrh"):
        if importlib.util.find_spec(module) is None:
            return _complain(
                f"Python module '{module}' is missing: install pacer/requirements.txt", EXIT_FAILED
            )
    return _run(options, shlex.join(["python", "-m", "pacer", *arguments]))


def _run(options: Options, command: str) -> int:
    # Imported only here: these modules need the packages that may be missing above.
    from pacer import report, summary
    from pacer.control import Control
    from pacer.merge import Second
    from pacer.outputs import STDOUT
    from pacer.plan import split
    from pacer.request import Address, resolve

    addresses: list[Address] = []
    unresolved = ""
    try:
        if options.unix_socket is None:
            addresses = resolve(options.target)
    except OSError as error:
        unresolved = f"cannot resolve '{options.target.host}': {error}"
        _complain(f"{unresolved}; every request will count as a connect error", 0)

    watched = bool(sys.stderr) and sys.stderr.isatty() and not options.quiet

    def show(second: Second) -> None:
        if watched:
            sys.stderr.write(f"\r\x1b[K{summary.progress(options, second)}")
            sys.stderr.flush()

    control = Control(split(options, addresses, unresolved), show)
    with control.stopped_by_signals():
        control.run()
        if watched:
            sys.stderr.write("\r\x1b[K")
        figures = report.document(options, command, control)
        try:
            report.write_files(options, figures, control)
            text_to = sys.stderr if STDOUT in options.files else sys.stdout
            if text_to and not options.quiet:  # none if it was closed when Python started
                text_to.write(summary.summary(options, figures))
                text_to.flush()
        except OSError as error:
            return _complain(f"cannot write figures: {error}", EXIT_FAILED)
    if control.failed:
        return _complain("; ".join(control.problems), EXIT_FAILED)
    return EXIT_INTERRUPTED if control.interrupted else 0


def _complain(message: str, code: int) -> int:
    if sys.stderr:  # none if it was closed when Python started
        sys.stderr.write(f"pacer: {message}\n")
    return code


def command() -> int:
    """Run pacer with the arguments of this process, and return the exit code."""
    try:
        return main(sys.argv[1:])
    except KeyboardInterrupt:  # Ctrl-C before the measurement began
        return EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(command())
