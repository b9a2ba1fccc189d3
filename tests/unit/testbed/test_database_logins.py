"""Ways to log in to a database: their roles, and how a record tells which was asked for."""

import re

import pytest

from testbed.asked import catalogue
from testbed.errors import TestbedError
from testbed.hosts.services import postgresql
from testbed.model import database

APP = """{schema_version: 1, title: Shop, description: d, serve: /bin/true, endpoints: {one: /one},
 environment: {MODE: fast}, settings: {SETTING: {env: ENV, default: a, description: d}}}"""
WORKLOAD = """{schema_version: 1, title: t, description: d, services: [postgresql],
 endpoints: {one: {description: d, expect: {text: x}}}}"""


def test_each_way_has_a_role_of_its_own_that_queries_know():
    suffixes = [one.suffix for one in database.LOGINS]
    assert len(set(suffixes)) == len(suffixes) == 4
    for query in (postgresql._SEEN, postgresql._LOGINS):
        (pattern,) = re.findall(r"\|\| '([^']+)\$'\)", query)
        assert all(re.fullmatch(pattern, suffix) for suffix in suffixes)


def test_records_of_earlier_versions_logged_in_as_usual():
    assert database.login({"workers": 4}) == database.Login("scram-sha-256", "tcp")
    told = {"database_auth": "md5", "database_socket": "unix"}
    assert str(database.login(told)) == "md5 over unix"


@pytest.mark.parametrize(
    ("setting", "variable"), [("database_auth", "MINE"), ("mine", "DATABASE_SOCKET")]
)
def test_an_app_cannot_have_these_settings_of_its_own(tmp_path, setting, variable):
    app = tmp_path / "orders" / "shop"
    app.mkdir(parents=True)
    (tmp_path / "orders" / "workload.yml").write_text(WORKLOAD)
    (app / "app.yml").write_text(APP.replace("SETTING", "size").replace("ENV", "SIZE"))
    (loaded,) = catalogue.load(project=tmp_path).apps
    assert set(loaded.defaults()) == {"size", "database_auth", "database_socket"}
    (app / "app.yml").write_text(APP.replace("SETTING", setting).replace("ENV", variable))
    with pytest.raises(TestbedError, match=f"app.yml:2: settings.{setting}: database_auth") as told:
        catalogue.load(project=tmp_path)
    assert "leave it out" in str(told.value)
