"""One row as JSON, by four frameworks: a module for each, and the way to the database."""
