"""Speed on large data, measured beside hand-written work that gives the same answer. `python -m benchmarks --help`."""
