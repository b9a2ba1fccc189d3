"""Define what one run of a search for a capacity shows. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Probe:
    """One run at one rate. `margin` is log(p99 / objective); infinite if it missed by errors."""

    rate_rps: float
    margin: float

    @property
    def met(self) -> bool:
        """Whether the run met the objective."""
        return self.margin <= 0
