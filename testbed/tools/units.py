"""Read figures as the tools print them: a number, a unit, and how exact the number is.

The units of all tools are here. A figure keeps half of its last printed digit as `slack`, so that
two figures count as a contradiction only if rounding cannot explain it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

Units = Mapping[str, int | Decimal]  # a unit as printed -> its size in the unit wanted

# wrk prints us, ms, s and m. People and its command line also write h, and µs with either µ.
TIME_IN_US: Units = {
    **dict.fromkeys(("us", "\N{MICRO SIGN}s", "\N{GREEK SMALL LETTER MU}s"), 1),
    **{"ms": 10**3, "s": 10**6, "m": 60 * 10**6, "h": 3600 * 10**6},
}
TIME_IN_S: Units = {unit: Decimal(scale) / 10**6 for unit, scale in TIME_IN_US.items()}
COUNT: Units = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}
RATE: Units = {"": 1}
# A K of bytes is 1024 for wrk and ab, unlike in the SI.
BYTES: Units = {"B": 1} | {f"{k}B": 1024**power for power, k in enumerate("KMGTP", start=1)}
BYTES_OF_OLD_AB: Units = {"B": 1, "KB": 1000}  # before version 2.0
# A K is 1024 for bytes and 1000 for bits in the output of iperf.
IPERF_BYTES: Units = {"Bytes": 1} | {
    f"{k}Bytes": 1024**power for power, k in enumerate("KMGT", start=1)
}
IPERF_MBIT_PER_S: Units = {
    "bits/sec": Decimal(1) / 10**6,
    "Bytes/sec": Decimal(8) / 10**6,
} | {
    f"{k}{what}/sec": Decimal(scale**power * bits) / 10**6
    for power, k in enumerate("KMGT", start=1)
    for what, scale, bits in (("bits", 1000, 1), ("Bytes", 1024, 8))
}

# At most 30 digits. A longer number is not a measurement, and would overflow.
_FIGURE = re.compile(r"(-?)(\d{1,30})(?:\.(\d{1,30}))?\s*(\D*)", re.ASCII)


@dataclass(frozen=True)
class PrintedFigure:
    """A printed figure in the unit asked for. The true value is within `value` ± `slack`."""

    text: str
    value: float
    slack: float = 0.0

    @property
    def low(self) -> float:
        """Return the least value that is printed like this."""
        return self.value - self.slack

    @property
    def high(self) -> float:
        """Return the greatest value that is printed like this."""
        return self.value + self.slack


def figure(text: str, units: Units) -> PrintedFigure | None:
    """Return the figure in `text`, scaled by `units`; None if it has no number with such a unit."""
    match = _FIGURE.fullmatch(text.strip())
    if not match:
        return None
    sign, whole, decimals, unit = match.groups()
    if unit not in units:
        return None
    scale = Decimal(units[unit])
    value = Decimal(f"{sign}{whole}.{decimals or 0}") * scale
    slack = scale / 2 / 10 ** len(decimals or "")
    return PrintedFigure(text.strip(), float(value), float(slack))


def count(text: str) -> int | None:
    """Return a whole number such as '3097'; None if the text is not one, or is too long."""
    return int(text) if re.fullmatch(r"\d{1,30}", text, re.ASCII) else None
