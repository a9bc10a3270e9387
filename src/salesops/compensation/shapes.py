"""Turns the short forms of a plan's YAML into the fields of the typed plan, and a plan back into its canonical form.

Canonical forms are texts, lists and mappings only: what ``reader.write`` puts on paper and ``reader.edited`` compares.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable
from copy import deepcopy
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

from salesops.common.money import minor_digits
from salesops.compensation import plan as model
from salesops.compensation.counts import to_money
from salesops.compensation.plan import Days, Duration, Gate, OfTarget, Per, Plan, Point

Node = Any
RENAMED: Final[dict[type, dict[str, str]]] = {Plan: {"quotas": "quota"}, model.Pool: {"by": "share"}}
"""Fields that are written under another key: {class: {field: key}}."""
_PAIRS: Final = ("quotas", "measures", "ratios", "achieved")


def key_of(cls: type, name: Any) -> Any:
    """Give the key under which a field stands in YAML."""
    return RENAMED.get(cls, {}).get(name, name)


def reshaped(cls: type, node: Node, currency: str) -> Node:
    """Give a node with the short forms of a class spelled out as its fields."""
    if isinstance(node, dict):
        node = deepcopy(node)
        for name, key in RENAMED.get(cls, {}).items():
            if key in node:
                _rename(node, key, name)
    shape = _SHAPES.get(cls)
    return node if shape is None else shape(node)


def _rename(node: Node, key: str, name: str) -> None:
    node[name] = node.pop(key)
    places = getattr(getattr(node, "lc", None), "data", None)
    if places and key in places:
        places[name] = places[key]


def _plan(node: Node) -> Node:
    if isinstance(node, dict) and isinstance(node.get("measures"), dict):
        node["measures"] = [_named(name, one) for name, one in node["measures"].items()]
    return node


def _named(name: object, node: Node) -> Node:
    if isinstance(node, dict):
        node["name"] = name
    return node


def _target(node: Node) -> Node:
    if isinstance(node, str):
        return {"amount": node, "window": node.rpartition(" per ")[2]}
    return node


def _holdback(node: Node) -> Node:
    if isinstance(node, dict) and "milestones" not in node:
        return {"milestones": [{"on": name, "share": part} for name, part in node.items()]}
    if isinstance(node, list):
        listed = [
            {"on": next(iter(one)), "share": next(iter(one.values()))}
            if isinstance(one, dict) and len(one) == 1
            else one
            for one in node
        ]
        return {"milestones": listed}
    return node


def _pair(first: str, second: str) -> Callable[[Node], Node]:
    def shape(node: Node) -> Node:
        return {first: node[0], second: node[1]} if isinstance(node, list) and len(node) == 2 else node

    return shape


def _scalar(name: str) -> Callable[[Node], Node]:
    def shape(node: Node) -> Node:
        return {name: node} if isinstance(node, str) else node

    return shape


def _unit_rate(node: Node) -> Node:
    if isinstance(node, dict) and "pay" in node and "bands" not in node:
        node["bands"] = [{"pay": node.pop("pay")}]
    return node


def _spiff(node: Node) -> Node:
    found = re.fullmatch(r"(\S+) each (deal|unit)", str(node.get("per", ""))) if isinstance(node, dict) else None
    if found:
        node["pay"], node["per"] = found[1], found[2]
    return node


def _pool(node: Node) -> Node:
    if isinstance(node, dict) and "fund" in node:
        part, word, measure = (text.strip() for text in str(node.pop("fund")).partition(" of "))
        if word:
            node["share_of"], node["measure"] = part, measure
        else:
            node["amount"] = part
    return node


def _mbo(node: Node) -> Node:
    if isinstance(node, dict) and str(node.get("cap", "")).endswith("%"):
        _rename(node, "cap", "goal_cap")
    return node


def _tiered(node: Node) -> Node:
    """Resolve bands given as multiples of a base rate to rates: ``base: 8%`` and ``times: 1.5`` is 12 %."""
    if not isinstance(node, dict) or "base" not in node or not isinstance(node.get("bands"), list):
        return node
    try:
        base = Decimal(str(node["base"]).removesuffix("%").replace("_", ""))
        for band in node["bands"]:
            if isinstance(band, dict) and "times" in band:
                band["rate"] = f"{base * Decimal(str(band['times']).replace('_', '')):f}%"
                band.pop("times")
    except InvalidOperation:
        return node
    node.pop("base")
    return node


def _given(node: Node) -> Node:
    if isinstance(node, dict):
        for name in _PAIRS:
            if isinstance(node.get(name), dict):
                node[name] = [[key, value] for key, value in node[name].items()]
    return node


def _test(node: Node) -> Node:
    expect = node.get("expect") if isinstance(node, dict) else None
    if isinstance(expect, dict):
        if "per_deal" in expect:
            node["per_deal"] = expect.pop("per_deal")
        node["expect"] = [[key, value] for key, value in expect.items()]
    return node


def _transition(node: Node) -> Node:
    found = re.fullmatch(r"(\d+)\s*/\s*(\d+)", str(node.get("split", ""))) if isinstance(node, dict) else None
    if found:
        node["split"] = [f"{found[1]}%", f"{found[2]}%"]
    return node


_SHAPES: Final[dict[type, Callable[[Node], Node]]] = {
    Plan: _plan,
    model.Target: _target,
    model.Holdback: _holdback,
    model.CurvePoint: _pair("attainment", "payout"),
    model.FactorPoint: _pair("at", "factor"),
    model.Cap: _scalar("above"),
    model.UnitRate: _unit_rate,
    model.Spiff: _spiff,
    model.Pool: _pool,
    model.Mbo: _mbo,
    model.Tiered: _tiered,
    model.Given: _given,
    model.TestDeal: _scalar("amount"),
    model.WorkedTest: _test,
    model.Transition: _transition,
}


# Canonical forms --------------------------------------------------------------------------------------------------------


def plain(plan: Plan) -> dict[str, Any]:
    """Give a plan as texts, lists and mappings, without what is at its default."""
    return _Writer(plan.currency).object(to_money(plan))


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls, include_extras=True)


class _Writer:
    def __init__(self, currency: str) -> None:
        self.currency = currency

    def object(self, value: Any) -> Any:
        cls = type(value)
        if cls in _TEXTS:
            return _TEXTS[cls](value, self.currency)
        found: dict[str, Any] = {}
        for one in sorted(fields(value), key=lambda field: _FIRST.get(field.name, 9)):
            part = getattr(value, one.name)
            if one.name == "kind" and part in model.KINDS:
                found["kind"] = part
            elif part != _default(one):
                found[key_of(cls, one.name)] = self.value(_hints(cls)[one.name], part)  # type: ignore[arg-type]
        back = _BACK.get(cls)
        return found if back is None else back(found)

    def value(self, hint: Any, value: Any) -> Any:
        options = (
            [one for one in get_args(hint) if one is not type(None)]
            if get_origin(hint) in (Union, types.UnionType)
            else [hint]
        )
        if is_dataclass(value) and not isinstance(value, type):
            return self.object(value)
        hint = next((one for one in options if get_origin(one) is Annotated), options[0])
        if isinstance(value, tuple):
            args = get_args(hint)
            hints = [args[0]] * len(value) if len(args) == 2 and args[1] is Ellipsis else args
            return [self.value(one, part) for one, part in zip(hints, value, strict=True)]
        if isinstance(value, bool):
            return "true" if value else "false"
        if get_origin(hint) is Annotated:
            return _SCALAR_TEXTS.get(get_args(hint)[1], _str)(value, self.currency)
        return str(value)


def _default(one: Field[Any]) -> Any:
    if one.default is not MISSING:
        return one.default
    return one.default_factory() if one.default_factory is not MISSING else MISSING


def _str(value: Any, _currency: str) -> str:
    return str(value)


def money_text(cents: int, currency: str) -> str:
    """Write minor units as a plan does: ``12_000`` or ``1_234.50``."""
    digits = minor_digits(currency)
    whole, rest = divmod(abs(cents), 10**digits)
    text = f"{whole:_}" + (f".{rest:0{digits}}" if rest else "")
    return f"-{text}" if cents < 0 else text


def share_text(ppm: int, _currency: str = "") -> str:
    """Write parts per million as a percentage: ``8%``, ``7.65%``."""
    text = f"{Decimal(ppm).scaleb(-4):f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}%"


def _factor_text(ppm: int, _currency: str) -> str:
    text = f"{Decimal(ppm).scaleb(-6):f}".rstrip("0")
    return f"{text}0" if text.endswith(".") else text


def _days_text(days: Days, _currency: str) -> str:
    return f"{days.start} .." if days.end is None else f"{days.start} .. {days.end - timedelta(days=1)}"


def _point_text(point: Point, currency: str) -> str:
    return share_text(point.attainment) if point.attainment is not None else money_text(point.amount or 0, currency)


def _gate_text(gate: Gate, currency: str) -> str:
    limit = share_text(gate.at) if gate.of in ("attainment", "value") else money_text(gate.at, currency)
    return f"{gate.ref}.{gate.of} {gate.op} {limit}".removeprefix(".")


_SCALAR_TEXTS: Final[dict[str, Callable[[Any, str], str]]] = {
    "money": money_text,
    "share": share_text,
    "factor": _factor_text,
}
_TEXTS: Final[dict[type, Callable[[Any, str], str]]] = {
    Days: _days_text,
    Duration: lambda value, _: f"{value.count} {value.unit}",
    Per: lambda value, currency: f"{money_text(value.cents, currency)} per {value.window}",
    OfTarget: lambda value, _: f"{share_text(value.ppm)} of target_incentive",
    Point: _point_text,
    Gate: _gate_text,
}
_FIRST: Final = {"plan": 0, "id": 0, "name": 0, "kind": 1}


def _plan_back(found: dict[str, Any]) -> dict[str, Any]:
    if "measures" in found:
        found["measures"] = {one.pop("name"): one for one in found["measures"]}
    if len(found.get("quota", ())) == 1:
        found["quota"] = found["quota"][0]
    return found


def _hold_back(found: dict[str, Any]) -> dict[str, Any]:
    return {one["on"]: one["share"] for one in found["milestones"]}


def _spiff_back(found: dict[str, Any]) -> dict[str, Any]:
    found["per"] = f"{found.pop('pay')} each {found.get('per', 'deal')}"
    return found


def _pool_back(found: dict[str, Any]) -> dict[str, Any]:
    if "share_of" in found:
        found["fund"] = f"{found.pop('share_of')} of {found.pop('measure')}"
    elif "amount" in found:
        found["fund"] = found.pop("amount")
    return found


def _given_back(found: dict[str, Any]) -> dict[str, Any]:
    return {key: dict(value) if key in _PAIRS else value for key, value in found.items()}


def _test_back(found: dict[str, Any]) -> dict[str, Any]:
    expect = dict(found.get("expect", []))
    if "per_deal" in found:
        expect["per_deal"] = found.pop("per_deal")
    found["expect"] = expect
    return found


_BACK: Final[dict[type, Callable[[dict[str, Any]], Any]]] = {
    Plan: _plan_back,
    model.Holdback: _hold_back,
    model.CurvePoint: lambda found: [found["attainment"], found["payout"]],
    model.FactorPoint: lambda found: [found["at"], found["factor"]],
    model.Cap: lambda found: found["above"] if len(found) == 1 else found,
    model.Spiff: _spiff_back,
    model.Pool: _pool_back,
    model.Given: _given_back,
    model.TestDeal: lambda found: found["amount"] if len(found) == 1 else found,
    model.WorkedTest: _test_back,
}
