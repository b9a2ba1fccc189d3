"""Define what can go wrong when a host is reached or commanded. Each error names the host."""

from testbed.errors import Exit, TestbedError
from testbed.hosts import causes
from testbed.model.inventory import Host


class HostUnreachable(TestbedError):
    """Raised if no SSH connection could be made, or if it broke."""

    def __init__(self, host: Host, cause: Exception | str) -> None:
        remedy = "is it up? lab: `fab lab.status`; real hosts: ansible_host in the inventory"
        super().__init__(
            f"{host.role} host at {host.ansible_host}: no SSH connection: {cause}",
            remedy=getattr(cause, "remedy", remedy),
            exit_code=Exit.NOT_READY,
        )


class CommandFailed(TestbedError):
    """Raised if a command failed on a host; shows the host, the command and its last lines."""

    def __init__(self, host: Host, command: str, code: int | None, output: str) -> None:
        tail = "\n".join(f"    {line[:500]}" for line in output.strip().splitlines()[-12:])
        cause = causes.of(code, output)
        what = f"{cause.what}: command" if cause else "command"
        super().__init__(
            f"{host.role} host: {what} failed (exit {code}): {command}\n{tail}".rstrip(),
            remedy=cause.remedy if cause else None,
            exit_code=Exit.NOT_READY,
        )
        self.code = code
        self.output = output


class TooMuch(CommandFailed):
    """Raised if a command prints more than it may."""


class NotAnAnswer(TestbedError):
    """Raised if a host's program printed something other than what it was asked for."""

    def __init__(self, host: Host, command: str, problem: str) -> None:
        super().__init__(
            f"{host.role} host: `{command}` did not print what it should: {problem}",
            remedy="run `ansible-playbook site.yml` for this inventory; if that does not help, "
            "somebody has changed the host since",
            exit_code=Exit.NOT_READY,
        )
