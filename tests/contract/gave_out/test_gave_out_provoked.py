"""What gave out first, of real servers on loopback: the rule sees what telemetry really samples.

On a machine that others use, CPUs may be what is short, and the rule then says so. A sampling that
is held up, or a load, may miss the bottleneck: each is provoked up to six times.
"""

import random

import pytest

from tests.contract.gave_out.provoked import answer, cases
from tests.unit.apps.cluster import running
from tests.unit.draws import seed

__all__ = ["seed"]  # fixtures
TRIES = 6
SHORT = ("sleeping workers", "a small pool", "a lock", "a slow database", "a slow service")


@pytest.fixture(scope="module")
def cluster():
    with running() as one:
        yield one


@pytest.mark.parametrize("name", SHORT)
def test_the_rule_finds_what_was_provoked(name, cluster, tmp_path, seed):
    dice, wrong = random.Random(seed), []  # noqa: S311 - draws of a test
    for _ in range(TRIES):
        case = next(one for one in cases(dice) if one.name == name)
        found = answer(case, cluster, tmp_path, load_s=3)
        if found.what in (case.truth, *case.disturbed):
            return
        wrong.append((case, found))
    raise AssertionError(wrong)
