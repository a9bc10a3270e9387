"""Describes a plan for editors: every kind of component and section with its fields, what they hold, and their choices.

Read off the classes of ``plan``, so that a form cannot know another plan than the reader does. A form edits the plan
object (``dataclasses.replace``) and writes with ``reader.edited``; ``json_schema`` is for editors of the text.
"""

from __future__ import annotations

import types
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from salesops.compensation import plan as model
from salesops.compensation.plan import KINDS, Component, Days, Duration, Gate, OfTarget, Per, Plan, Point
from salesops.compensation.shapes import key_of

_SCALARS: Final[dict[type, str]] = {
    Days: "days", Duration: "duration", Per: "money for a period", OfTarget: "share of the target incentive",
    Point: "break-point", Gate: "condition",
}  # fmt: skip
_NAMES: Final = {"int": "whole number", "str": "text", "bool": "yes or no", "date": "day"}
EXAMPLES: Final = {
    "money": "12_000", "share": "8%", "factor": "1.25", "days": "2026-01-01 .. 2026-12-31", "duration": "365 days",
    "money for a period": "4_000 per month", "break-point": "100%", "condition": "revenue.attainment >= 50%",
    "formula": "deal.stage == 'won'", "day": "2026-03-31", "share of the target incentive": "300% of target_incentive",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FieldForm:
    """A field: its key in the text, what it holds (several where it may be one of them), choices, and whether it may be left out.

    ``many`` says that it is a list, ``group`` names the class of a nested form.
    """

    key: str
    holds: tuple[str, ...]
    choices: tuple[str, ...] = ()
    required: bool = False
    many: bool = False
    group: str = ""
    default: str = ""

    @property
    def example(self) -> str:
        """How a value is written."""
        return self.choices[0] if self.choices else next((EXAMPLES[one] for one in self.holds if one in EXAMPLES), "")


@dataclass(frozen=True, slots=True)
class Form:
    """A group of fields with the sentence that says what it is for."""

    name: str
    about: str
    fields: tuple[FieldForm, ...]


def forms() -> dict[str, Form]:
    """Give every form: ``plan``, each kind of component, and each nested group by the name of its class."""
    found = {"plan": _form(Plan, "plan")}
    for kind, cls in KINDS.items():
        found[kind] = _form(cls, kind)
    waiting = [one.group for form in found.values() for one in form.fields if one.group]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = _form(getattr(model, name), name)
            waiting += [one.group for one in found[name].fields if one.group]
    return found


def _form(cls: type, name: str) -> Form:
    hints = get_type_hints(cls, include_extras=True)
    listed = [_field(cls, one, hints[one.name]) for one in fields(cls) if one.name != "kind"]
    about = " ".join((cls.__doc__ or "").split("\n\n")[0].split())
    return Form(name, about, tuple(listed))


def _field(cls: type, one: Any, hint: Any) -> FieldForm:
    required = one.default is MISSING and one.default_factory is MISSING
    options = _options(hint)
    many = get_origin(options[0]) is tuple
    if many:
        args = get_args(options[0])
        options = _options(args[0])
    group = next(
        (
            str(part.__name__)
            for part in options
            if isinstance(part, type) and is_dataclass(part) and part not in _SCALARS
        ),
        "",
    )
    if any(isinstance(part, type) and issubclass(part, Component) for part in options):
        return FieldForm(key_of(cls, one.name), ("component",), tuple(KINDS), required, many)
    choices = tuple(str(word) for part in options if get_origin(part) is Literal for word in get_args(part) if word)
    holds = () if choices or group else tuple(dict.fromkeys(_holds(part) for part in options))
    default = "" if required or one.default in (None, MISSING, ()) else str(one.default)
    return FieldForm(key_of(cls, one.name), holds, choices, required, many, group, default)


def _options(hint: Any) -> list[Any]:
    if get_origin(hint) in (Union, types.UnionType):
        return [part for one in get_args(hint) if one is not type(None) for part in _options(one)]
    return [hint]


def _holds(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        return str(get_args(hint)[1])
    if get_origin(hint) is tuple:
        return " and ".join(dict.fromkeys(_holds(part) for part in get_args(hint) if part is not Ellipsis))
    return _SCALARS.get(hint) or _NAMES.get(getattr(hint, "__name__", ""), "text")


def json_schema() -> dict[str, Any]:
    """Give a JSON schema of a plan's text, for completion in editors: keys, choices, what is required.

    Scalars are loose (a text or a number), because their meaning is checked by the reader, with better words.
    """
    known = forms()
    groups = {name: _schema(form) for name, form in known.items() if name not in KINDS and name != "plan"}
    kinds = [
        {**_schema(known[kind]), "properties": {"kind": {"const": kind}, **_schema(known[kind])["properties"]}}
        for kind in KINDS
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Compensation plan",
        **_schema(known["plan"]), "$defs": {**groups, "component": {"anyOf": kinds}},
    }  # fmt: skip


def _schema(form: Form) -> dict[str, Any]:
    return {
        "type": "object", "description": form.about, "properties": {one.key: _value(one) for one in form.fields},
        "required": [one.key for one in form.fields if one.required],
    }  # fmt: skip


def _value(one: FieldForm) -> dict[str, Any]:
    if one.holds == ("component",):
        item: dict[str, Any] = {"$ref": "#/$defs/component"}
    elif one.group:
        item = {"anyOf": [{"$ref": f"#/$defs/{one.group}"}, {"type": ["string", "number", "array", "object"]}]}
    elif one.choices:
        item = {"enum": list(one.choices)}
    else:
        item = {"type": ["string", "number", "boolean", "array", "object"], "description": " or ".join(one.holds)}
    return {"anyOf": [{"type": "array", "items": item}, item]} if one.many else item
