"""REST under /api/v1: one of the doors. Every operation calls a query or an action of a room and nothing else."""
