"""What the runs of a campaign share, and what is known of a run while it goes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from testbed.catalogue import Catalogue
from testbed.inventory import Inventory
from testbed.model.experiment import Experiment
from testbed.model.results import (
    AnswerCheck,
    Before,
    Failure,
    Generator,
    HostRole,
    LinkRecord,
    LinkState,
    SqlSeen,
)
from testbed.model.tool_output import ToolOutput
from testbed.progress import Progress
from testbed.remote import Remote


@dataclass(frozen=True)
class Session:
    """What all runs of a campaign share."""

    campaign: str
    folder: Path
    experiment: Experiment
    catalogue: Catalogue
    inventory: Inventory
    server: Remote
    client: Remote
    generators: dict[Generator, str | None]  # on the generating host, with their versions
    generator_cpus: int
    postgresql: dict[str, str]  # settings as the campaign found them
    link: LinkRecord | None
    progress: Progress
    workers: dict[tuple[str, str], dict[str, int]]  # endpoint, variant -> app -> its workers

    def remote(self, role: HostRole) -> Remote:
        """The connection to the host of that role."""
        return self.server if role == "server" else self.client


@dataclass
class Course:
    """What is known of a run while it goes."""

    started_at: datetime
    stage: str = "prepare"
    phases_s: dict[str, float] = field(default_factory=dict)
    measured_from: datetime | None = None
    answers: list[AnswerCheck] = field(default_factory=list)
    sql: list[SqlSeen] | None = None
    before: dict[HostRole, Before] = field(default_factory=dict)
    link_after: dict[HostRole, LinkState] = field(default_factory=dict)
    main_pid: int | None = None
    app_open_files: int | None = None
    rows: dict[str, int] | None = None
    postgresql: dict[str, str] | None = None  # settings; None: not used
    unit: dict[str, str] | None = None
    command: str | None = None
    output: ToolOutput | None = None
    failure: Failure | None = None
    earlier_failures: list[Failure] = field(default_factory=list)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase, and remember it as where a failure happened."""
        self.stage, begin = name, time.monotonic()
        try:
            yield
        finally:
            self.phases_s[name] = round(time.monotonic() - begin, 3)
