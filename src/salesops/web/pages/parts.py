"""What several pages show alike: key figures and the bars of the waterfall."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy

from salesops.web.shell import drawn, shown

BARS = {
    "start": gettext_lazy("Start"), "created": gettext_lazy("Created"), "reopened": gettext_lazy("Reopened"),
    "pulled_in": gettext_lazy("Pulled in"), "reassigned_in": gettext_lazy("Reassigned in"), "increased": gettext_lazy("Increased"),
    "currency": gettext_lazy("Exchange rates"), "decreased": gettext_lazy("Decreased"), "won": gettext_lazy("Won"),
    "lost": gettext_lazy("Lost"), "pushed_out": gettext_lazy("Pushed out"), "reassigned_out": gettext_lazy("Reassigned out"),
    "deleted": gettext_lazy("Deleted"), "end": gettext_lazy("End"),
}  # fmt: skip
"""The bars of the waterfall in their order, and what they are called."""


@dataclass(frozen=True)
class Tile:
    """A key figure: its metric and title, value, what stands under it, the change, and its sparkline where it has one."""

    metric: str
    title: str
    value: shown.Shown
    note: str
    delta: shown.Delta | None
    spark: drawn.Spark | None = None
