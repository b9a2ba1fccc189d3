"""Two campaigns side by side: which cells are better or worse, and what else differs."""
