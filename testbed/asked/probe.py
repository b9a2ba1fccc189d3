"""Define what one run of a search for a capacity shows. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Probe:
    """One run at one rate. `margin` is log(p99 / objective); infinite if it missed by errors.

    `mostly_late` says that half of the requests due, or more, had no correct answer as fast as the
    objective. A pause of the host delays a few of them only.
    """

    rate_rps: float
    margin: float
    mostly_late: bool = False

    @property
    def met(self) -> bool:
        """Whether the run met the objective."""
        return self.margin <= 0
