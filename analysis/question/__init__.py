"""The answers to a question: which stack serves more, from where on, and what it costs."""
