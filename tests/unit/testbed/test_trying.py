"""`fab check --apps`: what is found of apps that are started once, asked, and stopped."""

import base64
import json
from types import SimpleNamespace

import pytest
from rich.console import Console

from testbed.asked import catalogue
from testbed.cli import show
from testbed.errors import TestbedError
from testbed.hosts import hosts
from testbed.hosts.failures import CommandFailed, HostUnreachable
from testbed.hosts.remote import Result
from testbed.progress import Progress
from testbed.run import trying
from testbed.validity import sql

PRODUCT = b'{"id": 1, "price": 9.5}'
PAGE = b"<ul><li>one</li><li>two</li></ul>"
SELECT = "SELECT * FROM product WHERE id = $1"
WORKLOAD = f"""\
schema_version: 1
title: Shop
description: d
services: [postgresql]
dataset: dataset.sql
endpoints:
  product:
    description: p
    expect: {{json_file: product.json}}
    sql: [{{texts: ["{SELECT}"]}}]
  page: {{description: p, expect: {{content_type: text/html, html: [{{selector: li, count: 2}}]}}}}
"""
APP = """\
schema_version: 1
title: Catalogue
description: d
serve: /bin/serve
endpoints: {product: /product/1, page: '/products?page=1'}
"""
PROJECT = """\
schema_version: 1
title: Work
description: d
endpoints: {index: {description: i, expect: {json_file: index.json}}}
"""
STARTING = "SELECT version()"
HERE, EVERYWHERE, ELSEWHERE = "198.18.0.1:8080", "0.0.0.0:8080", "127.0.0.1:8080"
UNIT = "testbed-shop-catalogue.service"


class World:
    """A server and a client with one app, as they answer commands."""

    def __init__(self, folder, digest):
        self.folder, self.digest = folder, digest
        self.places, self.bodies = [HERE], {}
        self.sql = {"/product/1": [[SELECT, 1]], "/products?page=1": []}
        self.cold = 1  # so many requests meet a worker that opens its connection first
        self.active, self.running, self.refuses = False, True, None
        self.seen, self.told, self.clock_s = [], [], 0.0
        self.lost_at = self.ends_at = None

    def host(self, role):
        return SimpleNamespace(
            host=SimpleNamespace(role=role, bench_address="198.18.0.1", ansible_host="192.0.2.1"),
            facts=SimpleNamespace(
                testbed_prefix="/opt/testbed",
                testbed_app_port=8080,
                testbed_database="bench",
                start_app=["start-app"],
                database_of=lambda name: name,
            ),
            run=self.run,
        )

    def run(self, command, *, timeout_s=60, check=True):
        line = command if isinstance(command, str) else " ".join(command)
        self.told.append(line)
        if self.lost_at and self.lost_at in line:
            raise HostUnreachable(self.host("server").host, "gone")
        code, text, error = self.answer(line)
        if check and code:
            raise CommandFailed(self.host("server").host, line, code, error)
        return Result(code, text, error)

    def answer(self, line):
        for words, reply in (
            ("pacer-probe", self.probe),
            ("systemctl show --all", self.postgresql),
            ("-P LoadState", lambda line: (0, "loaded\n", "")),
            (f"systemctl show {UNIT}", self.unit),
            ("start-app", self.start),
            (f"systemctl stop {UNIT}", self.stop),
            ("journalctl", self.journal),
            ("stat -c", lambda line: (0, "1001\n", "")),
            ("ss -H", self.sockets),
            ("shobj_description", self.mark),
            ("pg_stat_statements_reset", self.reset),
            ("json_build_array", lambda line: (0, json.dumps(self.seen), "")),
            ("telemetry connect", lambda line: (0, '{"problem": "refused"}', "")),
        ):
            if words in line:
                return reply(line)
        return 0, "", ""

    def postgresql(self, line):
        state = "active" if self.running else "inactive"
        return 0, f"Id=postgresql@15-main.service\nActiveState={state}\nInvocationID=a\n", ""

    def unit(self, line):
        facts = {
            "ActiveState": "active" if self.active else "failed",
            "MainPID": "77",
            "LoadState": "loaded",
            "BindsTo": "testbed-lease.service",
            "WorkingDirectory": f"/x-{self.digest}",
        }
        wanted = [word[2:] for word in line.split() if word.startswith("-p")]
        return 0, "\n".join(f"{name}={facts.get(name, '')}" for name in wanted), ""

    def start(self, line):
        self.active = self.refuses is None
        return (0, "", "") if self.active else (1, "", self.refuses)

    def stop(self, line):
        self.active = False
        return 0, "", ""

    def journal(self, line):
        entries = [("old", "the failure of yesterday"), ("new", "Starting"), ("new", "no module")]
        told = [{"MESSAGE": text, "_SYSTEMD_INVOCATION_ID": start} for start, text in entries]
        return 0, "\n".join(map(json.dumps, told)), ""

    def sockets(self, line):
        lines = [f"LISTEN 0 5 {place} 0.0.0.0:* uid:1001 ino:1 sk:2 <->" for place in self.places]
        return 0, "\n".join([*lines, "LISTEN 0 5 127.0.0.1:5432 0.0.0.0:* uid:102 ino:2 <->"]), ""

    def mark(self, line):
        digest = sql.short_digest(self.folder, "dataset.sql")
        return 0, json.dumps(f"testbed: data set {digest}"), ""

    def reset(self, line):
        self.seen = []
        return 0, '""', ""

    def probe(self, line):
        self.clock_s += 5
        path = next(word for word in line.split() if "--url" in word).partition(":8080")[2]
        if self.ends_at == path:
            self.active = False
        if not self.active or not set(self.places) & {HERE, EVERYWHERE}:
            return 1, "", "no answer within 5 s (25 attempts); last error: Connection refused"
        self.seen = [*self.sql[path], *([[STARTING, 1]] if self.cold > 0 else [])]
        self.cold -= 1
        kind = "application/json" if path == "/product/1" else "text/html"
        body = self.bodies.get(path, PRODUCT if kind[0] == "a" else PAGE)
        document = {"status": 200, "headers": {"content-type": kind}, "waited_s": 0.1,
                    "body_base64": base64.b64encode(body).decode()}  # fmt: skip
        return 0, json.dumps(document), ""


@pytest.fixture
def own(tmp_path):
    """An apps folder with the workload shop; the project's, beside it, has another one."""
    files = {
        "own/shop/workload.yml": WORKLOAD,
        "own/shop/product.json": PRODUCT.decode(),
        "own/shop/dataset.sql": "",
        "own/shop/catalogue/app.yml": APP,
        "apps/work/workload.yml": PROJECT,
        "apps/work/index.json": "{}",
        "apps/work/first/app.yml": APP.partition("endpoints")[0] + "endpoints: {index: /}\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path / "own"


@pytest.fixture
def known(own):
    return catalogue.load(own, project=own.parent / "apps")


@pytest.fixture
def world(known, monkeypatch):
    made = World(known.folders["shop"], known.apps_of("shop")["catalogue"].digest)
    monkeypatch.setattr("testbed.run.asking.time.monotonic", lambda: made.clock_s)
    return made


@pytest.fixture
def tried_by(known, world):
    def go():
        remotes = {role: world.host(role) for role in ("server", "client")}
        app = known.apps_of("shop")["catalogue"]
        return list(trying.each(remotes, known, [app], Progress(Console(), quiet=True)))

    return go


def test_an_app_that_does_what_it_must_is_all_right(tried_by, world):
    found = tried_by()
    assert [(one.endpoint, one.sql, one.level) for one in found] == [
        ("product", "as declared", "ok"),
        ("page", "as declared", "ok"),
    ]
    assert found[0].answer == f"200, {len(PRODUCT)} bytes"
    assert not world.active


def test_workers_that_open_connections_are_waited_for(tried_by, world):
    world.cold = 16
    assert [one.level for one in tried_by()] == ["ok", "ok"]


def test_wrong_sql_is_named(tried_by, world):
    world.sql["/product/1"] = [[SELECT, 3], ["SELECT 1", 1]]
    found = tried_by()
    assert [(one.sql, one.level) for one in found] == [("differs", "fail"), ("as declared", "ok")]
    assert "not declared: `SELECT 1`, once" in found[0].remark
    assert f"3 times instead of once: `{SELECT}`" in found[0].remark


def test_a_wrong_answer_is_told_and_the_other_endpoints_are_asked(tried_by, world):
    world.bodies["/product/1"] = b'{"other": 1}'
    found = tried_by()
    assert [one.level for one in found] == ["fail", "ok"]
    assert "differs from the expected one at $: keys" in found[0].remark


@pytest.mark.parametrize(
    ("places", "says"),
    [
        ([ELSEWHERE], f"it listens on {ELSEWHERE}, and should on ${{ADDRESS}}:${{PORT}}, here"),
        (["[::1]:8080", "*:9000"], "it listens on [::1]:8080, *:9000, and should on"),
        ([], "it listens on no TCP port, and should on"),
    ],
)
def test_a_refused_connection_names_where_the_app_listens(places, says, tried_by, world):
    world.places = places
    first, second = tried_by()
    assert (first.level, second.answer) == ("fail", "not asked")
    assert f"no answer from http://{HERE}/product/1 in 65 s: Connection refused; {says}" in (
        first.remark
    )
    assert "no module" in first.remark
    assert "yesterday" not in first.remark
    assert not world.active


def test_an_app_s_own_start_timeout_counts(tried_by, world, known):
    app = known.apps_of("shop")["catalogue"]
    spec = app.spec.model_copy(update={"start_timeout_s": 12})
    known.apps[known.apps.index(app)] = app.model_copy(update={"spec": spec})
    world.places = []
    assert "/product/1 in 15 s: " in tried_by()[0].remark


def test_an_app_that_serves_the_management_network_too_is_told(tried_by, world):
    world.places = [EVERYWHERE]
    found = tried_by()
    assert [one.level for one in found] == ["ok", "ok", "note"]
    assert f"it listens on {EVERYWHERE}, so on the management network, too" in found[-1].remark


def test_an_app_that_dies_is_told_and_the_rest_is_not_asked(tried_by, world):
    world.ends_at = "/products?page=1"
    first, second = tried_by()
    assert (first.level, second.level) == ("ok", "fail")
    assert "its unit is failed" in second.remark


def test_an_app_that_does_not_start_or_is_not_deployed_is_told(tried_by, world):
    world.refuses = "Job failed"
    (found,) = tried_by()
    assert (found.endpoint, found.level) == ("", "fail")
    assert "Job failed; its journal:" in found.remark
    world.digest = "another"
    (found,) = tried_by()
    assert "differs from" in found.remark
    assert "ansible-playbook site.yml" in found.remark


def test_a_fault_around_the_apps_ends_all(tried_by, world):
    world.lost_at = "pacer-probe"
    with pytest.raises(HostUnreachable):
        tried_by()
    assert not world.active
    world.lost_at, world.running = None, False
    with pytest.raises(TestbedError, match="PostgreSQL does not run"):
        tried_by()


def test_ctrl_c_stops_the_app(tried_by, world, monkeypatch):
    def interrupt(line):
        raise KeyboardInterrupt

    monkeypatch.setattr(world, "probe", interrupt)
    with pytest.raises(KeyboardInterrupt):
        tried_by()
    assert not world.active


def test_the_table_shows_what_is_wrong(tried_by, world):
    world.bodies["/product/1"] = b"{}"
    found = tried_by()
    lines = show.tried_text(found).splitlines()
    assert lines == [
        "level  app             endpoint  answer         SQL",
        "fail   shop/catalogue  product   200, 2 bytes   as declared",
        f"       {found[0].remark}",
        f"ok     shop/catalogue  page      200, {len(PAGE)} bytes  as declared",
        "1 app: 1 ok, 1 fail",
    ]
    assert " page " not in show.tried_text(found, quiet=True)


@pytest.mark.parametrize(
    ("entries", "messages"),
    [
        (
            [
                {"MESSAGE": "old", "_SYSTEMD_INVOCATION_ID": "a"},
                {"MESSAGE": "Starting", "INVOCATION_ID": "b", "_SYSTEMD_INVOCATION_ID": "init"},
                {"MESSAGE": [104, 105, 255, 256, 105.0, "i", None], "_SYSTEMD_INVOCATION_ID": "b"},
                {"MESSAGE": None, "_SYSTEMD_INVOCATION_ID": "b"},
            ],
            ["Starting", "hi\N{REPLACEMENT CHARACTER}", ""],
        ),
        (  # tc had ended each time before a busy journal read what it said
            [
                {"MESSAGE": "Starting", "INVOCATION_ID": "a", "_SYSTEMD_INVOCATION_ID": "init"},
                {"MESSAGE": "old"},
                {"MESSAGE": "Failed", "INVOCATION_ID": "a", "_SYSTEMD_INVOCATION_ID": "init"},
                {"MESSAGE": "Starting", "INVOCATION_ID": "b", "_SYSTEMD_INVOCATION_ID": "init"},
                {"MESSAGE": "Failed", "INVOCATION_ID": "b", "_SYSTEMD_INVOCATION_ID": "init"},
                {"MESSAGE": "tc: no netem"},
            ],
            ["Starting", "Failed", "tc: no netem"],
        ),
        ([{"MESSAGE": "no id"}, {"MESSAGE": "none"}], ["no id", "none"]),
        ([], []),
    ],
)
def test_the_journal_is_that_of_the_latest_start(entries, messages):
    assert hosts.since_start(list(map(json.dumps, entries))) == messages


def test_a_journal_that_is_no_json_is_shown_as_it_is():
    assert hosts.since_start(["[1", "-- No entries --"]) == ["[1", "-- No entries --"]


@pytest.mark.parametrize(
    ("names", "workload", "in_own", "found"),
    [
        (["catalogue"], None, False, ["catalogue"]),
        (None, "work", False, ["first"]),
        (None, None, True, ["catalogue"]),
        (None, None, False, ["catalogue", "first"]),
    ],
)
def test_which_apps_are_tried(names, workload, in_own, found, known, own):
    chosen = known.chosen(names, workload, own if in_own else None)
    assert [app.name for app in chosen] == found


def test_an_app_that_is_none_is_named(known):
    with pytest.raises(TestbedError, match="(?s)unknown app 'katalog'.*did you mean 'catalogue'"):
        known.chosen(["katalog"], None, None)
    with pytest.raises(TestbedError, match="(?s)unknown app of work: 'catalogue'.*known: first"):
        known.chosen(["catalogue"], "work", None)
