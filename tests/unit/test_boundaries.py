"""Check that imports go only to lower layers, and that pure code imports no host and no clock.

A layer is called a floor here, and a module or package on it a room.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REACHES_OUT = {"fabric", "paramiko", "subprocess", "socket", "asyncio", "invoke"}
KEEPS_TIME = {"time"}
# Floors of testbed/, from the ground: a room uses those below it, never one beside or above
FLOORS = (
    {"called", "host_roles", "numbers", "paths", "patterns", "texts"},
    {"errors", "terminal", "model"},
    {"arguments", "files"},
    {"jsonfile", "seal", "facts", "progress", "tools", "lab"},
    {"archive", "store", "validity"},
    {"asked", "fitness"},
    {"bundle", "hosts"},
    {"run"},
    {"campaign"},
    {"cli"},
)
# Floors of analysis/, likewise
ANALYSIS_FLOORS = (
    {"figures", "frames", "histogram", "in_one", "intervals", "knee", "text_table"},
    {"curves", "power", "resampling", "statistics"},
    {"load"},
    {"ratio"},
    {"cost"},
    {"axis", "other_service", "evidence", "folders", "measured", "trials"},
    {"findings", "gave_out", "merged", "pairs", "verdict"},
    {"groups"},
    {"capacities", "columns", "mixes"},
    {"ramp"},
    {"asked", "charts", "compare", "tables"},
    {"ranking"},
    {"answer_words"},
    {"answers", "timelines", "why"},
    {"html"},
    {"bundle", "compared", "export", "reparse", "report"},
    {"articles", "question"},
    {"serve"},
)
HOUSES = {"testbed": FLOORS, "analysis": ANALYSIS_FLOORS}
NO_CODE = {"templates"}
# Rooms that compute: no host is reached from them, no clock is read
PURE = (
    "called", "model", "tools", "validity", "asked", "fitness", "facts", "host_roles", "numbers",
    "texts", "seal",
)  # fmt: skip
# Of testbed/, what analysis reads results with
RESULTS_ROOMS = {
    "archive", "arguments", "called", "errors", "facts", "files", "host_roles", "jsonfile", "model",
    "numbers", "patterns", "seal", "store", "terminal", "texts", "tools", "validity",
}  # fmt: skip


def imported(path):
    """Return the names of all modules that a file imports, with any form of import."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def tops(path):
    return {name.split(".")[0] for name in imported(path)}


def files_of(room, package="testbed"):
    place = ROOT / package / room
    return sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]


def rooms_used(path, package="testbed"):
    """Return the names of the package's rooms from which a file imports."""
    found = (name.split(".") for name in imported(path) if name.startswith(f"{package}."))
    return {names[1] for names in found} & set().union(*HOUSES[package])


def shown(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("package", HOUSES)
def test_every_room_has_its_floor(package):
    floors = HOUSES[package]
    places = {path.stem for path in (ROOT / package).iterdir() if not path.name.startswith("__")}
    assert places - NO_CODE == set().union(*floors)
    assert sum(map(len, floors)) == len(places - NO_CODE)


@pytest.mark.parametrize(
    ("package", "floor"),
    [(package, floor) for package, floors in HOUSES.items() for floor in range(len(floors))],
)
def test_a_room_uses_those_below_it(package, floor):
    below = set().union(*HOUSES[package][:floor])
    for room in HOUSES[package][floor]:
        for path in files_of(room, package):
            assert rooms_used(path, package) <= below | {room}, shown(path)


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


@pytest.mark.parametrize("package", ["pacer", "telemetry", "upstream"])
def test_what_runs_on_hosts_stands_alone(package):
    for path in (ROOT / package).rglob("*.py"):
        assert not tops(path) & {"testbed", "analysis", "fabric", "pydantic"}, path
