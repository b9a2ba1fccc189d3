"""The data that apps find: the same before every run, whatever an earlier load did to them."""

from pathlib import Path

from testbed import catalogue, hosts, postgresql
from testbed.errors import Exit, TestbedError
from testbed.model.catalogue import Workload
from testbed.remote import CommandFailed, Remote

EMPTY_REDIS = "testbed-redis-flush.service"  # of roles/redis


def put_back(
    server: Remote, name: str, workload: Workload, workload_folder: Path
) -> dict[str, int] | None:
    """Run the workload's reset file, and empty Redis where it is used.

    Gives how many rows the app will find in each table; None without a database. Raises
    TestbedError if that fails.
    """
    if workload.reset is not None:
        path = workload_folder / workload.reset
        unit = catalogue.reset_unit(name, workload_folder, workload.reset)
        try:
            server.run(["sudo", "-n", "systemctl", "start", unit])
        except CommandFailed as error:
            raise TestbedError(
                f"{path}: PostgreSQL refuses it: {_last_words(server, unit) or error.output}",
                remedy="if the data set is not there: run `ansible-playbook site.yml`",
                exit_code=Exit.RUN_FAILED,
            ) from error
    if "redis" in workload.services:
        server.run(["sudo", "-n", "systemctl", "start", EMPTY_REDIS])
    if "postgresql" not in workload.services:
        return None
    return postgresql.rows(server, server.facts.database_of(name))


def check_deployed(server: Remote, name: str, workload: Workload, workload_folder: Path) -> None:
    """Raise TestbedError unless the workload's reset file is on the server host as it is here."""
    if workload.reset is None:
        return
    path = workload_folder / workload.reset
    show = [
        "systemctl",
        "show",
        "-P",
        "LoadState",
        catalogue.reset_unit(name, workload_folder, workload.reset),
    ]
    if server.run(show).stdout.strip() != "loaded":
        raise TestbedError(
            f"server host: the file that puts data back differs from {path}, or is not there",
            remedy="run `ansible-playbook site.yml` for this inventory",
            exit_code=Exit.NOT_READY,
        )


def _last_words(server: Remote, unit: str) -> str:
    """What psql printed when the unit was last started."""
    _, _, last = hosts.journal(server, unit).rpartition("Starting ")
    return "; ".join(line for line in last.splitlines() if line.startswith("psql"))
