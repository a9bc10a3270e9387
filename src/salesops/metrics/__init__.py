"""The metric catalogue and the one way to ask for a number. See `query.query`."""
