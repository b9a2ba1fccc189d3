"""What differs from when a campaign began is named, a few of each kind."""

import pytest

from testbed.campaign.changes import check_unchanged
from testbed.errors import TestbedError
from tests.unit.report import builder

FILES = {"first": {"app.py": "aaaaaaaaaaaa", "views.py": "bbbbbbbbbbbb"}}
DATA = {"workload.yml": "aaaaaaaaaaaa", "dataset.sql": "bbbbbbbbbbbb"}
TESTBED = {"git_commit": "0123abc", "code": "a"}
BEGUN = builder.campaign(
    [], apps={"first": "aaaaaaaaaaaa"}, app_files=FILES, workload_files=DATA, testbed=TESTBED
)
SERVER, CLIENT = BEGUN.hosts


def server(**changes):
    return {"hosts": [SERVER.model_copy(update=changes), CLIENT]}


def test_the_same_again_is_no_difference():
    check_unchanged(BEGUN, BEGUN.model_copy(update={"created_at": builder.BEGAN, "runs": ["x"]}))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"asked": BEGUN.asked | {"trials": 9}}, "experiment: asked.trials: 1 → 9"),
        ({"place": "metal"}, "campaign: place: lab → metal"),
        (server(kernel="6.19"), "server: kernel: 6.18.5 → 6.19"),
        (
            server(packages=SERVER.packages | {"postgresql-15": "15.4"}),
            "server: package postgresql-15: 15.18-0\\+deb12u1 → 15.4",
        ),
        (server(packages={}), "server: package nginx-light: 1.22.1-9 → none"),
        (
            server(sysctls=[SERVER.sysctls[0].model_copy(update={"actual": "1 2"})]),
            "server: sysctl net.ipv4.ip_local_port_range: 1024 65000 → 1 2",
        ),
        ({"hosts": [SERVER]}, "client: kernel: 6.18.5 → none|client: name: lab-client → none"),
        (
            {"postgresql": {"max_connections": "600", "shared_buffers": "1MB"}},
            "PostgreSQL: shared_buffers: 4096MB → 1MB",
        ),
        (
            {"app_files": {"first": FILES["first"] | {"views.py": "cccccccccccc"}}},
            "app first: views.py: bbbbbbbbbbbb → cccccccccccc",
        ),
        (
            {"workload_files": DATA | {"dataset.sql": "cccccccccccc"}},
            "workload agents: dataset.sql: bbbbbbbbbbbb → cccccccccccc",
        ),
        ({"testbed": {"git_commit": "beef"}}, "testbed: git commit: 0123abc → beef"),
        ({"testbed": BEGUN.testbed | {"code": "b"}}, "testbed: digest of its code: a → b"),
    ],
)
def test_each_difference_is_named(changes, words):
    with pytest.raises(TestbedError, match=words):
        check_unchanged(BEGUN, BEGUN.model_copy(update=changes))


def test_of_many_differences_a_few_are_told_and_the_rest_counted():
    packages = {f"package-{number}": "1" for number in range(20)}
    now = BEGUN.model_copy(update=server(packages=SERVER.packages | packages))
    with pytest.raises(TestbedError) as caught:
        check_unchanged(BEGUN, now)
    assert caught.value.message.count("server: ") == 4
    assert "server: … and 17 more" in caught.value.message


def test_a_campaign_that_kept_no_digests_is_judged_by_what_it_kept():
    old = BEGUN.model_copy(
        update={"app_files": {}, "workload_files": {}, "testbed": {"git_commit": "0123abc"}}
    )
    check_unchanged(old, BEGUN)
