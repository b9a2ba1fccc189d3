"""The command line: `record` samples until stopped; other commands look once and print JSON."""

import argparse
import csv
import ipaddress
import json
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from telemetry import describe, fitness, link, others, ports, probes, sockets


class Stopped(Exception):
    """Raised on SIGINT or SIGTERM, to end the sampling."""


def record(file: Path, chosen: list[probes.Probe], interval_s: float) -> NoReturn:
    """Append a row of samples every `interval_s` seconds, until Stopped is raised.

    Samples are due at fixed times. A sample whose time has passed is left out, not made up for.
    """
    beat = time.monotonic()
    with file.open("w", newline="") as stream:
        writer = None
        while True:
            missed = max(0, (time.monotonic() - beat) // interval_s)
            beat += interval_s * (missed + 1)
            time.sleep(max(0.0, beat - time.monotonic()))
            row: probes.Row = {}
            for probe in chosen:
                row.update(probe.sample())
            if writer is None:
                writer = csv.DictWriter(stream, fieldnames=list(row))
                writer.writeheader()
            writer.writerow(row)
            stream.flush()


def _stop(number: int, frame: object) -> None:
    raise Stopped


def main() -> int:
    """Run one command. Return 0 when it is done or stopped, or 1 if it cannot sample."""
    options = _read_arguments()
    if options.command == "record":
        return _record(options)
    if options.command == "listen":
        return ports.listen(options.address, options.port)
    json.dump(_found(options), sys.stdout, indent=1)
    return 0


def _read_arguments() -> argparse.Namespace:
    """Return the command and the values of its arguments."""
    parser = argparse.ArgumentParser(prog="telemetry", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_record(commands.add_parser("record", help="sample this host until stopped"))
    describing = commands.add_parser("describe", help="print what this host is, as JSON")
    describing.add_argument("--interface", required=True)
    describing.add_argument("--package", action="append", default=[], help="a Debian package")
    describing.add_argument("--environments", type=Path, required=True, help="folder of venvs")
    looking = commands.add_parser("others", help="print who uses this host's CPUs now, as JSON")
    looking.add_argument("--window", type=float, default=0.5, help="seconds (default 0.5)")
    _add_link(looking)
    linking = commands.add_parser("link", help="print how the data link is now, as JSON")
    _add_link(linking)
    listening = commands.add_parser("listen", help="accept connections for a moment")
    connecting = commands.add_parser("connect", help="try a connection, and print what came of it")
    for ends in (listening, connecting):
        ends.add_argument("--address", required=True, help="this host's own on the data link")
        ends.add_argument("--port", type=int, required=True)
    connecting.add_argument("--peer", required=True, help="the other host's address on it")
    connecting.add_argument("--timeout", type=float, default=2, help="seconds (default 2)")
    _add_fitness(
        commands.add_parser("fitness", help="print facts on being fit to measure, as JSON")
    )
    return parser.parse_args()


def _add_record(parser: argparse.ArgumentParser) -> None:
    """Add the options on what is sampled, and where to."""
    parser.add_argument("file", type=Path)
    _add_link(parser)
    parser.add_argument("--pid", type=int, help="main process of the app under test")
    parser.add_argument("--database", help="PostgreSQL database of the app under test")
    parser.add_argument(
        "--service", action="append", default=[], type=_service, metavar="NAME=PID",
        help="a service that the app uses, and its main process",
    )  # fmt: skip
    parser.add_argument(
        "--asks", action="append", default=[], type=_address, metavar="NAME=ADDRESS:PORT",
        help="a service that programs of this host ask over TCP, and where it listens (IPv4)",
    )  # fmt: skip
    parser.add_argument(
        "--memory", type=shlex.split, default=[], metavar="COMMAND",
        help="what reads the memory of the app's processes, at each line of its standard input",
    )  # fmt: skip
    parser.add_argument("--interval", type=float, default=1.0, help="seconds (default 1)")


def _add_fitness(parser: argparse.ArgumentParser) -> None:
    """Add the options on what is to be fit."""
    parser.add_argument("--interface", required=True, help="the data link's interface")
    parser.add_argument("--peer", required=True, help="the other host's address on the data link")
    parser.add_argument("--port", type=int, action="append", default=[], help="that should be free")
    parser.add_argument("--folder", action="append", default=[], help="whose disk is to have room")
    parser.add_argument("--window", type=float, default=0.5, help="seconds (default 0.5)")


def _service(text: str) -> tuple[str, int]:
    """Return name and process id of NAME=PID. Raises ValueError."""
    name, _, pid = text.partition("=")
    return name, int(pid)


def _address(text: str) -> tuple[str, sockets.Address]:
    """Return name and address of NAME=ADDRESS:PORT. Raises ValueError."""
    name, _, where = text.partition("=")
    host, _, port = where.rpartition(":")
    return name, sockets.Address(str(ipaddress.IPv4Address(host)), int(port))


def _add_link(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where the data link is."""
    parser.add_argument("--interface", required=True, help="the data link's interface")
    parser.add_argument("--address", required=True, help="this host's own on it")
    parser.add_argument("--peer", required=True, help="the other host's address on it")


def _found(options: argparse.Namespace) -> dict[str, Any]:
    """Return what a look at the host finds."""
    if options.command == "fitness":
        return fitness.facts(
            options.interface, options.peer, options.port, options.folder, options.window
        )
    if options.command == "describe":
        return describe.describe(options.interface, options.package, options.environments)
    if options.command == "connect":
        return ports.connect(options.address, options.peer, options.port, options.timeout)
    where = (options.interface, options.address, options.peer)
    if options.command == "link":
        return link.look(*where)
    return {"link": link.state(*where)} | others.look(options.window)


def _record(options: argparse.Namespace) -> int:
    """Sample until stopped, and return the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        record(
            options.file,
            probes.probes(
                link.Link(options.interface, options.address, options.peer),
                options.pid,
                options.database,
                dict(options.service),
                options.memory,
                dict(options.asks),
            ),
            options.interval,
        )
    except Stopped:
        return 0
    except (OSError, KeyError) as error:
        sys.stderr.write(f"telemetry: cannot sample: {error!r}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
