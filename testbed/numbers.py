"""How numbers are written for people to read: rates, counts, times, shares and sizes."""

MISSING = "\N{EM DASH}"
AT_LEAST = "\N{GREATER-THAN OR EQUAL TO} "  # before a figure that is only a lower bound


def rate(value: float | None) -> str:
    """Per second: whole from 100 on, else three significant digits."""
    return MISSING if value is None else _digits(value)


def count(value: float | None) -> str:
    """A count; a mean of counts keeps a decimal where it has one."""
    if value is None:
        return MISSING
    return f"{value:,.0f}" if value == round(value) or value >= 100 else f"{value:,.1f}"


def milliseconds(value_us: float | None) -> str:
    """Microseconds, written as milliseconds with three significant digits."""
    return MISSING if value_us is None else _digits(value_us / 1000)


def percent(value: float | None) -> str:
    """A percentage, in whole percents from 10 on."""
    return MISSING if value is None else f"{value:.0f} %" if value >= 10 else f"{value:.1f} %"


def size(value_bytes: float | None) -> str:
    """Bytes, in the largest binary unit that leaves a number of at least one."""
    if value_bytes is None:
        return MISSING
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if value_bytes < 1024:
            return f"{_digits(value_bytes)} {unit}"
        value_bytes /= 1024
    return f"{_digits(value_bytes)} TiB"


def _digits(value: float) -> str:
    """Three significant digits, but never less than the whole number, and never an exponent."""
    magnitude = abs(value)
    if magnitude == 0:
        return "0"
    for limit, decimals in ((0.01, 4), (0.1, 3), (1, 3), (10, 2), (100, 1)):
        if magnitude < limit:
            return f"{value:.{decimals}f}"
    return f"{value:,.0f}"
