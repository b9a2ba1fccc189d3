"""The files that make up a workload, and their digests."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from testbed.asked import catalogue, workload_files
from testbed.errors import TestbedError
from testbed.hosts.services import Need, postgresql

WORKLOAD = """
schema_version: 1
title: shop
description: d
services: [postgresql]
dataset: dataset.sql
endpoints:
  one:
    description: expected/other.json
    expect: {json_file: expected/one.json}
  order:
    description: d
    method: POST
    send: {file: sent/order.json}
    expect: {html: [{selector: li, texts_file: expected/texts.json}]}
"""
NAMED = ("dataset.sql", "expected/one.json", "sent/order.json", "expected/texts.json")


@pytest.fixture
def shop(tmp_path):
    folder = tmp_path / "own" / "shop"
    for name in (*NAMED, "first/app.py", "expected/other.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("[]")
    (folder / "workload.yml").write_text(WORKLOAD)
    return folder


def digests(shop):
    return workload_files.digests(shop, catalogue.load(project=shop.parent).workload("shop"))


def test_all_that_a_workload_names_counts_and_nothing_else(shop):
    assert set(digests(shop)) == {"workload.yml", *NAMED}


@pytest.mark.parametrize("name", ["workload.yml", *NAMED])
def test_a_change_of_any_of_them_changes_the_digest(shop, name):
    before = digests(shop)
    (shop / name).write_text((shop / name).read_text() + "\n")
    now = digests(shop)
    assert [one for one in now if now[one] != before[one]] == [name]
    assert workload_files.digest(now) != workload_files.digest(before)
    assert workload_files.digest(dict(reversed(now.items()))) == workload_files.digest(now)


@pytest.mark.parametrize(
    ("mark", "refused"),
    [("right", False), ("testbed", True), ("testbed: data set 000000000000", True), ("", True)],
)
def test_a_server_with_another_data_set_is_refused(shop, monkeypatch, mark, refused):
    known = catalogue.load(project=shop.parent)
    if mark == "right":
        mark = f"testbed: data set {digests(shop)['dataset.sql']}"
    monkeypatch.setattr(postgresql, "_ask", lambda *question: mark)
    server = SimpleNamespace(facts=SimpleNamespace(database_of=lambda name: f"testbed_{name}"))
    service = postgresql.PostgreSql()
    with pytest.raises(TestbedError, match="data set is not that of") if refused else nullcontext():
        service.check_deployed(server, Need.of(known, "shop"))
