"""Write numbers for people to read: rates, counts, times, shares and sizes."""

from decimal import Decimal

MISSING = "\N{EM DASH}"
AT_LEAST = "\N{GREATER-THAN OR EQUAL TO} "  # before a figure that is only a lower bound


def rate(value: float | None) -> str:
    """Return a rate per second: whole from 100 on, otherwise with three significant digits."""
    return MISSING if value is None else _digits(value)


def count(value: float | None) -> str:
    """Return a count; the mean of counts has one decimal if it is not whole."""
    if value is None:
        return MISSING
    return f"{value:,.0f}" if value == round(value) or value >= 100 else f"{value:,.1f}"


def milliseconds(value_us: float | None) -> str:
    """Return microseconds as milliseconds with three significant digits."""
    return MISSING if value_us is None else _digits(value_us / 1000)


def digits(value: float | None) -> str:
    """Return a figure, whose heading has its unit, with three significant digits."""
    return MISSING if value is None else _digits(value)


def percent(value: float | None) -> str:
    """Return a percentage, in whole percents from 10 on."""
    return MISSING if value is None else f"{value:.0f} %" if abs(value) >= 10 else f"{value:.1f} %"


def rough(value: float) -> str:
    """Return two significant digits, but never fewer than the whole number, and no exponent."""
    if abs(value) >= 10 or value == 0:
        return f"{value:,.0f}"
    return f"{Decimal(f'{value:.2g}'):f}"


def written_out(value: float, thousands: str = "", significant: int = 6) -> str:
    """Return a figure as it was asked for: 50, 0.5 or 1000000, without zeros behind the point.

    It has so many significant digits at most, but never fewer than the whole number, and no
    exponent, unless it is beyond what anybody measures. `thousands` stands between thousands.
    """
    if value and not 1e-12 <= abs(value) < 1e21:
        return f"{value:g}"
    if abs(value) >= 10**significant:
        return f"{value:{thousands}.0f}"
    return f"{Decimal(f'{value:.{significant}g}'):{thousands}f}"


def size(value_bytes: float | None) -> str:
    """Return bytes in the largest binary unit that leaves a number of at least one."""
    if value_bytes is None:
        return MISSING
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if value_bytes < 1024:
            return f"{_digits(value_bytes)} {unit}"
        value_bytes /= 1024
    return f"{_digits(value_bytes)} TiB"


def _digits(value: float) -> str:
    """Return three significant digits, but never fewer than the whole number, and no exponent."""
    magnitude = abs(value)
    if magnitude == 0:
        return "0"
    for limit, decimals in ((0.01, 4), (0.1, 3), (1, 3), (10, 2), (100, 1)):
        if magnitude < limit:
            return f"{value:.{decimals}f}"
    return f"{value:,.0f}"
