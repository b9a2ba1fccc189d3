"""Call the project in lab tests as its users do, by its commands."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
# Time-outs only end what hangs; even a slow and disturbed machine stays far below them
LIMIT_S = 1800
PATIENCE_S = 300
# Checks about what else this machine does and how fast it is. These tests must not depend on that;
# `tests/lab/disturb.py` provokes such findings.
OF_THIS_MACHINE = {
    "clock",
    "frequency",
    "generator_cpu",
    "generator_lag",
    "no_good_answer",
    "other_load",
    "quota_throttling",
    "rate_reached",
    "response_steady",
    "starved_connections",
    "steady",
    "steal",
    "suspended",
    "swap",
    "tail_samples",
    "telemetry",
    "thermal_throttling",
    "upstream_late",
}
# Most tests need one workload with PostgreSQL, and one with Redis, too. To build environments for
# all of group_vars/all.yml takes a lab's CPU a minute or two
USUAL_WORKLOADS = "agents,todo"
# How fast the link is depends on the machine, and on the other labs beside this one
LINK_FLOOR_MBIT_PER_S = "30"
# Most tests are about the procedure: 2 workers, which start sooner, do as well as round 2's 16
FEW_WORKERS = ["run", str(Path(__file__).with_name("few_workers.yml"))]
ONE = {"apps": "flask", "endpoints": "agents", "rate": 40}


def short(**changes):
    """Return options that make a run short: the tests are about the procedure, not the figures."""
    options = {"rate": 200, "connections": 20, "duration": 3, "warmup": 1, "trials": 1, "seed": 1}
    return [f"--{name}={value}" for name, value in (options | changes).items()]


def _heed_ctrl_c():
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class Testbed:
    """The project's commands, for one lab and one results folder."""

    __test__ = False

    lab: str
    results: Path
    workloads: str = USUAL_WORKLOADS
    link_floor: str = LINK_FLOOR_MBIT_PER_S  # empty: what it is without being told
    environment: dict[str, str] = field(init=False)
    started: ClassVar[list[subprocess.Popen[str]]] = []  # by the present test
    provisioned: ClassVar[set[str]] = set()  # labs
    # What deployed the apps that each lab has now: workloads and arguments; missing if not known
    deployed: ClassVar[dict[str, tuple[str, ...]]] = {}

    def __post_init__(self):
        self.environment = os.environ | {
            "TESTBED_LAB": self.lab,
            "TESTBED_RESULTS": str(self.results),
            "TESTBED_WORKLOADS": self.workloads,
            "TESTBED_LINK_FLOOR": self.link_floor,
        }

    def run(self, program, *arguments, check=True):
        """Run a command to its end and return it. With `check`, it must succeed."""
        done = subprocess.run(
            [str(BIN / program), *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    def fab(self, *arguments, check=True):
        """Run a fab task to its end and return it. With `check`, it must succeed."""
        return self.run("fab", *arguments, check=check)

    def provision(self):
        """Have all of site.yml done, if it has not been in this lab; other apps may be deployed."""
        if self.lab not in self.provisioned:
            self.run("ansible-playbook", "site.yml")
            self.deployed[self.lab] = (self.workloads,)
            self.has_been_provisioned()

    def has_been_provisioned(self):
        """Note that all of site.yml has been done in this lab, with whatever apps."""
        self.provisioned.add(self.lab)

    def deploy(self, *arguments):
        """Have exactly the lab's workloads deployed, by those roles of site.yml that know apps.

        What they do on the client host does not depend on apps.
        """
        self.deployed_otherwise()
        roles = ["--tags=bench_user,postgresql,app_deploy", "--limit=localhost:server"]
        self.run("ansible-playbook", "site.yml", *roles, *arguments)
        self.deployed[self.lab] = (self.workloads, *arguments)

    def deployed_otherwise(self):
        """Note that a command changes what is deployed; the next file of tests may need it back."""
        self.deployed.pop(self.lab, None)

    def put_back(self):
        """Deploy this testbed's workloads, if something else is deployed."""
        if self.deployed.get(self.lab) != (self.workloads,):
            self.deploy()

    def start_fab(self, *arguments):
        """Start a fab task in a session of its own, with its output in a pipe, and return it."""
        process = subprocess.Popen(
            [str(BIN / "fab"), *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            # as in a terminal, where Ctrl-C works, even if these tests run in the background
            preexec_fn=_heed_ctrl_c,
        )
        self.started.append(process)
        return process

    @classmethod
    def end_started(cls):
        """End what `start_fab` started and a failed test left: it would hold the hosts."""
        while cls.started:
            with cls.started.pop() as process:
                if process.poll() is None:
                    process.send_signal(signal.SIGINT)
                    try:
                        process.communicate(timeout=PATIENCE_S)
                    except subprocess.TimeoutExpired:
                        process.kill()

    def campaign(self, *arguments, check=True):
        """Run a campaign and return its folder."""
        self.fab(*arguments, check=check)
        return (self.results / "latest").resolve()


def records(folder):
    """Return all run.json of a campaign, in the order planned."""
    runs = json.loads((folder / "campaign.json").read_text())["runs"]
    return [json.loads((folder / run / "run.json").read_text()) for run in runs]


def checks(run, verdict):
    """Return the names of the checks that gave a run this verdict."""
    return {finding["check"] for finding in run["findings"] if finding["verdict"] == verdict}


def has_figures(run):
    """Return whether a run has figures, or says that the machine was too slow for a good answer.

    The number of answers depends on the machine, but a run without any must say so.
    """
    if run["failure"] is not None:
        return False
    return run["output"]["goodput_rps"] > 0 or "no_good_answer" in checks(run, "invalid")


def wait_until(condition, what, limit_s=PATIENCE_S, every_s=0.1):
    """Poll until a condition holds; seldom, if that takes CPU time and long."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {limit_s} s: {what}"
        time.sleep(every_s)


def interrupt(process):
    """End a fab task as Ctrl-C does, and return its exit code and output."""
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=PATIENCE_S)
    return process.returncode, output


def the_run(testbed, *flags, code=0, **changes):
    """Run a campaign of one run and return that run."""
    done = testbed.fab(*FEW_WORKERS, *short(**(ONE | changes)), *flags, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    (run,) = records((testbed.results / "latest").resolve())
    return run


def sentences(run, check):
    return " | ".join(f["sentence"] for f in run["findings"] if f["check"] == check)


def wait_for_load(ssh):
    """Wait until the generator runs, in its warm-up or, without one, in its load."""
    running = "pgrep -u bench -f pacer.worker"  # asked there: each session by SSH takes CPU, too
    ssh("client", f"timeout {PATIENCE_S} sh -c 'until {running}; do sleep 0.1; done'")


def during_load(testbed, ssh, action, **changes):
    """Return the run in whose load `action` happened, the exit code and the output."""
    (testbed.results / "latest").unlink(missing_ok=True)
    process = testbed.start_fab(*FEW_WORKERS, *short(**(ONE | {"duration": 9} | changes)))
    wait_for_load(ssh)
    action()
    output, _ = process.communicate(timeout=PATIENCE_S)
    (run,) = records((testbed.results / "latest").resolve())
    return run, process.returncode, output
