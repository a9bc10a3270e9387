"""The audit chain: what tampering looks like."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.records.state.company import Company

from salesops.common.errors import NotAllowed, UsageError
from salesops.records import audit


@pytest.fixture
def log(company: Company) -> Any:
    """The entries of a company that has just been set up."""
    from salesops.records.models import AuditEntry

    assert audit.verify().ok
    return AuditEntry.objects.order_by("id")


def test_an_edited_entry_is_found(log: Any) -> None:
    victim = log[5]
    log.filter(pk=victim.pk).update(user="somebody else")
    found = audit.verify()
    assert (found.ok, found.broken, found.problem, found.entries) == (False, victim.pk, "edited", 5)


def test_an_edited_entry_with_a_new_hash_is_found(log: Any) -> None:
    victim, following = log[5], log[6]
    row = log.filter(pk=victim.pk).values(*audit.COLUMNS)[0] | {"user": "somebody else"}
    log.filter(pk=victim.pk).update(user="somebody else", hash=audit.entry_hash(row))
    assert audit.verify().broken == following.pk


def test_a_removed_entry_is_found(log: Any) -> None:
    log.filter(pk=log[5].pk).delete()
    found = audit.verify()
    assert (found.problem, found.entries) == ("removed", 5)


def test_reordered_entries_are_found(log: Any) -> None:
    from salesops.records.models import AuditEntry

    one, two = log[5], log[6]
    first, second = one.pk, two.pk
    AuditEntry.objects.filter(pk__in=(first, second)).delete()
    one.pk, two.pk = second, first
    one.save(force_insert=True)
    two.save(force_insert=True)
    assert audit.verify().problem == "reordered"


def test_a_cut_tail_is_found(log: Any) -> None:
    head = audit.verify().head
    last = log.last()
    log.filter(pk=last.pk).delete()
    assert audit.verify(head=head).problem == "removed"
    log.filter(pk__gte=log[8].pk).delete()
    assert audit.verify().problem == "removed"  # an edit stands without its entry


def test_an_export_is_verified_without_the_database(company: Company) -> None:
    lines = list(audit.export(company.owner))
    whole = audit.verify_export(lines)
    assert (whole.ok, whole.entries) == (True, len(lines))
    assert audit.verify_export(lines[:3] + lines[4:]).problem == "removed"
    assert audit.verify_export([*lines[:3], lines[4], lines[3], *lines[5:]]).problem == "reordered"
    edited = json.loads(lines[2]) | {"rows": 99}
    assert audit.verify_export([*lines[:2], json.dumps(edited), *lines[3:]]).problem == "edited"
    assert audit.verify_export(lines[:-1], head=whole.head).problem == "removed"
    with pytest.raises(UsageError):
        audit.verify_export(["no entry"])


def test_who_may_read_it(company: Company) -> None:
    assert audit.entries(company.user("auditor"), limit=1)[1] > 5
    for name in ("ann", "vera", "ops", "exec"):
        with pytest.raises(NotAllowed):
            audit.entries(company.user(name))
        with pytest.raises(NotAllowed):
            next(audit.export(company.user(name)))
