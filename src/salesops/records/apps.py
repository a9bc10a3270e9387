"""The Django app that holds the data model."""

from __future__ import annotations

from django.apps import AppConfig


class RecordsConfig(AppConfig):
    name = "salesops.records"
    label = "records"
    default_auto_field = "django.db.models.BigAutoField"
