"""Collects problems of one file, and sums up those beyond a limit so that every lost row is still counted."""

from __future__ import annotations

from collections import Counter

from salesops.common.errors import Problem, Severity


class ProblemList:
    """Problems of one source; per wording at most ``limit`` are listed, the rest are counted."""

    def __init__(self, source: str, limit: int) -> None:
        self.source, self.limit = source, limit
        self.rejected = 0
        self._listed: list[Problem] = []
        self._seen: Counter[tuple[str, Severity]] = Counter()

    def add(
        self,
        problem: str,
        remedy: str,
        row: int | None = None,
        field: str | None = None,
        value: str | None = None,
        severity: Severity = "error",
        group: str | None = None,
    ) -> None:
        """Note one problem; ``group`` is what it is counted under (default: its wording)."""
        key: tuple[str, Severity] = (group or problem, severity)
        self._seen[key] += 1
        if self._seen[key] <= self.limit:
            shown = None if value is None else value[:200]
            self._listed.append(Problem(self.source, row, field, problem, remedy, value=shown, severity=severity))

    def reject(self, problem: str, remedy: str, row: int, value: str | None = None, group: str | None = None) -> None:
        """Note a row that is left out."""
        self.rejected += 1
        self.add(problem, remedy, row=row, value=value, group=group)

    def warn(self, problem: str, remedy: str, row: int | None = None, field: str | None = None) -> None:
        """Note something that does not lose a row."""
        self.add(problem, remedy, row=row, field=field, severity="warning")

    def result(self) -> list[Problem]:
        """Give the problems in the order of their rows, followed by the sums of those not listed."""
        listed = sorted(self._listed, key=lambda problem: problem.row or 0)
        for (group, severity), count in self._seen.items():
            if count > self.limit:
                text = f"{count - self.limit} more of: {group}"
                listed.append(Problem(self.source, None, None, text, "See those listed above", severity=severity))
        return listed
