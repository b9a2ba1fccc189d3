"""The services that a workload may name, and what other parts of the testbed know of each."""

from dataclasses import dataclass
from typing import Literal

ServiceName = Literal["postgresql", "redis", "upstream"]


@dataclass(frozen=True)
class ServiceFacts:
    """What is known of a service besides what is done with it (testbed/hosts/services/)."""

    variable: str  # the environment variable that tells an app where it is
    package: str | None = None  # pattern of the Debian package whose version affects the figures
    # A unit of its role that empties it before a run, which the user who measures may start
    emptied_by: str | None = None
    one_thread: bool = False  # it cannot use more than one core


SERVICES: dict[ServiceName, ServiceFacts] = {
    "postgresql": ServiceFacts("DATABASE_URL", package="postgresql-[0-9]*"),
    "redis": ServiceFacts(
        "REDIS_URL",
        package="redis-server",
        emptied_by="testbed-redis-flush.service",
        one_thread=True,
    ),
    "upstream": ServiceFacts("UPSTREAM_URL"),  # it comes with the testbed
}
