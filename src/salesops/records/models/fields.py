"""The field kinds of the data model, as Django fields with short names.

Every column holds a *raw* value that means the same on every database: money and shares are scaled integers,
instants are microseconds since 1970 UTC, references are record ids without a database constraint (a deal may arrive
before its account). `kind` says how raw values are read and shown; see `records.entities`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models


class TextColumn(models.TextField):
    kind = "text"


class IntegerColumn(models.BigIntegerField):
    kind = "integer"


class FlagColumn(models.BooleanField):
    kind = "boolean"


class DayColumn(models.DateField):
    kind = "date"


class InstantColumn(models.BigIntegerField):
    """Microseconds since 1970-01-01 UTC."""

    kind = "instant"


class MoneyColumn(models.BigIntegerField):
    """An amount in 10^-4 of the major unit; the row's `currency` says of what."""

    kind = "money"


class ScaledColumn(models.BigIntegerField):
    """A decimal number held as an integer of 10^-places."""

    def __init__(self, *args: Any, places: int = 4, **kwargs: Any) -> None:
        self.places = places
        super().__init__(*args, **kwargs)

    @property
    def kind(self) -> str:
        return f"scaled:{self.places}"

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs["places"] = self.places
        return name, path, args, kwargs


class RefColumn(models.BigIntegerField):
    """The id of a record of another entity (never a database constraint: records arrive in any order)."""

    kind = "ref"

    def __init__(self, *args: Any, target: str = "", **kwargs: Any) -> None:
        self.target = target
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs["target"] = self.target
        return name, path, args, kwargs


class KindColumn(models.TextField):
    """One word of a closed list, plus the words that the workspace declares for it."""

    kind = "kind"

    def __init__(self, *args: Any, words: Iterable[str] = (), **kwargs: Any) -> None:
        self.words = tuple(words)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        # The words live in code: adding one must not be a migration.
        return super().deconstruct()


def text(help_text: str = "", **kw: Any) -> TextColumn:
    return TextColumn(null=True, blank=True, help_text=help_text, **kw)


def integer(help_text: str = "") -> IntegerColumn:
    return IntegerColumn(null=True, blank=True, help_text=help_text)


def flag(help_text: str = "") -> FlagColumn:
    return FlagColumn(null=True, blank=True, help_text=help_text)


def day(help_text: str = "") -> DayColumn:
    return DayColumn(null=True, blank=True, help_text=help_text)


def instant(help_text: str = "") -> InstantColumn:
    return InstantColumn(null=True, blank=True, help_text=help_text)


def money(help_text: str = "") -> MoneyColumn:
    return MoneyColumn(null=True, blank=True, help_text=help_text)


def scaled(places: int = 4, help_text: str = "") -> ScaledColumn:
    return ScaledColumn(places=places, null=True, blank=True, help_text=help_text)


def share(help_text: str = "") -> ScaledColumn:
    """A share, probability or discount in parts per million."""
    return scaled(6, help_text)


def ref(target: str, help_text: str = "", **kw: Any) -> RefColumn:
    return RefColumn(target=target, null=True, blank=True, help_text=help_text, **kw)


def kind(*words: str, help_text: str = "") -> KindColumn:
    return KindColumn(words=words, null=True, blank=True, help_text=help_text)


def currency(help_text: str = "ISO 4217 code of this row's amounts") -> TextColumn:
    return text(help_text)
