"""Control side of the testbed: what to run, how it is run on the hosts, and what is kept of it."""
