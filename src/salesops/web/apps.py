"""The web shell as a Django app: templates, static files and template tags are found through it."""

from __future__ import annotations

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "salesops.web"
    label = "web"

    def ready(self) -> None:
        from salesops.sources import approvals  # noqa: F401  (registers what may need approval)
