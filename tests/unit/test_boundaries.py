"""Imports go down from floor to floor, and what must not reach a host or a clock cannot."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REACHES_OUT = {"fabric", "paramiko", "subprocess", "socket", "asyncio", "invoke"}
KEEPS_TIME = {"time"}
# Floors of testbed/, from the ground: a room uses those below it, never one beside or above
FLOORS = (
    {"paths", "texts"},
    {"errors", "numbers", "terminal", "model"},
    {"files", "jsonfile", "seal", "facts", "progress", "tools", "lab"},
    {"store", "validity"},
    {"asked", "fitness"},
    {"bundle", "hosts"},
    {"run"},
    {"campaign"},
    {"cli"},
)
# Rooms that compute: no host is reached from them, no clock is read
PURE = ("model", "tools", "validity", "asked", "fitness", "facts", "numbers", "texts", "seal")
# Of testbed/, what analysis reads results with
RESULTS_ROOMS = {
    "errors", "facts", "jsonfile", "model", "numbers", "seal", "store", "terminal", "tools",
}  # fmt: skip


def imported(path):
    """Names of all modules that a file imports, however it says so."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def tops(path):
    return {name.split(".")[0] for name in imported(path)}


def files_of(room):
    place = ROOT / "testbed" / room
    return sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]


def rooms_used(path):
    """Names below testbed/ that a file imports from."""
    return {name.split(".")[1] for name in imported(path) if name.startswith("testbed.")} & {
        room for floor in FLOORS for room in floor
    }


def shown(path):
    return str(path.relative_to(ROOT))


def test_every_room_has_its_floor():
    places = {path.stem for path in (ROOT / "testbed").iterdir() if not path.name.startswith("__")}
    assert places == set().union(*FLOORS)
    assert sum(map(len, FLOORS)) == len(places)


@pytest.mark.parametrize("floor", range(len(FLOORS)))
def test_a_room_uses_those_below_it(floor):
    below = set().union(*FLOORS[:floor])
    for room in FLOORS[floor]:
        for path in files_of(room):
            assert rooms_used(path) <= below | {room}, shown(path)


@pytest.mark.parametrize("room", PURE)
def test_rooms_that_compute_reach_no_host_and_no_clock(room):
    for path in files_of(room):
        assert not tops(path) & (REACHES_OUT | KEEPS_TIME), shown(path)


def test_testbed_does_not_need_analysis():
    for path in (ROOT / "testbed").rglob("*.py"):
        assert "analysis" not in tops(path), shown(path)


@pytest.mark.parametrize("path", sorted((ROOT / "analysis").rglob("*.py")), ids=shown)
def test_analysis_reaches_no_host_and_no_clock(path):
    assert not tops(path) & (REACHES_OUT | KEEPS_TIME)
    assert rooms_used(path) <= RESULTS_ROOMS


@pytest.mark.parametrize("package", ["pacer", "telemetry"])
def test_what_runs_on_hosts_stands_alone(package):
    for path in (ROOT / package).rglob("*.py"):
        assert not tops(path) & {"testbed", "analysis", "fabric", "pydantic"}, path
