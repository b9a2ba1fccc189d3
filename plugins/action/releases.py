"""Bring over the archives that a host does not have unpacked, then have them unpacked there."""

from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):  # type: ignore[misc] # ansible has no types
    """The control machine's part of the module `releases`."""

    TRANSFERS_FILES = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Ask what is missing; nothing is brought over, nor changed, where that is enough."""
        super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        result: dict[str, Any] = self._ask(arguments, task_vars)
        if result.get("failed") or not result.get("changed") or self._task.check_mode:
            return result
        transferred = {}
        for release in arguments["releases"]:
            if f"{release['name']}-{release['digest']}" in result["missing"]:
                target = self._connection._shell.join_path(self._temporary(), release["digest"])
                transferred[release["digest"]] = self._transfer_file(release["archive"], target)
        try:
            return self._ask(arguments | {"transferred": transferred}, task_vars)
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)

    def _ask(self, arguments: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        answer: dict[str, Any] = self._execute_module(
            module_name="releases", module_args=arguments, task_vars=task_vars
        )
        return answer

    def _temporary(self) -> str:
        """A folder on the host that Ansible removes."""
        if self._connection._shell.tmpdir is None:
            self._make_tmp_path()
        return str(self._connection._shell.tmpdir)
