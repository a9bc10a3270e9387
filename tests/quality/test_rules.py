"""Every rule with a record that breaks it and one that keeps it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from salesops.sources.quality import queries
from salesops.sources.quality.rules import DIMENSIONS, rules
from salesops.sources.quality.rules_fields import _EXPECTED

BOSS = SimpleNamespace(person=None, sees_all=True)
BAD, GOOD = 1, 2
OPEN, WON, LOST = ({"status": s} for s in ("open", "won", "lost"))
CLOSED = {"status": "won", "closed_on": "2024-03-01", "actual_close": "2024-03-01"}

# rule -> (entity, the bad record, the good record, other rows)
Rows = dict[str, Any]
CASES: dict[str, tuple[str, Rows, Rows, list[tuple[str, int | None, Rows]]]] = {
    "opportunity.amount_missing": ("opportunity", OPEN, {**OPEN, "value": 1}, []),
    "lead.unreachable": ("lead", {"name": "A"}, {"phone": "1"}, []),
    "person.email_invalid": ("person", {"email": "ann at work"}, {"email": "ann@acme.com"}, []),
    "contact.email_invalid": ("contact", {"email": "a@b"}, {"email": "a@b.co"}, []),
    "lead.email_invalid": ("lead", {"email": "x"}, {"email": "a.b+c@d.org"}, []),
    "opportunity.currency_invalid": ("opportunity", {"currency": "US$"}, {"currency": "EUR"}, []),
    "order.currency_invalid": ("order", {"currency": "ZZZ"}, {"currency": "EUR"}, []),
    "target.currency_invalid": ("target", {"currency": "dollar"}, {"currency": "USD"}, []),
    "opportunity.amount_negative": ("opportunity", {"amount": -1}, {"amount": 0}, []),
    "opportunity.probability_out_of_range": ("opportunity", {"probability_override": 50_000_000}, {"probability_override": 500_000}, []),
    "stage.probability_out_of_range": ("stage", {"probability": -1}, {"probability": 1_000_000}, []),
    "opportunity.closed_in_future": ("opportunity", {**WON, "actual_close": "2025-01-01"}, {**WON, "actual_close": "2024-06-30"}, []),
    "opportunity.date_impossible": ("opportunity", {"expected_close": "1900-01-01"}, {"expected_close": "2024-09-01"}, []),
    "opportunity_line.quantity_invalid": ("opportunity_line", {"quantity": 0}, {"quantity": 10_000}, []),
    "opportunity_line.discount_invalid": ("opportunity_line", {"discount": 10_000_000}, {"discount": 100_000}, []),
    "activity.minutes_invalid": ("activity", {"minutes": 3600}, {"minutes": 60}, []),
    "account.name_repeated": ("account", {"name": "Acme"}, {"name": "Beta"}, [("account", 3, {"name": "ACME "})]),
    "contact.email_repeated": ("contact", {"email": "a@b.co"}, {"email": "c@b.co"}, [("contact", 3, {"email": "A@b.co"})]),
    "lead.email_repeated": ("lead", {"email": "a@b.co"}, {"email": "c@b.co"}, [("lead", 3, {"email": "A@b.co"})]),
    "person.email_repeated": ("person", {"email": "a@b.co"}, {"email": "c@b.co"}, [("person", 3, {"email": "A@b.co"})]),
    "person.name_repeated": ("person", {"name": "Ann"}, {"name": "Bob"}, [("person", 3, {"name": "ann"})]),
    "product.name_repeated": ("product", {"name": "X"}, {"name": "Y"}, [("product", 3, {"name": "x"})]),
    "opportunity.content_repeated": (
        "opportunity", {"account": 7, "name": "A", "value": 5}, {"account": 7, "name": "B", "value": 5},
        [("opportunity", 3, {"account": 7, "name": "a", "value": 5})],
    ),
    "opportunity.unchanged": ("opportunity", {**OPEN, "day_from": "2024-04-30"}, {**OPEN, "day_from": "2024-05-01"}, []),
    "opportunity.close_date_past": ("opportunity", {**OPEN, "expected_close": "2024-06-29"}, {**OPEN, "expected_close": "2024-06-30"}, []),
    "lead.unchanged": ("lead", {"day_from": "2024-05-30"}, {"day_from": "2024-05-31"}, []),
    "opportunity.undated": ("opportunity", {}, {}, [("undated", BAD, {"entity": "opportunity"})]),
    "lead.undated": ("lead", {}, {}, [("undated", BAD, {"entity": "lead"})]),
    "order.undated": ("order", {}, {}, [("undated", BAD, {"entity": "order"})]),
    "opportunity.closed_without_date": ("opportunity", WON, {**LOST, "actual_close": "2024-02-01"}, []),
    "opportunity.open_with_close_date": ("opportunity", {**OPEN, "actual_close": "2024-02-01"}, OPEN, []),
    "opportunity.won_with_loss_reason": ("opportunity", {**WON, "loss_reason": "Price"}, WON, []),
    "opportunity.won_for_nothing": ("opportunity", {**WON, "value": 0}, {**WON, "value": 1}, []),
    "opportunity.closed_before_created": ("opportunity", {**WON, "closed_on": "2023-12-31"}, {**WON, "closed_on": "2024-01-01"}, []),
    "opportunity.negative_cycle": (
        "opportunity", {**CLOSED, "first_contact": "2024-03-02"}, {**CLOSED, "first_contact": "2024-03-01"}, [],
    ),
    "opportunity.owner_had_left": (
        "opportunity", {**CLOSED, "owner": 5}, {**CLOSED, "owner": 6},
        [("employment", 1, {"person": 5, "valid_to": "2024-03-01"}), ("employment", 2, {"person": 6, "valid_to": "2024-03-02"})],
    ),
    "opportunity.stage_order": (
        "opportunity", {}, {}, [("stage_history", None, {"opportunity": BAD, "day": "2023-12-01"}),
                                ("stage_history", None, {"opportunity": GOOD, "day": "2024-01-01"})],
    ),
    "opportunity.left_won": (
        "opportunity", {}, {}, [
            ("stage_history", None, {"opportunity": BAD, "day": "2024-02-01", "kind": "won", "next_kind": "open", "next_day": "2024-03-01"}),
            ("stage_history", None, {"opportunity": GOOD, "day": "2024-02-01", "kind": "won"}),
        ],
    ),
    "opportunity.currency_without_rate": (
        "opportunity", {"currency": "PLN", "value": 1}, {"currency": "EUR", "value": 1},
        [("rate_day", None, {"kind": "spot", "currency": "EUR", "to_currency": "USD", "day": "2024-06-30", "rate": 1})],
    ),
    "opportunity.splits_not_whole": (
        "opportunity", {}, {}, [("opportunity_split", 1, {"opportunity": BAD, "share": 900_000}),
                                ("opportunity_split", 2, {"opportunity": GOOD, "share": 1_000_000}),
                                ("opportunity_split", 3, {"opportunity": GOOD, "share": 1_000_000, "kind": "overlay"})],
    ),
    "order.total_differs": (
        "order", {"amount": 1_000_000}, {"amount": 2_000_000},
        [("order_line", 1, {"order": BAD, "amount": 900_000}), ("order_line", 2, {"order": GOOD, "amount": 2_000_000})],
    ),
    "order.shipped_before_ordered": (
        "order", {"ordered_on": "2024-02-02", "shipped_on": "2024-02-01"}, {"ordered_on": "2024-02-02", "shipped_on": "2024-02-02"}, [],
    ),
    "lead.converted_without_deal": ("lead", {"converted_at": 1}, {"converted_at": 1, "converted_opportunity": 9}, []),
    "lead.converted_before_created": ("lead", {"converted_at": 1, "created": 2}, {"converted_at": 2, "created": 1}, []),
    "reporting_line.overlap": (
        "reporting_line", {"person": 5, "manager": 8}, {"person": 6, "manager": 8},
        [("reporting_line", 3, {"person": 5, "manager": 9, "valid_from": "2024-01-01"})],
    ),
    "reporting_line.self": ("reporting_line", {"person": 5, "manager": 5}, {"person": 5, "manager": 6}, []),
    "account.own_parent": ("account", {"parent": BAD}, {"parent": BAD}, []),
}  # fmt: skip
for _entity, _field, *_ in _EXPECTED:
    _status = {"loss_reason": LOST}.get(_field, OPEN) if _entity == "opportunity" else {}
    _filled = {"quantity": 1, "amount": 1, "expected_close": "2024-07-01"}.get(_field, "1")
    CASES[f"{_entity}.{_field}_missing"] = (_entity, _status, {**_status, _field: _filled}, [])


def _dangling(rule: str) -> tuple[str, Rows, Rows, list[tuple[str, int | None, Rows]]]:
    entity, field = rule.removesuffix("_unknown").split(".")
    target = {"parent": "account", "owner": "person", "manager": "person"}.get(field, field)
    return entity, {field: 99}, {field: 50}, [(target, 50, {})]


ALL = sorted(rules())


@pytest.mark.parametrize("name", ALL)
def test_each_rule_finds_the_bad_record_and_spares_the_good_one(world: Any, name: str) -> None:
    entity, bad, good, others = _dangling(name) if name.endswith("_unknown") else CASES[name]
    if not name.endswith("undated"):
        world.add(entity, BAD, **bad)
    world.add(entity, GOOD, **good)
    for table, record, row in others:
        world.add(table, record, **row)
    found = queries.issues(world, BOSS, name)
    ids = {issue.id for issue in found.rows}
    assert BAD in ids
    assert GOOD not in ids
    assert found.total == len(found.rows)
    assert found.rows[0].remedy
    result = queries.check(world, BOSS, rule=name).results[0]
    assert not result.left_out
    assert result.failing == found.total
    assert result.checked > result.failing


def test_every_rule_says_why_and_what_to_do() -> None:
    for rule in rules().values():
        assert all((rule.why, rule.remedy, rule.title))
        assert rule.dimension in DIMENSIONS
        assert rule.id.startswith(f"{rule.entity}.")
