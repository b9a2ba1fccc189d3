"""What must not reach a host or a clock does not import what would let it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REACHES_OUT = {"fabric", "paramiko", "subprocess", "socket", "asyncio", "invoke"}
KEEPS_TIME = {"time"}
# Of testbed/, what analysis reads results with: models, the reader, and how texts are shown
MAY_USE_ALL = tuple(
    f"testbed.{name}"
    for name in ("model", "errors", "terminal", "jsonfile", "seal", "results", "facts")
)
# What `reparse` needs beyond: which file a generator leaves
MAY_USE = {"reparse.py": ("testbed.generators",)}

PURE = [
    *(ROOT / "testbed" / "model").glob("*.py"),
    *(ROOT / "analysis" / "parsers").glob("*.py"),
    *(ROOT / "testbed" / "validity").glob("*.py"),
    *(ROOT / "testbed" / "fitness").glob("*.py"),
    *(
        ROOT / "analysis" / f"{name}.py"
        for name in ("claims", "comparison", "differences", "measured")
    ),
    *(ROOT / "analysis" / f"{name}.py" for name in ("ramp", "statistics")),
    *(
        ROOT / "testbed" / f"{name}.py"
        for name in ("plan", "answers", "generators", "sql", "capacity", "database_connections")
    ),
]


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


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(ROOT)))
def test_pure_modules_reach_no_host_and_no_clock(path):
    assert not tops(path) & (REACHES_OUT | KEEPS_TIME)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "analysis").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_analysis_reaches_no_host(path):
    assert not tops(path) & REACHES_OUT
    allowed = (*MAY_USE_ALL, *MAY_USE.get(path.name, ()))
    ours = {name for name in imported(path) if name.startswith("testbed.")}
    assert all(name.startswith(allowed) for name in ours), ours


@pytest.mark.parametrize("package", ["pacer", "telemetry"])
def test_what_runs_on_hosts_stands_alone(package):
    for path in (ROOT / package).rglob("*.py"):
        assert not tops(path) & {"testbed", "analysis", "fabric", "pydantic"}, path
