"""Draws of tests: always the same where words are tested, anew at each run where statistics are.

What is said, drawn or written of figures is tested with `same_dice`, whose draws never vary: such a
test cannot fail by chance. How often statistics hold is tested with `dice`, against known truth in
settings that are drawn anew at each run. Such a test errs itself: how far it may be off follows
from the binomial distribution, and `RARE` is the chance at which correct code may fail one check.
If a test fails, its seed is shown; TESTBED_TEST_SEED draws the same again.
"""

import os
import random

import numpy as np
import pytest
import scipy.stats

RARE = 1e-8  # of a single check; there are fewer than a thousand


@pytest.fixture
def same_dice():
    """Draws that are the same in each run."""
    return np.random.default_rng(1)


@pytest.fixture
def seed():
    """A seed of its own for each test and run."""
    found = int(os.environ.get("TESTBED_TEST_SEED") or random.SystemRandom().randrange(10**9))
    print(f"TESTBED_TEST_SEED={found}")  # noqa: T201 - pytest shows it if the test fails
    return found


@pytest.fixture
def dice(seed):
    """Draws that are others in each run."""
    return np.random.default_rng(seed)


def at_least(count, of, share):
    """Whether a true share of at least `share` may give so few of so many."""
    return scipy.stats.binom(of, share).cdf(count) > RARE


def at_most(count, of, share):
    """Whether a true share of at most `share` may give so many of so many."""
    return scipy.stats.binom(of, share).sf(count - 1) > RARE


def surely_within(count, of, least, most):
    """Whether a true share from `least` to `most` may give so many of so many."""
    return at_least(count, of, least) and at_most(count, of, most)
