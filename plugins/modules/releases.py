#!/usr/bin/python3
"""Unpack archives into folders named by their digest, and remove those of earlier digests."""

import compileall
import os
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.digest_folders import folder_of, result, stale

DOCUMENTATION = """
module: releases
short_description: Unpack archives into folders named by their digest
description:
  - An unpacked folder appears when it is complete and never changes, so one that exists is right.
  - Folders of the same names with other digests are removed. C(exclusive) removes all others, too.
  - The role C(releases) copies the archives to the host. They are removed with their folder.
  - If twelve apps are unpacked already, this module finds out in less than a second, where file and
    unarchive in loops take 6.0 s. If none is, either way takes some 16 s, most of it to copy the
    archives one by one (bench/ansible_modules.py, in a lab on two busy cores).
options:
  folder:
    description: The folder of the releases; each lies in folder/name-digest.
    type: path
    required: true
  releases:
    description: name, digest and archive (a path on the control machine) of each.
    type: list
    elements: dict
    required: true
  exclusive:
    description: Whether everything else is removed from the folder.
    type: bool
    default: false
  archives:
    description: The folder on the host to which the archives are copied.
    type: path
    required: true
author: ["the testbed's authors"]
"""

EXAMPLES = """
- name: Unpack pacer
  releases:
    folder: /opt/testbed/programs
    archives: /run/testbed-archives
    releases:
      - {name: pacer, digest: 0a1b2c3d4e5f, archive: .cache/bundles/pacer-0a1b2c3d4e5f.tar.gz}
"""

RETURN = """
missing:
  description: releases that were not there.
  returned: always
  type: list
stale:
  description: folders of earlier digests, removed.
  returned: always
  type: list
"""


def missing(folder: Path, releases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the releases that are not unpacked."""
    return [release for release in releases if not (folder / folder_of(release)).is_dir()]


def unpack(archive: Path, target: Path) -> None:
    """Unpack an archive and compile its bytecode. The target appears when it is complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=target.parent, prefix=".partial-"))
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(partial)  # noqa: S202 - made by testbed.bundle on the control machine
        for path in [partial, *partial.rglob("*")]:
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        compileall.compile_dir(partial, quiet=2, stripdir=str(partial), prependdir=str(target))
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "folder": {"type": "path", "required": True},
            "releases": {"type": "list", "elements": "dict", "required": True},
            "exclusive": {"type": "bool", "default": False},
            "archives": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    os.umask(0o022)  # sudo keeps the umask of the user who logged in, which may lock out all others
    folder, releases = Path(module.params["folder"]), module.params["releases"]
    absent = missing(folder, releases)
    leftover = stale(folder, releases, module.params["exclusive"])
    if not module.check_mode:
        archives = Path(module.params["archives"])
        for release in absent:
            try:
                unpack(archives / Path(release["archive"]).name, folder / folder_of(release))
            except (tarfile.TarError, OSError) as error:
                module.fail_json(
                    msg=f"Cannot unpack {release['archive']}: {error}. Delete it on the control"
                    " machine, so that it is made anew, and look at the disk's free space here."
                )
        for path in leftover:
            shutil.rmtree(path)
        shutil.rmtree(archives, ignore_errors=True)
    module.exit_json(**result(absent, leftover))


if __name__ == "__main__":
    main()
