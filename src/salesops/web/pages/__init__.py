"""Pages: thin doors that ask queries, take actions, and give templates what they show. Importing this package registers every address."""

from . import home, metrics, numbers, records, shell

__all__ = ["home", "metrics", "numbers", "records", "shell"]
