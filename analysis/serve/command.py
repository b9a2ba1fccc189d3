"""Run `serve`: show a results folder to a browser on this machine until Ctrl-C."""

import errno
from argparse import ArgumentParser, Namespace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from analysis.serve.server import LOOPBACK, Server
from testbed import files, store
from testbed.arguments import integer
from testbed.errors import TestbedError
from testbed.texts import shown_name

PORT = 8080
MOST_PORT = 65535


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `serve`."""
    parser.add_argument(
        "folder", type=files.named, metavar="RESULTS", nargs="?",
        help="folder of campaigns (default: $TESTBED_RESULTS, else results/)",
    )  # fmt: skip
    parser.add_argument(
        "--port", type=integer, default=PORT, metavar="PORT",
        help=f"to listen on, of {LOOPBACK} only; 0 takes a free one (default: {PORT})",
    )  # fmt: skip


def command(arguments: Namespace, console: Console) -> None:
    """Serve until Ctrl-C. Raises TestbedError without the folder or if the port cannot be had."""
    folder = arguments.folder or store.folder()
    files.check_folder(folder, "name the folder that holds campaigns, such as results")
    with _listening(folder, arguments.port) as server:
        told = f"{shown_name(folder)} is shown at {server.address} until Ctrl-C"
        console.print(Text(told), soft_wrap=True)
        server.serve_forever()


def _listening(folder: Path, port: int) -> Server:
    if not 0 <= port <= MOST_PORT:
        raise TestbedError(f"--port: {port} is no port", remedy=f"give 0 to {MOST_PORT}")
    try:
        return Server(folder, port)
    except OSError as error:
        why = "is in use" if error.errno == errno.EADDRINUSE else str(error.strerror).lower()
        raise TestbedError(
            f"--port: {port} of {LOOPBACK}: {why}", remedy="name another one; 0 takes a free one"
        ) from error
