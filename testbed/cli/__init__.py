"""Define what a user sees of the testbed: the tasks of fab, their options and their output."""
