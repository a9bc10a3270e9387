"""Plans as text: the gallery, reading with mistakes placed, writing and editing, hashes, worked tests."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from salesops.common.errors import InvalidData
from salesops.compensation import forms, gallery, reader, shapes, tested
from salesops.compensation.identity import content_hash
from salesops.compensation.plan import Band, Flat, Point, Tiered

PLAN = """\
plan: ae-2026          # the plan of the field
effective: 2026-01-01 .. 2026-12-31
currency: USD
measures:
  new_acv: {amount: deal.acv, where: deal.stage == 'won'}   # won deals only
quota: {of: new_acv, window: year, seasonality: [20%, 25%, 25%, 30%]}
windfall: {measure: new_acv, above: 250_000, count: 25%}
components:
  # the one that matters
  - id: commission
    kind: tiered
    measure: new_acv
    bands: [{to: 100%, rate: 8%}, {rate: 16%}]   # two bands
    accumulate: ytd
  - {id: extra, kind: flat, measure: new_acv, rate: 1%}
tests:
  - given: {quota: 100_000, deals: [70_000, 60_000]}
    expect: {commission: 12_800.00}
"""


def test_there_are_at_least_twelve_example_plans() -> None:
    assert len(gallery.names()) >= 12


@pytest.mark.parametrize("name", gallery.names())
def test_an_example_plan_passes_its_own_tests_and_comes_back_as_it_was(name: str) -> None:
    document = gallery.plan(name)
    assert document.plan.tests
    assert [str(one) for one in tested.run(document.plan)] == []
    assert reader.edited(document, document.plan) == document.text, "no change: not a character moves"
    again = reader.read(reader.write(document.plan)).plan
    assert again == document.plan
    assert content_hash(again) == content_hash(document.plan)


def test_an_edit_keeps_order_and_comments_and_changes_one_place() -> None:
    document = reader.read(PLAN)
    commission, extra = document.plan.components
    assert isinstance(commission, Tiered)
    bands = (commission.bands[0], Band(rate=125_000))
    edited = reader.edited(document, replace(document.plan, components=(replace(commission, bands=bands), extra)))
    assert edited.split() == PLAN.replace("rate: 16%", "rate: 12.5%").split()
    assert reader.read(edited).plan != document.plan
    fewer = reader.edited(document, replace(document.plan, components=(commission,)))
    assert "extra" not in fewer
    assert "# two bands" in fewer
    more = replace(
        document.plan, components=(*document.plan.components, Flat(id="third", measure="new_acv", rate=5_000))
    )
    assert "rate: 0.5%" in reader.edited(document, more)
    assert reader.read(reader.edited(document, more)).plan == more


def test_the_hash_is_of_what_a_plan_means() -> None:
    plan = reader.read(PLAN).plan
    spelled = PLAN.replace("250_000", "250000.00").replace("   # two bands", "").replace("rate: 8%", "rate: 0.08")
    assert content_hash(reader.read(spelled).plan) == content_hash(plan)
    assert content_hash(reader.read(PLAN.replace("rate: 8%", "rate: 8.0001%")).plan) != content_hash(plan)


@pytest.mark.parametrize(
    ("old", "new", "row", "field", "problem", "remedy"),
    [
        ("bands:", "bandz:", 13, "components[0].bandz", "There is no key 'bandz'", "'bands'"),
        ("kind: tiered", "kind: teired", 11, "components[0].kind", "no kind of component", "'tiered'"),
        ("kind: tiered", "kind: draw", 11, "components[0].kind", "'draw' is no component", "section"),
        ("measure: new_acv\n", "measure: new_acw\n", 12, "components[0].measure", "no measure 'new_acw'", "'new_acv'"),
        ("deal.acv", "deal.acw", 5, "measures.new_acv.amount", "no field 'deal.acw'", "'deal.acv'"),
        ("deal.acv", "deal.seats", 5, "measures.new_acv.amount", "gives a count, but money", "unit"),
        ("deal.stage == 'won'", "deal.amount > 5 EUR", 5, "measures.new_acv.where", "Cannot compare money", "one currency"),
        ("30%]", "31%]", 6, "quota.seasonality", "sum to 101 %", ""),
        ("above: 250_000", "above: 250_000 EUR", 7, "windfall.above", "is in EUR", "one currency"),
        ("count: 25%", "count: 0%, affects: quota", 7, "windfall.count", "lies in no band", "above 0 %"),
        ("above: 250_000", "above: 25%", 7, "windfall.above", "is a share", "amount"),
        ("rate: 8%", "rate: 8.12345%", 13, "components[0].bands[0].rate", "more than six decimals", ""),
        ("rate: 8%", "rate: 1e-3", 13, "components[0].bands[0].rate", "not a number", "1_200.50"),
        ("{to: 100%, rate: 8%}, {rate: 16%}", "{rate: 8%}, {to: 50%, rate: 16%}", 13, "components[0].bands", "last band has an end", "Leave"),
        ("{to: 100%, rate: 8%}", "{to: 100%, rate: 8%}, {to: 90%, rate: 9%}", 13, "components[0].bands", "overlap", "lowest"),
        ("{to: 100%, rate: 8%}", "{to: 50%, rate: 8%}, {to: 90_000, rate: 9%}", 13, "components[0].bands", "mix shares", "one of the two"),
        ("currency: USD", "currency: usd", 3, "currency", "not a currency code", "ISO 4217"),
        ("2026-12-31", "2025-12-31", 2, "effective", "ends before it starts", "earlier day first"),
        ("currency: USD\n", "", 1, None, "'currency' is missing", "Add"),
        ("id: extra", "id: commission", 8, "components", "'commission' is there twice", "name"),
        ("rate: 1%}", "rate: 1%, gate: extra.earned > 5}", 9, "components", "in a circle: extra -> extra", "Remove"),
    ],
)  # fmt: skip
def test_a_mistake_is_placed_and_says_what_to_do(
    old: str, new: str, row: int, field: str | None, problem: str, remedy: str
) -> None:
    found = reader.check(PLAN.replace(old, new, 1), "ae.yaml")
    assert len(found) >= 1, "nothing was found"
    assert problem in found[0].problem
    assert remedy in found[0].remedy
    assert found[0].field == field
    assert found[0].row is not None
    assert abs(found[0].row - row) <= 1, str(found[0])


def test_all_mistakes_are_told_at_once_and_nothing_is_a_float() -> None:
    with pytest.raises(InvalidData) as caught:
        reader.read(PLAN.replace("rate: 8%", "rate: eight").replace("count: 25%", "count: many"))
    assert len(caught.value.problems) == 2
    for text in ("", "- a list", "plan: {", "plan: x\nplan: y", "a: &a [*a]", "plan: x\n" * 2):
        assert reader.check(text), text
    plan = reader.read(PLAN.replace("1%", "0.1%").replace("70_000", "0.07")).plan
    assert plan.components[1].rate == 1_000  # type: ignore[union-attr]
    assert plan.tests[0].given.deals[0].amount == 7


def test_a_worked_test_that_fails_says_by_how_much() -> None:
    plan = reader.read(PLAN.replace("12_800.00", "12_800.01")).plan
    assert [str(one) for one in tested.run(plan)] == ["test 1: commission is 12,800.00, but 12,800.01 is expected"]
    assert Point(attainment=1) != Point(amount=1)


# Forms ----------------------------------------------------------------------------------------------------------------


def test_every_field_of_a_plan_has_a_form() -> None:
    known = forms.forms()
    tiered = {one.key: one for one in known["tiered"].fields}
    assert tiered["mode"].choices == ("marginal", "retroactive")
    assert (tiered["bands"].group, tiered["bands"].many, tiered["bands"].required) == ("Band", True, True)
    assert {one.key: one.holds for one in known["Band"].fields} == {"to": ("break-point",), "rate": ("share",)}
    assert [one.holds for one in known["Cap"].fields if one.key == "above"] == [
        ("money", "share of the target incentive")
    ]
    assert {one.key for one in known["plan"].fields} >= {"quota", "measures", "components", "tests"}
    assert all(form.about for form in known.values())
    assert {one.group for form in known.values() for one in form.fields if one.group} <= set(known)


def test_the_gallery_fits_the_json_schema_of_editors() -> None:
    schema = forms.json_schema()
    json.dumps(schema)
    for name in gallery.names():
        for component in gallery.plan(name).plan.components:
            (known,) = (
                one
                for one in schema["$defs"]["component"]["anyOf"]
                if one["properties"]["kind"]["const"] == component.kind
            )
            written = shapes.plain(gallery.plan(name).plan)["components"]
            keys = {key for one in written if one["id"] == component.id for key in one}
            assert keys - {"fund", "share", "per"} <= set(known["properties"])
