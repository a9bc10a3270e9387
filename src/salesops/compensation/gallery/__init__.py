"""Complete example plans, from a small start-up to an enterprise, each with worked tests inside."""

from __future__ import annotations

from importlib import resources

from salesops.compensation.reader import Document, read


def names() -> list[str]:
    """Give the names of the example plans, the simplest first."""
    return sorted(
        one.name.removesuffix(".yaml") for one in resources.files(__package__).iterdir() if one.name.endswith(".yaml")
    )


def text(name: str) -> str:
    """Give the text of an example plan; KeyError if there is none of that name."""
    if name not in names():
        raise KeyError(name)
    return (resources.files(__package__) / f"{name}.yaml").read_text(encoding="utf-8")


def plan(name: str) -> Document:
    """Read an example plan."""
    return read(text(name), f"{name}.yaml")
