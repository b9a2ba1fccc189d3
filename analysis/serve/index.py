"""Know all campaigns and series of a results folder, and find some of them.

Only the record of each campaign is read, once for as long as it stays as it is. The runs, of which
there may be thousands, are read for their verdicts only where those are asked for, and once, too.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Generic, Literal, TypeVar
from urllib.parse import quote_from_bytes, unquote_to_bytes

from analysis.compare.noise import hosts_of
from analysis.trials import WORST_LAST
from testbed import store
from testbed.errors import TestbedError
from testbed.model.article import Series
from testbed.model.campaign import Campaign
from testbed.model.noise import NoiseHost
from testbed.model.results import CAMPAIGN_FILE, RUN_FILE, SERIES_FILE, RunRecord
from testbed.texts import plain, shown_name

Kind = Literal["campaign", "series"]
Stamp = tuple[int, ...]  # of a file: another one where the file was written anew
UNREADABLE = "unreadable"  # beside the verdicts: a run whose run.json says none
VERDICTS = (*WORST_LAST, UNREADABLE)
# By what can be searched, besides words and verdicts: a field of Entry, and its title
SEARCHED = {"app": "App", "endpoint": "Endpoint", "experiment": "Experiment", "place": "Place"}
T = TypeVar("T")


@dataclass(frozen=True)
class Question:
    """What a campaign asked and where, as far as its record says it. Equal ones have a history."""

    experiment: str
    workload: str
    place: str
    hosts: tuple[NoiseHost, ...]  # without their kernels, which are updated


@dataclass(frozen=True)
class Entry:
    """A campaign or a series of the results folder."""

    name: str  # its path in the results folder
    folder: Path
    began: datetime  # of one that cannot be read: when its record was written
    kind: Kind = "campaign"
    title: str = ""
    ended: bool = False
    runs: tuple[str, ...] = ()  # ids of runs; of a series, folders of campaigns
    apps: frozenset[str] = frozenset()
    endpoints: frozenset[str] = frozenset()
    question: Question | None = None  # None: a series, or a campaign that cannot be read
    experiments: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    problem: str | None = None  # why it cannot be read

    @property
    def address(self) -> str:
        """Return the name as it stands in addresses."""
        return quote_from_bytes(os.fsencode(self.name), safe="/")

    @property
    def words(self) -> str:
        """Return everything that words are looked for in."""
        parts = [self.name, self.title, *self.experiments, *self.places, *self.apps]
        return " ".join([*parts, *self.endpoints, self.problem or ""]).casefold()

    def values(self, key: str) -> frozenset[str]:
        """Return what the entry has of a key of SEARCHED."""
        found: frozenset[str] = getattr(self, f"{key}s")
        return found


@dataclass
class Remembered(Generic[T]):
    """What was read of files, each for as long as its stamp stays the same."""

    known: dict[object, tuple[Stamp, T]] = field(default_factory=dict)

    def get(self, key: object, stamp: Stamp) -> T | None:
        """Return what is known under this stamp; None if nothing is."""
        found = self.known.get(key)
        return found[1] if found and found[0] == stamp else None

    def put(self, key: object, stamp: Stamp, value: T) -> T:
        """Remember the value and return it."""
        self.known[key] = (stamp, value)
        return value


class Index:
    """The campaigns and series of a results folder. Several threads may ask it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._entries: Remembered[Entry] = Remembered()
        self._verdicts: Remembered[str] = Remembered()

    def entries(self) -> list[Entry]:
        """Return all campaigns and series, the latest first."""
        found = {path: self._entry(path) for path in _places(self.folder)}
        told = [self._with_parts(one, found) for one in found.values()]
        return sorted(told, key=lambda one: (one.began, one.name), reverse=True)

    def find(self, address: str) -> Entry:
        """Return the campaign or series with this address. Raises TestbedError if none has it."""
        name = name_of(address)
        found = next((one for one in self.entries() if one.name == name), None)
        if found is None:
            raise TestbedError(f"{shown_name(name)}: no such campaign here")
        return found

    def verdicts(self, entry: Entry) -> Counter[str]:
        """Return how many runs of a campaign have each verdict, as recorded; none of a series."""
        if entry.kind == "series":
            return Counter()
        paths = (entry.folder / run / RUN_FILE for run in entry.runs)
        words = [word for path in paths if (word := self._verdict(path))]
        return Counter(sorted(words, key=VERDICTS.index))

    def _verdict(self, path: Path) -> str | None:
        stamp = stamp_of(path)
        if stamp is None:
            return None
        return self._verdicts.get(path, stamp) or self._verdicts.put(path, stamp, _verdict(path))

    def _entry(self, folder: Path) -> Entry:
        series = folder / SERIES_FILE
        path = series if stamp_of(series) else folder / CAMPAIGN_FILE
        stamp = stamp_of(path) or ()
        known = self._entries.get(folder, stamp)
        return known or self._entries.put(folder, stamp, self._read(folder, path))

    def _read(self, folder: Path, path: Path) -> Entry:
        name = folder.relative_to(self.folder).as_posix()
        try:
            return _series(name, path) if path.name == SERIES_FILE else _campaign(name, path)
        except (TestbedError, OverflowError) as error:  # OverflowError: a year beyond the calendar
            message = error.message if isinstance(error, TestbedError) else f"{path.name}: {error}"
            told = " ".join(message.replace(f"{shown_name(folder)}/", "").split())
            written = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
            return Entry(name=name, folder=folder, began=written, problem=told)

    def _with_parts(self, entry: Entry, found: dict[Path, Entry]) -> Entry:
        """Return a series with the apps, endpoints and places of its campaigns."""
        if entry.kind != "series":
            return entry
        parts = [found[path] for part in entry.runs if (path := entry.folder / part) in found]
        return replace(
            entry,
            apps=frozenset().union(*(one.apps for one in parts)),
            endpoints=frozenset().union(*(one.endpoints for one in parts)),
            places=frozenset().union(*(one.places for one in parts)),
        )


def name_of(address: str) -> str:
    """Return the name that an address stands for."""
    return os.fsdecode(unquote_to_bytes(address))


def stamp_of(path: Path) -> Stamp | None:
    """Return the file's stamp; None if there is no such file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def _places(folder: Path) -> Iterator[Path]:
    """Yield the folders of campaigns and series; not those that links lead to."""
    for place in _folders(folder):
        if _records(place):
            yield place
        if not stamp_of(place / CAMPAIGN_FILE):  # else its folders are runs
            yield from (inner for inner in _folders(place) if stamp_of(inner / CAMPAIGN_FILE))


def _records(place: Path) -> bool:
    """Return whether the folder is a campaign or a series, or has lost the record of one."""
    if any(stamp_of(place / name) for name in (CAMPAIGN_FILE, SERIES_FILE)):
        return True
    return any(stamp_of(inner / RUN_FILE) for inner in _folders(place))


def _folders(place: Path) -> list[Path]:
    """Return the folders in a place that are not hidden; none where it cannot be entered."""
    try:
        with os.scandir(place) as found:
            own = [one for one in found if one.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return [place / one.name for one in own if not one.name.startswith(".")]


def _campaign(name: str, path: Path) -> Entry:
    about, _ = store.read_as_found(path, Campaign)
    hosts = tuple(one.model_copy(update={"kernel": ""}) for one in hosts_of(about))
    return Entry(
        name=name,
        folder=path.parent,
        began=_utc(about.created_at),
        title=plain(about.title),
        ended=about.ended_at is not None,
        runs=tuple(run for run in about.runs if is_name(run)),
        apps=_names(about, "apps"),
        endpoints=_names(about, "endpoints"),
        question=Question(about.experiment, about.workload, about.place, hosts),
        experiments=frozenset({plain(about.experiment)}),
        places=frozenset({about.place}),
    )


def _series(name: str, path: Path) -> Entry:
    about, _ = store.read_as_found(path, Series)
    return Entry(
        name=name,
        folder=path.parent,
        began=_utc(about.created_at),
        kind="series",
        title=plain(about.published.title),
        ended=about.ended_at is not None,
        runs=tuple(part.campaign for part in about.parts if is_name(part.campaign)),
        experiments=frozenset({about.article_name}),
    )


def is_name(text: str) -> bool:
    """Return whether a text names something in a folder, which is not hidden."""
    return (
        len(PurePosixPath(text).parts) == 1 and not text.startswith((".", "/")) and "\0" not in text
    )


def _names(about: Campaign, key: str) -> frozenset[str]:
    asked = about.asked.get(key)
    return frozenset(map(plain, map(str, asked)) if isinstance(asked, list | dict) else ())


def _utc(moment: datetime) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _verdict(path: Path) -> str:
    """Return what became of a run, by its record."""
    try:
        return store.read_as_found(path, RunRecord)[0].standing
    except TestbedError:
        return UNREADABLE
