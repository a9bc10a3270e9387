"""The pipeline: what is open, how it moved, where it leaks, how fast it flows, what wants care, how the process really runs."""

from . import deals, funnel, hygiene, movement, overview, process, velocity

__all__ = ["deals", "funnel", "hygiene", "movement", "overview", "process", "velocity"]
