"""Files mutated at random: refused in sentences, or sound all the way to plan and unit."""

import copy
import functools
import json
import re
import shutil
from pathlib import Path

import jinja2
import pytest
import yaml
from edits import APP, EXPERIMENT, WORKLOAD
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testbed import bundle
from testbed.asked import catalogue, experiments
from testbed.asked.plan import plan
from testbed.cli import show
from testbed.errors import TestbedError
from testbed.texts import is_plain

TEMPLATE = bundle.ROOT / "roles/app_deploy/templates/app.service.j2"
MORE = settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

ODD = st.one_of(
    st.sampled_from([None, True, False, 0, -1, -5, 1, 2, 10**9, 10**30, 1e308, 1e-9]),
    st.sampled_from([float("inf"), float("nan"), [], {}, [[]], [None], {"a": None}, [1, 1]]),
    st.sampled_from(["", " ", "true", "0", "5", "2 per cpu", "0 per cpu", "a\nUser=root", "a\rb"]),
    st.sampled_from(["\x1b[2J", "a\0b", "\u202e", "\u2028", "\x85", "a\\", "'", '"', "$", "$$"]),
    st.sampled_from(["${X}", "${WORKERS}", "{venv}", "{app}", "%h", "%%", ";", "+/bin/x", "-o=x"]),
    st.sampled_from(["../x", "/etc/passwd", "~", "größe", "姜戈", "(a+)+", "[", "/", "/a b"]),
    st.sampled_from(["x" * 5000, '/bin/x %h ; $$y \\\\ "z"']),
    st.text(max_size=20),
    st.integers(),
    st.floats(),
    st.recursive(st.none() | st.booleans() | st.text(max_size=3),
                 lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner,
                                                                            max_size=2)),
)  # fmt: skip


def places(node, path=()):
    """Every place in a document, as the keys that lead there."""
    if not isinstance(node, dict | list):
        return
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        yield (*path, key)
        yield from places(value, (*path, key))


@st.composite
def mutated(draw, document):
    """The document with up to three places dropped, replaced, renamed, doubled or nested."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        known = list(places(document))
        if not known:
            break
        *parents, key = draw(st.sampled_from(known))
        parent = functools.reduce(lambda node, step: node[step], parents, document)
        how = draw(st.sampled_from(["drop", *["replace"] * 3, "rename", "double", "nest"]))
        if how == "drop":
            del parent[key]
        elif how == "replace":
            parent[key] = draw(ODD)
        elif how == "nest":
            parent[key] = draw(st.sampled_from([[parent[key]], {"inner": parent[key]}]))
        elif how == "rename" and isinstance(parent, dict):
            name = draw(st.text(max_size=8) | st.sampled_from(sorted(map(str, parent))))
            parent[name] = parent[key]
        elif isinstance(parent, list):
            parent.append(copy.deepcopy(parent[key]))
    return document


def read(place, file):
    return yaml.safe_load((place / file).read_text())


@pytest.fixture
def fresh(tmp_path, place):
    """Gives a copy of the sound files for each example."""
    sound = tmp_path / "fresh"

    def copied():
        shutil.rmtree(sound, ignore_errors=True)
        for part in ("own", "apps"):
            shutil.copytree(place / part, sound / part)
        shutil.copy(place / EXPERIMENT, sound)
        return sound

    return copied


def unit_text(app):
    """The app's unit, as the role's template makes it."""
    environment = jinja2.Environment(trim_blocks=True, undefined=jinja2.StrictUndefined)  # noqa: S701
    environment.filters |= {
        "to_json": json.dumps,
        "regex_replace": lambda value, old, new: re.sub(old, new, value),
    }
    return environment.from_string(TEMPLATE.read_text()).render(
        app=app, ansible_managed="managed", app_deploy_folder="/opt/a", app_deploy_venvs="/opt/v",
        app_deploy_stop_timeout_s=0.5, testbed_limit_nofile=1, app_deploy_address="198.18.0.1",
        testbed_app_port=8080, testbed_settings="/run/testbed-settings",
        app_deploy_service_files={"postgresql": "/etc/p-*.env", "redis": "/etc/r.env"},
    )  # fmt: skip


def keys_of(unit):
    """What the lines of a unit set, in order."""
    lines = [line for line in unit.split("\n") if line and not line.startswith(("#", "["))]
    assert all("=" in line for line in lines), lines
    assert all(not line.endswith("\\") for line in lines)
    return [line.split("=", 1)[0] for line in lines]


def read_apps(place):
    return catalogue.load(place / "own", project=place / "apps")


def check_sound(place, known=None):
    """What is not refused makes a plan of printable lines, and units with no line of their own.

    `known`: the catalogue, where it has not changed; None: it is read.
    """
    known = known or read_apps(place)
    experiment = experiments.load(place / EXPERIMENT)
    runs = plan(experiments.for_cpus(experiment, 4), known, 1)
    text = show.plan_text(experiment, runs)
    assert all(one == "\n" or is_plain(one) for one in text)
    lines = text.split("\n")
    order = len(lines) - len(runs) - 2
    assert lines[0] == experiment.title
    assert lines[order:-1] == ["runs, in this order:", *(f"  {run.run_id}" for run in runs)]
    settings = lines.index("settings:", 1)
    assert all(line.startswith("  ") for line in lines[settings + 1 : order])
    for app in known.apps:
        deployed = bundle.deployed(app, known.workload(app.workload), place / "archives")
        keys = keys_of(unit_text(deployed))
        assert all(keys.count(key) == 1 for key in set(keys) - {"Environment", "EnvironmentFile"})
        assert "ExecStartPre" not in keys
        names = len(deployed.environment) + 3  # ADDRESS, PORT and Python's
        assert keys.count("Environment") == names


def refused_or_sound(place, file, content, known):
    """Whether it was refused; anything but a sentence is an error of its own."""
    (place / file).write_bytes(content)
    try:
        check_sound(place, known if file == EXPERIMENT else None)
    except TestbedError as error:
        return error.exit_code == 2 and 0 < len(str(error)) < 20_000
    return True


FILES = (EXPERIMENT, WORKLOAD, APP)
SOUND = {file: read(Path(__file__).parent / "sound", file) for file in FILES}


@pytest.mark.parametrize("file", FILES)
def test_whatever_is_changed_is_refused_or_sound(file, fresh):
    place = fresh()
    known = read_apps(place)
    check_sound(place, known)

    @MORE
    @given(document=mutated(SOUND[file]))
    def mutate(document):
        content = yaml.safe_dump(document, allow_unicode=True).encode(errors="surrogatepass")
        assert refused_or_sound(place, file, content, known)

    mutate()


@pytest.mark.parametrize("file", FILES)
def test_whatever_bytes_are_changed_too(file, fresh):
    place = fresh()
    known, content = read_apps(place), (place / file).read_bytes()

    @MORE
    @given(at=st.integers(0, len(content)), cut=st.integers(0, 30), put=st.binary(max_size=12))
    def mutate(at, cut, put):
        assert refused_or_sound(place, file, content[:at] + put + content[at + cut :], known)

    mutate()
