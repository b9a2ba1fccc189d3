"""The data that apps find: the same before every run, whatever an earlier load did to them."""

from pathlib import Path

from testbed import postgresql, sql
from testbed.errors import Exit, TestbedError
from testbed.model.catalogue import Workload
from testbed.remote import CommandFailed, Remote

EMPTY_REDIS = "testbed-redis-flush.service"  # of roles/redis


def put_back(
    server: Remote, name: str, workload: Workload, workload_folder: Path, run_folder: str
) -> dict[str, int] | None:
    """Run the workload's reset file, and empty Redis where it is used.

    `run_folder`: the run's folder on the server host. Gives how many rows the app will find in each
    table; None without a database. Raises TestbedError if that fails.
    """
    if workload.reset is not None:
        path = workload_folder / workload.reset
        copy = f"{run_folder}/{path.name}"
        server.write(copy, sql.read_file(workload_folder, workload.reset))
        database = server.facts.database_of(name)
        command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, "-f", copy]
        try:
            server.run(command)
        except CommandFailed as error:
            raise TestbedError(
                f"{path}: PostgreSQL refuses it: {error.output.strip()}",
                remedy="if the data set is not there: run `ansible-playbook site.yml`",
                exit_code=Exit.RUN_FAILED,
            ) from error
    if "redis" in workload.services:
        server.run(["sudo", "-n", "systemctl", "start", EMPTY_REDIS])
    if "postgresql" not in workload.services:
        return None
    return postgresql.rows(server, server.facts.database_of(name))
