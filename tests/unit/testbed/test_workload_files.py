"""The files that make up a workload, and their digests."""

import pytest

from testbed.asked import catalogue, workload_files

WORKLOAD = """
schema_version: 1
title: shop
description: d
services: [postgresql]
dataset: dataset.sql
endpoints:
  one:
    description: expected/not-there.json
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
    for name in (*NAMED, "first/app.py"):
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
