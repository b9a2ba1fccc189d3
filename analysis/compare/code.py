"""Say whether two campaigns measured the same code, and asked the same of it. Pure functions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from testbed.model.campaign import Campaign
from testbed.model.catalogue import APP_FILE
from testbed.texts import shown_name

MOST_NAMED = 20  # files of one app


@dataclass(frozen=True)
class Changed:
    """An app's code, or a workload, that differs."""

    what: str  # 'code of records/flask'
    a: str | None  # its digest in A
    b: str | None
    # 'changed', 'new' or 'gone', by file; None: not recorded
    files: dict[str, str] | None

    @property
    def sentence(self) -> str:
        """Say what differs, and in which files as far as that is known."""
        if self.files is None:
            return f"The {self.what} differs; in which files was not recorded."
        if not self.files:
            return (
                f"The {self.what} differs, but not in what its files hold: which of them may be "
                "executed counts, too."
            )
        named = dict(list(self.files.items())[:MOST_NAMED])
        kinds = {kind: [name for name in named if named[name] == kind] for kind in named.values()}
        told = [f"{', '.join(map(shown_name, names))} ({kind})" for kind, names in kinds.items()]
        if len(self.files) > MOST_NAMED:
            told.append(f"… and {len(self.files) - MOST_NAMED} more")
        return f"The {self.what} differs: {', '.join(told)}."


def changes(a: Campaign, b: Campaign) -> Iterator[Changed]:
    """Yield what changed of the apps that both have, and of their workload.

    Yield nothing of what one of them did not record, nor of two different workloads.
    """
    if a.workload != b.workload:
        return
    for name in a.apps:
        if name in b.apps and a.apps[name] != b.apps[name]:
            of_a, of_b = a.app_files.get(name, {}), b.app_files.get(name, {})
            files = _files(of_a, of_b)
            known = files or (of_a == of_b and any(map(_is_app_file, of_a)))
            yield Changed(
                f"code of {a.workload}/{name}",
                a.apps[name],
                b.apps[name],
                files if known else None,
            )
    if files := _files(a.workload_files, b.workload_files):
        yield Changed(f"workload {a.workload}", a.workload_digest, b.workload_digest, files)


def _is_app_file(name: str) -> bool:
    """Return whether it is app.yml, which a campaign has that recorded all files."""
    return name.rpartition("/")[2] == APP_FILE


def _files(a: Mapping[str, str], b: Mapping[str, str]) -> dict[str, str]:
    """Return how each file differs that both campaigns could have recorded.

    Earlier versions of the testbed recorded no files beside the code's folder, '../app/app.yml'.
    """
    if not a or not b:
        return {}
    names = sorted({*a, *b})
    if not all(any(name.startswith("../") for name in side) for side in (a, b)):
        names = [name for name in names if not name.startswith("../")]
    kinds = {
        name: "new" if name not in a else "gone" if name not in b else "changed"
        for name in names
        if a.get(name) != b.get(name)
    }
    order = ("changed", "new", "gone")
    return dict(sorted(kinds.items(), key=lambda item: order.index(item[1])))
