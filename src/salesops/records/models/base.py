"""The three shapes a record can have, and what all of them share.

* **Versioned**: one current row per record. Its past is in `Change`, the one append-only history; the row is the cache of it.
* **Interval**: true during `[valid_from, valid_to)`. A correction is a new row with the same id; the old one gets `recorded_to`.
* **Event**: happened `at` an instant. Corrected in the same way.

Interval and event rows are visible while their batch is live and `recorded_to` is empty.
"""

from __future__ import annotations

from django.db import models

from . import fields as f


class Versioned(models.Model):
    shape = "versioned"
    code = 0
    label_field = "name"

    id = models.BigIntegerField(primary_key=True)
    created = f.instant("When the record came into being, as its source says")
    deleted = models.BooleanField(default=False)
    custom = models.TextField(default="{}")
    batch = models.BigIntegerField(default=0, db_index=True)

    class Meta:
        abstract = True


class Dated(models.Model):
    """What intervals and events share: identity, source, both recorded times, batch."""

    code = 0
    label_field = ""

    row = models.BigAutoField(primary_key=True)
    id = models.BigIntegerField(db_index=True)
    system = f.TextColumn(default="app")
    external_id = f.TextColumn(default="")
    recorded_from = models.BigIntegerField(default=0)
    recorded_to = models.BigIntegerField(null=True, blank=True)
    assumed = models.BooleanField(default=False)
    deleted = models.BooleanField(default=False)
    custom = models.TextField(default="{}")
    batch = models.BigIntegerField(default=0, db_index=True)
    closed_by = models.BigIntegerField(null=True, blank=True, db_index=True)

    class Meta:
        abstract = True


class Interval(Dated):
    shape = "interval"

    valid_from = f.day("First day on which it is true; empty = always was")
    valid_to = f.day("First day on which it is true no longer; empty = still is")

    class Meta:
        abstract = True


class Event(Dated):
    shape = "event"

    at = f.instant("When it happened")

    class Meta:
        abstract = True
