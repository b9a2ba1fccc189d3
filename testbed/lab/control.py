"""Bring a lab up, show its state, and take it down.

Each of these can be repeated. A lab is either brought up completely or removed again.
"""

import json
import os
import socket
from pathlib import Path
from typing import Any

from testbed.errors import Exit, TestbedError
from testbed.host_roles import ROLES
from testbed.lab import (
    cgroups,
    cpus,
    host,
    image,
    machine,
    names,
    network,
    roots,
    takeover,
    way_out,
)
from testbed.lab.machine import Say
from testbed.lab.status import HostStatus, LabStatus


def up(name: str, say: Say) -> None:
    """Bring the lab up. If it is up already, nothing is changed.

    The remains of a half-made or broken lab are removed first. Raises TestbedError if the machine
    cannot have a lab, or if a host does not boot; then nothing of the lab is left.
    """
    lab = names.lab(name)
    release = machine.check()
    if _is_up(lab, say):  # no need to wait for the lock
        return
    with machine.lock(say):
        if _is_up(lab, say):
            return
        if _state_of(lab) == "partial":
            say(f"lab '{name}' is half-made or broken: removing it first")
            _remove(lab)
        twin = names.same_addresses(lab, machine.labs())
        if twin:
            raise TestbedError(
                f"lab '{name}' would have the addresses of lab '{twin}', which is there",
                remedy=f"choose another name, or take lab '{twin}' down",
            )
        try:
            _make(lab, release, say)
        except BaseException as error:
            say(f"removing what was made of lab '{name}'")
            _remove(lab)
            if isinstance(error, OSError):  # for example, a full disk
                raise TestbedError(
                    f"lab '{name}' could not be made: {error}", exit_code=Exit.NOT_READY
                ) from error
            raise


def _is_up(lab: names.LabNames, say: Say) -> bool:
    is_up = _state_of(lab) == "up"
    if is_up:
        say(f"lab '{lab.name}' is up")
    return is_up


def down(name: str, say: Say) -> None:
    """Remove the lab and everything that belongs to it. Without a lab, nothing happens.

    Raises TestbedError, which names what could not be removed.
    """
    lab = names.lab(name)
    machine.check_rights()
    with machine.lock(say):
        if _state_of(lab) == "down" and not _leftovers(lab):
            machine.restore()
            say(f"lab '{name}' is not there")
            return
        say(f"taking lab '{name}' down")
        _remove(lab)
    say(f"lab '{name}' is down")


def status(name: str) -> LabStatus:
    """Return the lab's state without changing anything. Raises TestbedError without root rights."""
    lab = names.lab(name)
    machine.check_rights()
    pinned = _read_state(lab).get("cpus", {})
    hosts = tuple(
        HostStatus(
            role=one.role,
            is_running=host.is_running(one),
            answers=host.answers(one),
            address=one.address,
            bench_address=one.bench_address,
            cpus=tuple(pinned[one.role]) if pinned.get(one.role) else None,
        )
        for one in lab.hosts
    )
    return LabStatus(name, _state_of(lab), hosts, str(lab.private_key), str(lab.known_hosts))


def check_up(name: str | None) -> None:
    """Raise TestbedError if the lab of that name is down. None stands for no lab at all.

    A lab that is down is not contacted, as its addresses could belong to anybody.
    """
    if name is None or status(name).state != "down":
        return
    there = [other for other in machine.labs() if other != name]
    known = f" (there is {', '.join(there)}; ${names.NAME_VARIABLE} chooses)" if there else ""
    raise TestbedError(
        f"lab '{name}' is not up{known}", remedy="run `fab lab.up`", exit_code=Exit.NOT_READY
    )


def _make(lab: names.LabNames, release: machine.Release, say: Say) -> None:
    say(f"bringing lab '{lab.name}' up")
    split = cpus.beside(cpus.split(cpus.usable_cores()), _servers())
    pinned: dict[str, list[int]] = dict(zip(ROLES, split, strict=True)) if split else {}
    if not pinned:
        say("one CPU only: server and client share it, so the generator eats the server's time")
    for variable in takeover.unreachable_proxies(os.environ):
        say(f"{variable} leads to this machine's loopback, which lab hosts cannot reach")
    open_files = machine.most_open_files(host.OPEN_FILES)
    if open_files < host.OPEN_FILES:
        say(f"this machine allows {open_files} open files, not the {host.OPEN_FILES} of real hosts")
    lab.folder.mkdir(mode=0o700, parents=True)
    _write_state(lab, "starting", pinned, None)
    recipe = image.recipe(release)
    base = image.provide(recipe, _images_in_use(), say)
    _write_state(lab, "starting", pinned, base)
    say("making the hosts' files and links")
    roots.make(base, lab)
    roots.make_keys(base, lab)
    machine.prepare()
    network.make(lab, _needed_inside(recipe, base))
    say("booting the hosts")
    for one in lab.hosts:
        shown_folders = roots.personalize(base, one, lab, os.environ)
        host.start(base, one, pinned.get(one.role), open_files, shown_folders)
    for one in lab.hosts:
        host.wait_until_up(lab, one, say)
    _write_state(lab, "up", pinned, base)
    say(f"lab '{lab.name}' is up: server {lab.server.address}, client {lab.client.address}")


def _needed_inside(recipe: image.Recipe, base: Path) -> list[way_out.Service]:
    """Return the services that the hosts' settings name: resolver, proxies, archives, indexes."""
    urls = way_out.urls(
        recipe.apt_sources,
        recipe.apt_settings,
        roots.pip_settings(os.environ),
        roots.environment_file(base, os.environ),
    )
    named = way_out.resolvers(roots.resolver()) | way_out.of_urls(urls)
    return way_out.addresses(named, _resolve)


def _resolve(host_name: str) -> list[str]:
    try:
        found = socket.getaddrinfo(host_name, None, socket.AF_INET, socket.SOCK_STREAM)
    except OSError:  # no such name: provisioning will report it when something needs it
        return []
    return [str(address[0]) for *_, address in found]


def _remove(lab: names.LabNames) -> None:
    """Remove the lab. Raises TestbedError, which names what could not be removed."""
    host.stop(lab.hosts, power_off=_state_of(lab) == "up")
    network.remove(lab)
    host.remove_files(lab)
    machine.restore()
    left = _leftovers(lab)
    if left:
        raise TestbedError(
            f"not all of lab '{lab.name}' could be removed: {'; '.join(left)}",
            remedy="end what still uses it, then take the lab down again",
            exit_code=Exit.NOT_READY,
        )


def _leftovers(lab: names.LabNames) -> list[str]:
    left = network.leftovers(lab)
    for one in lab.hosts:
        left += [f"process {pid} of {one.hostname}" for pid in cgroups.processes(one.machine)]
        left += [f"control group {group}" for group in cgroups.find(one.machine)]
    left += [f"mount {mount}" for mount in host.mounts_below(lab.folder)]
    left += [f"folder {lab.folder}"] if lab.folder.exists() else []
    return left


def _state_of(lab: names.LabNames) -> str:
    if not lab.folder.exists() and not _leftovers(lab):
        return "down"
    state = _read_state(lab)
    made = state.get("phase") == "up" and state.get("boot_id") == machine.boot_id()
    alive = all(host.is_running(one) and host.answers(one) for one in lab.hosts)
    return "up" if made and alive else "partial"


def _read_state(lab: names.LabNames) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(lab.state_file.read_text())
    except FileNotFoundError:
        return {}
    return content


def _servers() -> list[list[int]]:
    """Return the CPUs of each server of a lab that is there."""
    states = [_read_state(names.lab(name)) for name in machine.labs()]
    return [state["cpus"]["server"] for state in states if state.get("cpus")]


def _images_in_use() -> list[Path]:
    states = [_read_state(names.lab(name)) for name in machine.labs()]
    return [Path(state["image"]) for state in states if state.get("image")]


def _write_state(
    lab: names.LabNames, phase: str, pinned: dict[str, list[int]], base: Path | None
) -> None:
    content = {
        "phase": phase,
        "boot_id": machine.boot_id(),
        "cpus": pinned,
        "image": str(base) if base else None,
    }
    machine.write_json(lab.state_file, content)
