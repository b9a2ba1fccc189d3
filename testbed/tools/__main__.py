"""Print the figures of what a load generator or iperf printed: `python -m testbed.tools FILE`.

The same as `testbed parse`, for who has the parsers only (packaging/parsers).
"""

import sys
from collections.abc import Sequence

from testbed.arguments import Arguments
from testbed.errors import Exit, TestbedError
from testbed.terminal import Terminal
from testbed.tools import command as parse_command


def main(words: Sequence[str], program: str = "python -m testbed.tools") -> int:
    """Print the figures of one file, and return the exit code."""
    description = "Print the figures of what a load generator or iperf printed."
    parser = Arguments(prog=program, description=description)
    parse_command.add_arguments(parser)
    try:
        parse_command.run(parser.read(words), Terminal())
    except TestbedError as error:
        Terminal(stderr=True).print(
            f"error: {error}", highlight=False, markup=False, soft_wrap=True
        )
        return error.exit_code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return 0


def command() -> int:
    """Do what the arguments of this process ask, as the command testbed-parse."""
    return main(sys.argv[1:], "testbed-parse")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
