"""The knobs of the simulated company, read from `company.toml`, and the independent random streams of its parts."""

from __future__ import annotations

import tomllib
import zlib
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from salesops.common.errors import Problem, UsageError

Activities = Literal["full", "light", "none"]
COMPANY: Final = Path(__file__).with_name("company.toml")
KNOBS: Final = ("reps", "years", "end", "seed", "opportunities", "changes", "leads", "activities", "dirt")


@dataclass(frozen=True)
class Parameters:
    """Size, span and seed of a simulated company; `company` is the whole of `company.toml`.

    `opportunities`, `leads` and `changes` (rows of all history files together) are targets; None takes what the
    company's rates give.
    """

    reps: int
    years: int
    end: date
    seed: int
    opportunities: int | None = None
    changes: int | None = None
    leads: int | None = None
    activities: Activities = "full"
    dirt: bool = True
    company: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, path: Path | None = None, **overrides: Any) -> Parameters:
        """The parameters of the file (the package's own where None), with the knobs given by name put over it.

        Raises UsageError with everything that is wrong with them.
        """
        company = tomllib.loads((path or COMPANY).read_text(encoding="utf-8"))
        if unknown := sorted(set(overrides) - set(KNOBS)):
            raise UsageError(f"there is no parameter {', '.join(unknown)}", f"Parameters: {', '.join(KNOBS)}")
        values = {name: company["size"][name] for name in KNOBS if name in company["size"]}
        values |= {name: value for name, value in overrides.items() if value is not None}
        if isinstance(values["end"], str):
            values["end"] = date.fromisoformat(values["end"])
        return cls(**values, company=company).checked()

    def checked(self) -> Parameters:
        """The same parameters; raises UsageError where one is outside what can be simulated."""
        rules = [
            ("reps", 1 <= self.reps <= 20_000, "Give 1 to 20,000"),
            ("years", 1 <= self.years <= 10, "Give 1 to 10"),
            ("activities", self.activities in ("full", "light", "none"), "Give full, light or none"),
            ("opportunities", self.opportunities is None or self.opportunities >= 1, "Give 1 or more"),
            ("changes", self.changes is None or self.changes >= 1, "Give 1 or more"),
            ("leads", self.leads is None or self.leads >= 0, "Give 0 or more"),
        ]
        wrong = [
            Problem("demo", None, name, f"{getattr(self, name)!r} is out of range", remedy)
            for name, fine, remedy in rules
            if not fine
        ]
        if wrong:
            raise UsageError("the demo company cannot be simulated", "Correct the parameters", wrong)
        return self

    @property
    def start(self) -> date:
        """The first day: `years` whole years up to and including `end`."""
        from salesops.demo.days import years_before

        return years_before(self.end, self.years)

    @property
    def opportunity_count(self) -> int:
        """Opportunities to make."""
        rate = float(self.company["size"]["opportunities_per_rep_year"])
        return self.opportunities or max(4, round(self.reps * self.years * rate))

    @property
    def lead_count(self) -> int:
        """Leads to make."""
        if self.leads is not None:
            return self.leads
        return round(self.opportunity_count * float(self.company["size"]["leads_per_opportunity"][self.activities]))

    def rng(self, part: str, block: int = 0) -> np.random.Generator:
        """The random stream of one part and block: changing one part does not reshuffle the others."""
        key = (zlib.crc32(part.encode()), block)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))
