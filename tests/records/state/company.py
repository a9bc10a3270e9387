"""A small sales team to test with, made through the actions that people use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from salesops.records import actions, actions_users, history, writing
from salesops.records.access import Actor, actor_for
from salesops.records.entities import entity


@contextmanager
def rolled_back() -> Iterator[None]:
    """A transaction (or savepoint) that leaves nothing behind."""
    from django.db import transaction

    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@dataclass
class Company:
    """People by name, their users, a pipeline with stages Open, Won and Lost."""

    workspace: Any
    owner: Actor
    people: dict[str, int]
    stages: dict[str, int]

    @classmethod
    def build(cls, workspace: Any) -> Company:
        owner = actor_for(workspace)
        people = {
            name: actions.create_record(owner, "person", {"name": name, "email": f"{name.lower()}@acme.example"})
            for name in ("Vera", "Mark", "Ann", "Bob", "Zoe")
        }
        for person, manager in (("Mark", "Vera"), ("Ann", "Mark"), ("Bob", "Mark")):
            line = {"person": people[person], "manager": people[manager], "kind": "line", "valid_from": "2015-01-01"}
            actions.create_record(owner, "reporting_line", line)
        for name, roles in (("Vera", "manager"), ("Mark", "manager"), ("Ann", "rep"), ("Bob", "rep"), ("Zoe", "rep")):
            actions_users.create_user(owner, name.lower(), name=name, roles=roles, person=people[name])
        for role in ("ops", "finance", "auditor", "engineer", "exec", "admin"):
            actions_users.create_user(owner, role, roles=role)
        pipeline = actions.create_record(owner, "pipeline", {"name": "Sales", "kind": "sales"})
        stages = {
            kind: actions.create_record(
                owner, "stage", {"name": kind.title(), "pipeline": pipeline, "kind": kind, "position": place}
            )
            for place, kind in enumerate(("open", "won", "lost"))
        }
        return cls(workspace, owner, people, stages)

    def user(self, name: str) -> Actor:
        return actor_for(self.workspace, name)

    def deal(self, name: str, owner: str, **given: Any) -> int:
        values = {"name": name, "owner": self.people[owner], "stage": self.stages["open"], "created": "2017-01-10"}
        return actions.create_record(self.owner, "opportunity", values | given, effective=date(2017, 1, 10))

    def names(self, actor: Actor, **asked: Any) -> list[str]:
        from salesops.records import queries

        return sorted(row["name"] for row in queries.list_records(actor, "opportunity", **asked).rows)


def put_change(
    record: int,
    field: str,
    value: str | None,
    effective: int | None,
    recorded: int,
    seq: int = 0,
    *,
    name: str = "opportunity",
    status: str = "live",
) -> Any:
    """One row of history in a batch of its own, as an import would write it; current rows are brought up to date."""
    from salesops.records.models import Batch, Change

    batch = Batch.objects.create(kind="import", status=status, tick=writing.next_tick(), started=recorded)
    row = Change.objects.create(
        entity=entity(name).code,
        record=record,
        field=field,
        value=value,
        effective=effective,
        recorded=recorded,
        seq=seq,
        batch=batch.pk,
    )
    history.recompute_current(entity(name), [record])
    return row


# The names of all entities, for parametrised tests: Django is not configured yet when they are collected.
NAMES = [
    "business_unit",
    "calendar",
    "holiday",
    "working_time",
    "person",
    "employment",
    "reporting_line",
    "team",
    "team_member",
    "absence",
    "person_skill",
    "territory",
    "territory_assignment",
    "territory_member",
    "account",
    "contact",
    "lead",
    "consent",
    "campaign",
    "campaign_member",
    "product",
    "price_book",
    "price",
    "stock_level",
    "pipeline",
    "stage",
    "opportunity",
    "opportunity_line",
    "opportunity_split",
    "opportunity_contact",
    "stage_event",
    "activity",
    "engagement_event",
    "time_report",
    "order",
    "order_line",
    "invoice",
    "invoice_line",
    "payment",
    "subscription",
    "cost",
    "exchange_rate",
    "target",
    "benchmark",
    "forecast_call",
]
