"""Describe the state of a lab in a form that prints well."""

from dataclasses import dataclass


@dataclass(frozen=True)
class HostStatus:
    """One host of a lab."""

    role: str
    is_running: bool
    answers: bool  # whether its SSH port answers
    address: str  # on the management link
    bench_address: str  # on the data link
    cpus: tuple[int, ...] | None  # None if it is not pinned

    def __str__(self) -> str:
        state = "answers" if self.answers else "boots or hangs" if self.is_running else "is off"
        where = f"on CPU {','.join(map(str, self.cpus))}" if self.cpus else "on any CPU"
        addresses = f"ssh root@{self.address}, data link {self.bench_address}"
        return f"{self.role:7} {state:14} {addresses}, {where}"


@dataclass(frozen=True)
class LabStatus:
    """A lab: `up` (whole and answering), `down` (not there) or `partial` (half-made or broken)."""

    name: str
    state: str
    hosts: tuple[HostStatus, ...]
    private_key: str
    known_hosts: str

    def __str__(self) -> str:
        lines = [f"lab '{self.name}' is {self.state}"]
        if self.state != "down":
            lines += [f"  {host}" for host in self.hosts]
            lines += [f"  key     {self.private_key}", f"  hosts   {self.known_hosts}"]
        return "\n".join(lines)
