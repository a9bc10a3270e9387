"""Background work: a queue in the state database, times at which work is due, and the worker that does it (decision 0013)."""
