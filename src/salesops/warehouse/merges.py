"""References to merged records, read as the record that lives on."""

from __future__ import annotations


def referred(target: str, value: str, moved: frozenset[str]) -> str:
    """The id in `value` as what it is read as: where `target` has merged records (`moved`), the one that a loser lives on in."""
    if target not in moved:
        return value
    return f"coalesce((SELECT d.winner FROM redirect d WHERE d.entity = '{target}' AND d.loser = {value}), {value})"
