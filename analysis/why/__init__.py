"""Why two apps differ: the share of each factor in the ratio of their figures."""
