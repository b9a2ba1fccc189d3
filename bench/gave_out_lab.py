"""Provoke bottlenecks on two hosts, and print what the rule says gave out first.

    python bench/gave_out_lab.py [TIMES] [--seed=N] [--only=NAME,NAME] [--inventory=FOLDER]

Each is a run by `fab run`, with parameters drawn by lot: apps of the workload `service` with few
threads, a small pool or a slow service; and those of bench/bottlenecks/, whose database has a lock
or counts, whose listen queue is short, whose documents fill the link, or which is quicker than what
asks it. Both workloads must be deployed, and the link verified, on hosts that do nothing else:

    TESTBED_WORKLOADS=service ansible-playbook site.yml -e testbed_apps_path=bench/bottlenecks

A server with one CPU cannot lack one core alone: there, that is 'all cores'.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bench.confusion import matrix
from testbed.model.gave_out import Limiting

ROOT = Path(__file__).resolve().parent.parent
BOTTLENECKS = ROOT / "bench" / "bottlenecks"
ASYNC = ("fastapi", "quart", "litestar", "aiohttp")
THREADS = ("flask", "django_wsgi")


@dataclass(frozen=True)
class Case:
    """A server with one scarce resource, and the load that exhausts it."""

    name: str
    truth: Limiting
    app: str
    endpoint: str
    connections: int
    settings: dict[str, Any] = field(default_factory=dict)
    load: dict[str, Any] = field(default_factory=dict)
    latency_ms: int = 0  # of the other service


def cases(dice: random.Random) -> list[Case]:
    """Return the bottlenecks, with parameters drawn anew."""
    threads, few, many = dice.randint(1, 6), dice.randint(1, 3), dice.randint(12, 40)
    waits_ms, crowd = dice.choice([100, 200, 400]), dice.randint(4, 8)
    loop, any_app, blocking = dice.choice(ASYNC), dice.choice(ASYNC + THREADS), dice.choice(THREADS)
    one, processes = {"workers": 1}, {"workers": dice.choice(["2 per cpu", "3 per cpu"])}
    spare = one | {"pool_size": 20}  # more than there are requests
    each_its_own = one | {"threads": few, "pool_size": few}
    slowly = {"mode": "constant_rate", "rate_rps": dice.randint(5, 20)}
    locks, counts = {"lock_ms": dice.randint(20, 80)}, {"numbers": dice.randint(30_000, 300_000)}
    accepts = {"accept_every_ms": dice.randint(60, 200)}
    return [
        Case("one process", "one_core", loop, "cpu", many, one),
        Case("all processes", "all_cores", any_app, "json", many, processes),
        Case("few threads, a slow service", "workers", blocking, "upstream", threads * crowd,
             one | {"threads": threads}, latency_ms=waits_ms),
        Case("few threads, a slow query", "workers", blocking, "slow_query", few * crowd,
             each_its_own),
        Case("a small pool", "pool", loop, "slow_query", few * crowd, one | {"pool_size": few}),
        Case("a slow query", "database", loop, "slow_query", dice.randint(3, 8), spare),
        Case("a slow service", "upstream", loop, "upstream", dice.randint(4, 16), spare,
             latency_ms=waits_ms),
        Case("a rate that is met", "nothing", any_app, "item", many, {}, slowly),
        Case("a lock", "database", "starlette", "lock", dice.randint(6, 24), locks),
        Case("a database that counts", "database", "starlette", "count", many // 3, counts),
        Case("a short listen queue", "listen_queue", "queue", "answer", dice.randint(24, 64),
             accepts, {"keepalive": False}),
        Case("large documents", "link", "nginx", "document", many, {}, {"generator": "wrk"}),
        # hey needs more CPU time for a request than nginx does
        Case("a quick server", "generator", "nginx", "answer", many, {}, {"generator": "hey"}),
    ]  # fmt: skip


def experiment(case: Case) -> dict[str, Any]:
    """Return the experiment of one run that provokes this."""
    workload = "service" if case.app in ASYNC + THREADS else "scarce"
    variant: dict[str, Any] = {"settings": case.settings}
    if workload == "service":
        variant["upstream"] = {"latency_ms": case.latency_ms}
    return {
        "schema_version": 1,
        "title": f"What gives out: {case.name}",
        "description": f"Truth: {case.truth}.",
        "workload": workload,
        "apps": [case.app],
        "endpoints": [case.endpoint],
        "variants": {"drawn": variant},
        "trials": 1,
        "telemetry_interval_s": 0.5,
        "load": {
            "mode": "saturation",
            "generator": "pacer",
            "connections": case.connections,
            "threads": 1,
            "duration_s": 6,
            "warmup_s": 2,
            "timeout_s": 10,
        }
        | case.load,
    }


def answer(case: Case, options: list[str]) -> tuple[str, str, str]:
    """Return the truth on these hosts, what was said, and the sentence."""
    fab = str(Path(sys.executable).parent / "fab")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gives_out.yml"
        path.write_text(yaml.safe_dump(experiment(case)))
        done = subprocess.run(
            [fab, "run", str(path), f"--apps-path={BOTTLENECKS}", *options],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
    told = " ".join((done.stdout + done.stderr).split())
    latest = (Path(os.environ.get("TESTBED_RESULTS", ROOT / "results")) / "latest").resolve()
    about = json.loads((latest / "campaign.json").read_text())
    if latest.name not in told or not (path := latest / about["runs"][0] / "run.json").is_file():
        return case.truth, "no run", told[-300:]
    run = json.loads(path.read_text())
    one_cpu = run["before"]["server"]["cpus"] == 1
    truth = "all_cores" if case.truth == "one_core" and one_cpu else case.truth
    found = run["gave_out"] or {"what": "no figures", "sentence": told[-300:]}
    return truth, found["what"], found["sentence"]


def main() -> None:
    """Print a line for each run, and the confusion matrix."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("times", nargs="?", type=int, default=1)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--only", default="", help="names of cases, with commas between them")
    parser.add_argument("--inventory", help="of real hosts; left out: the lab")
    asked = parser.parse_args()
    options = [f"--inventory={asked.inventory}"] if asked.inventory else []
    print(f"seed {asked.seed}")
    dice = random.Random(asked.seed)  # noqa: S311
    only, answers = set(filter(None, asked.only.split(","))), []
    for _ in range(asked.times):
        for case in cases(dice):
            if only and case.name not in only:
                continue
            truth, said, sentence = answer(case, options)
            answers.append((truth, said))
            drawn = {"connections": case.connections} | case.settings
            print(
                f"{case.name:28} {case.app:12} {drawn} {truth:13} {said:13} {sentence}", flush=True
            )
    print(matrix(answers))


if __name__ == "__main__":
    main()
