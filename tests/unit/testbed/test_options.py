"""Options as users give them."""

import pytest

from testbed.cli import options
from testbed.errors import TestbedError


def article(**given):
    return options.read_article({"resume": None} | given)


def test_names_are_separated_by_commas():
    assert article(parts="list_500, add,").parts == ["list_500", "add"]


@pytest.mark.parametrize("given", ["", " ", ","])
def test_an_option_for_names_that_names_nothing_is_refused(given):
    with pytest.raises(TestbedError, match=r"^--parts: no name given.* \(given: '.*'\)$"):
        article(parts=given)
    with pytest.raises(TestbedError, match=r"^--apps: no name given"):
        options.read({"apps": given})


@pytest.mark.parametrize(
    ("given", "modes"),
    [
        ([], ["as_published", "fair"]),
        (["both"], ["as_published", "fair"]),
        (["as_published"], ["as_published"]),
        (["fair"], ["fair"]),
        (["as_published", "fair"], ["as_published", "fair"]),
        (["both", "fair"], ["as_published", "fair"]),
    ],
)
def test_both_ways_are_asked_unless_one_is_named(given, modes):
    assert article(**dict.fromkeys(given, True)).modes == modes


@pytest.mark.parametrize(
    ("option", "value"), [("scale", "tiny"), ("trials", "0"), ("trials", "many"), ("seed", "x")]
)
def test_a_value_that_does_not_fit_is_named_in_one_line(option, value):
    with pytest.raises(TestbedError, match=rf"^--{option}: .* \(given: '{value}'\)$"):
        article(**{option: value})


def test_a_series_that_is_resumed_takes_nothing_that_would_change_it():
    with pytest.raises(TestbedError, match="--fair, --scale"):
        options.read_article(options_with(resume="results/x", scale="small", fair=True))
    assert options.read_article(options_with(resume="results/x", strict=True)).strict


def options_with(**given):
    """All options as fab hands them over: defaults, but for those given."""
    names = options.defaults(options.ArticleOptions)
    return {name: default for name, (default, _) in names.items()} | given
