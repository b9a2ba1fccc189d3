"""Draw a run over time into the page, as small pictures whose points are the data themselves."""
