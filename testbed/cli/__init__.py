"""What a user sees of the testbed: the tasks of fab, their options and what they show."""
