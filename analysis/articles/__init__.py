"""Published articles asked again: the campaigns of a series, and what became of the claims."""
