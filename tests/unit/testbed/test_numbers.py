"""Figures are written for people: no exponent, and what was asked for as it was asked for."""

import pytest

from testbed.numbers import written_out

WRITTEN = [
    (50, "50"),
    (0.5, "0.5"),
    (1e6, "1000000"),
    (1234567.8, "1234568"),
    (1e19, "10000000000000000000"),
    (1e-5, "0.00001"),
    (0.0, "0"),
    (0.1 + 0.2, "0.3"),
    (123456.789, "123457"),
]


@pytest.mark.parametrize(("value", "text"), WRITTEN)
def test_a_figure_is_written_out(value, text):
    assert written_out(value) == text
    assert written_out(-value or 0.0) == (f"-{text}" if value else text)


def test_thousands_and_digits_are_as_asked():
    assert written_out(1234567.8, ",") == "1,234,568"
    assert written_out(1234.5, ",") == "1,234.5"
    assert written_out(1234567.8, significant=9) == "1234567.8"


def test_beyond_all_measure_it_is_as_short_as_it_was_given():
    assert (written_out(1e308), written_out(1e-300)) == ("1e+308", "1e-300")
