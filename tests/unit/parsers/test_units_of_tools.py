"""Every unit that a tool prints."""

import pytest

from testbed.tools.units import (
    BYTES,
    COUNT,
    IPERF_BYTES,
    IPERF_MBIT_PER_S,
    TIME_IN_S,
    TIME_IN_US,
    figure,
)


@pytest.mark.parametrize(
    ("text", "units", "value", "slack"),
    [
        ("45.80us", TIME_IN_US, 45.8, 0.005),
        ("45.80\N{MICRO SIGN}s", TIME_IN_US, 45.8, 0.005),
        ("45.80\N{GREEK SMALL LETTER MU}s", TIME_IN_US, 45.8, 0.005),
        ("192.55ms", TIME_IN_US, 192_550, 5),
        ("1.29s", TIME_IN_US, 1_290_000, 5_000),
        ("1.60m", TIME_IN_US, 96_000_000, 300_000),
        ("2h", TIME_IN_US, 7_200_000_000, 1_800_000_000),
        ("0.92m", TIME_IN_S, 55.2, 0.3),
        ("850.00ms", TIME_IN_S, 0.85, 0.000005),
        ("1.5k", COUNT, 1500, 50),
        ("4k", COUNT, 4000, 500),
        ("1.02M", COUNT, 1_020_000, 5_000),
        ("0.00B", BYTES, 0, 0.005),
        ("238.02KB", BYTES, 243_732.48, 5.12),
        ("6.99MB", BYTES, 7_329_546.24, 5_242.88),
        ("1.50GB", BYTES, 1_610_612_736, 5_368_709.12),
        ("1.06 GBytes", IPERF_BYTES, 1_138_166_333.44, 5_368_709.12),
        ("100 Bytes", IPERF_BYTES, 100, 0.5),
        ("903 Mbits/sec", IPERF_MBIT_PER_S, 903, 0.5),
        ("1.91 Gbits/sec", IPERF_MBIT_PER_S, 1910, 5),
        ("48283 bits/sec", IPERF_MBIT_PER_S, 0.048283, 0.0000005),
        ("1 MBytes/sec", IPERF_MBIT_PER_S, 8.388608, 4.194304),
        ("-3.00ms", TIME_IN_US, -3000, 5),
    ],
)
def test_a_figure_has_its_value_and_half_of_its_last_digit(text, units, value, slack):
    printed = figure(text, units)
    assert printed.value == pytest.approx(value, rel=1e-12)
    assert printed.slack == pytest.approx(slack)
    assert printed.text == text


@pytest.mark.parametrize(
    "text", ["", "s", "1.2xs", "1,5ms", "1.2.3s", "nan", "-nanus", "1e3s", "٣s", "9" * 31 + "s"]
)
def test_what_is_no_figure_is_none(text):
    assert figure(text, TIME_IN_US) is None


def test_a_unit_must_be_one_of_the_tool():
    assert figure("3", TIME_IN_US) is None  # a time without a unit
    assert figure("3 Mbits/sec", TIME_IN_US) is None
