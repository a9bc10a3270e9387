"""Batches, the one append-only history, source ids and what an import leaves behind."""

from __future__ import annotations

from django.db import models

from .fields import TextColumn

# Written in place of an empty value inside a whole-row assertion (field "*"), where a missing key means "not said".
NULL_MARK = "\x01"


class Batch(models.Model):
    """One unit of change: an import, an edit, the demo. Its rows count only while its status is `live`.

    `tick` is drawn from `Clock` when the batch goes live or is undone; a warehouse generation knows every batch
    up to its own tick.
    """

    STAGED, LOADING, LIVE, UNDONE, FAILED = "staged", "loading", "live", "undone", "failed"

    kind = models.TextField()  # import | edit | demo
    status = models.TextField(default=STAGED, db_index=True)
    tick = models.BigIntegerField(null=True, db_index=True)
    system = models.TextField(default="app")
    mode = models.TextField(default="delta")  # delta | snapshot
    mapping = models.TextField(default="")
    fingerprint = models.TextField(default="", db_index=True)
    file_date = models.DateField(null=True)
    user = models.TextField(default="")
    started = models.BigIntegerField()
    finished = models.BigIntegerField(null=True)
    chunks_done = models.IntegerField(default=0)
    summary = models.TextField(default="{}")


class Clock(models.Model):
    """One row: the order in which batches went live. Updating it serialises writers."""

    tick = models.BigIntegerField(default=0)


class Change(models.Model):
    """A value that a record's field took. `field = "*"` asserts several at once (`value` is a JSON object).

    `effective` is when it became true (null: nobody said, so it belongs to no day), `recorded` when we learned it;
    `assumed` says that the source gave no recorded time. Later beats earlier by (effective, recorded, seq, id).
    """

    id = models.BigAutoField(primary_key=True)
    entity = models.SmallIntegerField()
    record = models.BigIntegerField()
    field = TextColumn()
    value = TextColumn(null=True)
    effective = models.BigIntegerField(null=True)
    recorded = models.BigIntegerField()
    seq = models.BigIntegerField(default=0)
    assumed = models.BooleanField(default=False)
    batch = models.BigIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["entity", "record"], name="change_record"),
            models.Index(fields=["batch"], name="change_batch"),
            # Merges are few: reading redirects must not read the whole history.
            models.Index(fields=["entity", "record"], name="change_merged", condition=models.Q(field="merged_into")),
        ]


class SourceId(models.Model):
    """What a source system calls a versioned record. A merge points the loser's ids at the winner.

    `id` is `common.ids.record_id` of entity, system and external id, and so is `record` until a merge: written in that order, both
    indexes only grow at their ends.
    """

    id = models.BigIntegerField(primary_key=True)
    entity = models.SmallIntegerField()
    system = TextColumn()
    external_id = TextColumn()
    record = models.BigIntegerField(db_index=True)
    batch = models.BigIntegerField(default=0, db_index=True)


class RowError(models.Model):
    """A source row that was kept out, or let in with a warning, and what to do about it."""

    batch = models.BigIntegerField(db_index=True)
    source = TextColumn()
    row = models.BigIntegerField(null=True)
    field = TextColumn(null=True)
    problem = TextColumn()
    remedy = TextColumn()
    value = TextColumn(null=True)
    severity = TextColumn(default="error")
    content = TextColumn(null=True)


class MappingText(models.Model):
    """A mapping as last used, by name; the text file is what people edit."""

    name = models.TextField(unique=True)
    content = models.TextField()
    updated = models.BigIntegerField()


class ValueRule(models.Model):
    """`found` in a field is read as `becomes`, in this import and every later one."""

    entity = models.TextField()
    field = models.TextField()
    system = models.TextField(default="*")
    found = models.TextField()
    becomes = models.TextField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entity", "field", "system", "found"], name="value_rule_once")]


class FieldOwner(models.Model):
    """Who decides a field of one record (`record` set) or of an entity (`record` null): `app` or `source`."""

    entity = models.TextField()
    record = models.BigIntegerField(null=True)
    field = models.TextField()
    owner = models.TextField()


class ImportConflict(models.Model):
    """A source's value that was not taken because the app owns the field."""

    batch = models.BigIntegerField(db_index=True)
    entity = models.TextField()
    record = models.BigIntegerField()
    field = models.TextField()
    kept = models.TextField(null=True)
    offered = models.TextField(null=True)
    resolved = models.TextField(default="")


class CustomField(models.Model):
    """A declared field of an entity beyond the model: typed, usable as dimension and filter."""

    entity = models.TextField()
    name = models.TextField()
    kind = models.TextField()
    title = models.TextField(default="")
    target = models.TextField(default="")
    words = models.TextField(default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entity", "name"], name="custom_field_once")]


class DeclaredWord(models.Model):
    """A word that a workspace adds to a closed list."""

    entity = models.TextField()
    field = models.TextField()
    word = models.TextField()
    title = models.TextField(default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entity", "field", "word"], name="declared_word_once")]
