"""Tell which folders named by the digest of their content are to go: `name-0a1b2c3d4e5f`."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

DIGEST = re.compile(r"-[0-9a-f]{12}$")


def folder_of(item: dict[str, Any]) -> str:
    """Return the name of the folder of an item with `name` and `digest`."""
    return f"{item['name']}-{item['digest']}"


def stale(
    folder: Path, items: list[dict[str, Any]], exclusive: bool, keep: Collection[str] = ()
) -> list[Path]:
    """Return the folders below `folder` to remove: those of the items' names with other digests.

    If `exclusive`, return all that are neither an item's nor of a name in `keep`.
    """
    names = {item["name"] for item in items}
    wanted = {folder_of(item) for item in items}
    present = sorted(folder.iterdir()) if folder.is_dir() else []

    def is_stale(path: Path) -> bool:
        name = DIGEST.sub("", path.name)
        earlier = name != path.name and name in names
        return path.name not in wanted and (earlier or (exclusive and name not in keep))

    return [path for path in present if is_stale(path)]


def result(missing: list[dict[str, Any]], leftover: list[Path]) -> dict[str, Any]:
    """Return what a module tells Ansible of items that were missing and folders that had to go."""
    new, old = [folder_of(item) for item in missing], [path.name for path in leftover]
    return {
        "changed": bool(new or old),
        "missing": missing,
        "stale": old,
        "diff": {
            "before": "".join(f"{name}\n" for name in old),
            "after": "".join(f"{name}\n" for name in new),
        },
    }
