"""Read by Hypercorn at start: the one setting that its command line does not have."""

import os

# Requests after which a connection is closed, and said to be: 1000 by default, which a generator
# would have to count as an error
keep_alive_max_requests = 0 if os.environ["KEEPALIVE_S"] == "0" else 1_000_000
