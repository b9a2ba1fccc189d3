"""Run `python -m command`: the same as `testbed`."""

from command.main import main

main()
