"""What a run finds on its hosts, read from what they say."""

import time
from types import SimpleNamespace

import pytest

from testbed.hosts import space
from testbed.hosts.failures import NotAnAnswer
from testbed.hosts.remote import Result
from testbed.model.results import Before, Busy
from testbed.run import conditions
from testbed.tools.tool import OPEN_FILES_LIMIT

LIMITS = """\
Limit                     Soft Limit           Hard Limit           Units
Max processes             unlimited            unlimited            processes
Max open files            20000                1048576              files
Max locked memory         8388608              8388608              bytes
"""
OTHERS = """{"window_s": 0.51, "cpus": 2, "cpu_percent": 51.0, "run_queue": 1.4, "governor": null,
"busiest": [{"name": "hog", "cpu_percent": 99.0}]}"""


class Host:
    """A remote that says one thing, whatever it is asked; its clock is 5 s ahead."""

    def __init__(self, role, says):
        self.host = SimpleNamespace(
            role=role, bench_interface="eth1", bench_address=f"{role}'s address"
        )
        self.facts = SimpleNamespace(testbed_prefix="/opt/testbed")
        self.says, self.asked = says, []

    def run(self, command, *, timeout_s=60, check=True):
        if command == "date +%s.%N":
            return Result(0, f"{time.time() + 5:.9f}\n", "")
        self.asked.append(command)
        return Result(0 if self.says else 1, self.says, "")


def test_both_hosts_are_looked_at():
    server, client = Host("server", OTHERS), Host("client", OTHERS)
    looks = conditions.before({"server": server, "client": client})
    assert set(looks) == {"server", "client"}
    assert looks["server"].clock_offset_s == pytest.approx(5, abs=4)
    assert looks["server"].model_copy(update={"clock_offset_s": None}) == Before(
        window_s=0.51,
        cpus=2,
        cpu_percent=51,
        run_queue=1.4,
        governor=None,
        busiest=[Busy(name="hog", cpu_percent=99)],
    )
    ends = ["--interface=eth1", "--address=client's address", "--peer=server's address"]
    assert client.asked == [["/opt/testbed/bin/telemetry", "others", "--window=0.5", *ends]]


def test_a_host_that_does_not_tell_its_free_space_is_named():
    space.check_there(Host("server", "100000 4096\n"), "/run/testbed", 1 << 20)
    with pytest.raises(NotAnAnswer, match=r"server host: `stat .* two numbers were asked for"):
        space.check_there(Host("server", "welcome\n"), "/run/testbed", 1 << 20)


def test_the_soft_limit_is_the_one_that_holds():
    host = Host("server", LIMITS)
    assert conditions.open_files(host, 7) == 20000
    assert host.asked == [["cat", "/proc/7/limits"]]


def test_a_process_that_has_ended_has_no_known_limit():
    assert conditions.open_files(Host("server", ""), 7) is None


@pytest.mark.parametrize(("text", "limit"), [("1024\n", 1024), ("unlimited\n", None), (None, None)])
def test_the_generators_limit_is_what_its_shell_wrote(tmp_path, text, limit):
    if text is not None:
        (tmp_path / OPEN_FILES_LIMIT).write_text(text)
    assert conditions.generator_open_files(tmp_path) == limit
