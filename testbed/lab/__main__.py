"""Run `python -m testbed.lab up|status|down [--name NAME]`: the lab without Fabric."""

import os
import sys

from testbed.arguments import Arguments
from testbed.errors import Exit, TestbedError
from testbed.lab import control, names


def main(arguments: list[str]) -> int:
    """Do what the arguments say and return the exit status."""
    parser = Arguments(prog="python -m testbed.lab", description=__doc__)
    parser.add_argument("action", choices=["up", "status", "down"])
    parser.add_argument(
        "--name",
        default=names.name_from(os.environ),
        help=f"the lab's name (default: ${names.NAME_VARIABLE}, else '{names.DEFAULT_NAME}')",
    )
    try:
        options = parser.read(arguments)
        if options.action == "up":
            control.up(options.name, _say)
        elif options.action == "down":
            control.down(options.name, _say)
        else:
            _say(str(control.status(options.name)))
    except TestbedError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return 0


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
