"""The control side of the testbed: what to run, how to run it on the hosts, what to keep."""
