"""What a workload of one's own left behind goes with it; a data set that is none fails site.yml.

Its app has a Python of its own: another program than the distribution's, as far as the roles know,
and of the same version, so that nothing has to be fetched or built.

The last test leaves the usual workloads, which other files need.
"""

import pytest

WORKLOAD = """
schema_version: 1
title: Shop
description: A page, and a database that nobody reads.
services: [postgresql]
dataset: dataset.sql
endpoints:
  page: {description: A page., expect: {content_type: text/html, text_file: page.html}}
"""
APP = """
schema_version: 1
title: Python's own server
description: Serves a file.
python: /opt/second/bin/python3
requirements: requirements.txt
apt_packages: [python3-venv]
serve: "{venv}/bin/python -m http.server --bind ${ADDRESS} ${PORT}"
endpoints: {page: /page.html}
"""
DATASET = """\\set QUIET on
\\pset tuples_only on
\\pset format unaligned
CREATE TABLE IF NOT EXISTS public.goods (id integer PRIMARY KEY);
SELECT 'unchanged';
"""
DATABASES = "cd / && sudo -u postgres psql -XAtc 'SELECT datname FROM pg_database'"


@pytest.fixture
def own(tmp_path):
    """A folder with a workload and an app."""
    files = {
        "workload.yml": WORKLOAD,
        "dataset.sql": DATASET,
        "page.html": "page\n",
        "plain/app.yml": APP,
        "plain/requirements.txt": "# nothing but Python\n",
        "plain/page.html": "page\n",
    }
    for name, text in files.items():
        path = tmp_path / "own" / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "own"


def refused(testbed, own, *more):
    """Return what site.yml printed, which had to fail."""
    path = ["-e", f"testbed_apps_path={own}"]
    testbed.deployed_otherwise()
    done = testbed.run("ansible-playbook", "site.yml", *path, *more, check=False)
    assert done.returncode != 0
    return done.stdout


def left(ssh):
    """What there is of the workload on the server: its database, user, unit and folders."""
    found = ssh("server", DATABASES).split()
    found += ssh("server", "getent passwd | cut -d: -f1").split()
    folders = "/etc/systemd/system /opt/testbed/apps /opt/testbed/venvs /etc/testbed"
    found += ssh("server", f"ls {folders}").split()
    return [name for name in found if "shop" in name]


def test_a_data_set_that_is_missing_is_told_before_hosts_are_contacted(site, own):
    (own / "shop" / "dataset.sql").unlink()
    printed = refused(site, own)
    assert "dataset.sql: no such file" in printed
    assert "Ask for Python" not in printed


@pytest.mark.parametrize("text", ["", "SELECT 1;\n"])
def test_a_data_set_that_does_not_say_what_it_did_fails(site, own, text):
    (own / "shop" / "dataset.sql").write_text(text)
    printed = refused(site, own, "--tags=postgresql", "--limit=localhost:server")
    assert "it has to be 'changed' or" in " ".join(printed.replace("''", "'").split())


@pytest.fixture
def second_python(ssh):
    """Another Python of the server, which brings ensurepip once python3-venv is installed."""
    ssh("server", "install -D $(readlink -f /usr/bin/python3) /opt/second/bin/python3")
    yield
    ssh("server", "rm -r /opt/second")


@pytest.mark.usefixtures("second_python")
def test_it_goes_with_its_folder_and_nothing_else_does(site, own, ssh):
    site.deploy("-e", f"testbed_apps_path={own}")
    there = left(ssh)
    assert {"testbed_shop", "app-shop-plain", "testbed-shop-plain.service"} <= set(there)
    of_app = "readlink -f /opt/testbed/venvs/shop-plain-*/bin/python"
    assert ssh("server", of_app) == "/opt/second/bin/python3"
    checked = site.fab("check", "--workload=shop", f"--apps-path={own}").stdout
    assert "1 app: 1 ok" in checked, checked
    ssh("server", "cd / && sudo -u postgres psql -qc 'CREATE DATABASE testbed_shop_of_mine'")
    try:
        site.deploy()
        assert left(ssh) == ["testbed_shop_of_mine"]
        assert "testbed_agents" in ssh("server", DATABASES).split()
    finally:
        ssh("server", "cd / && sudo -u postgres psql -qc 'DROP DATABASE testbed_shop_of_mine'")
