"""The OpenAPI document: what the framework finds in the operations, and what all of them share (problems, scopes, headers)."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from .asked import CSV, LINES, XLSX
from .auth import Token
from .problems import MEDIA, TITLES
from .schemas import Problem

FAILURES = (400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 503)
WRITES = {"POST", "PATCH", "PUT", "DELETE"}
FILES = (
    "AnswerOut",
    "FiguresOut",
    "Listed",
    "DrillOut",
    "RecordPage",
    "Rows",
    "AuditPage",
    "CohortMembers",
    "QualityOut",
    "ScorecardOut",
    "ExplanationOut",
)
"""Shapes of answers that are given as CSV and XLSX, too."""
IF_MATCH = {"edit_record", "delete_record"}
IDEMPOTENCY: dict[str, Any] = {
    "in": "header", "name": "Idempotency-Key", "required": False,
    "schema": {"type": "string", "maxLength": 255, "pattern": "^[!-~]*$"},
    "description": "A new one for every new call, for example a UUID; repeated with the same call it gives the same answer again",
    "example": "0b6f1c3e-2f5a-4a58-9d57-3f3f5d3a7c11",
}  # fmt: skip
MATCH: dict[str, Any] = {
    "in": "header", "name": "If-Match", "required": False, "schema": {"type": "string", "pattern": '^("[0-9]{1,18}"|\\*)$'},
    "description": "The ETag that the record was given with: 412 where somebody changed it since", "example": '"128"',
}  # fmt: skip
EXAMPLE = {
    "type": "urn:salesops:problem:invalid-data", "title": "Invalid data", "status": 422,
    "detail": "the opportunity cannot be created: 'abc' is no number", "remedy": "Write a plain number such as 1200.50",
    "problems": [
        {"source": "opportunity", "row": None, "field": "amount", "problem": "'abc' is no number",
         "remedy": "Write a plain number such as 1200.50", "value": "abc", "record": None, "severity": "error"}
    ],
}  # fmt: skip


EXAMPLES: dict[str, Any] = {
    # what is asked
    "metric": "win_rate", "metrics": "bookings,win_rate", "period": "2026-Q1", "from": "2026-01-01", "to": "2026-03-31",
    "where": "region = 'West'", "as_of": "2026-03-31", "as_known_on": "2026-03-31", "then": "2025-12-31",
    "closing_from": "2026-07-01", "closing_to": "2026-09-30", "undated": True,
    "least": "1000", "currency": "EUR", "calendar": "workspace",
    "by": "owner", "compare": "previous", "totals": True, "cell": ["owner=Ben Okoye"], "order": "name", "fields": "name,owner",
    "deleted": True, "ages": 12, "age": 3, "alerts_per_year": 0.5, "kinds": True, "scope": "all_open", "moves": True,
    "pipeline": "Sales", "most": 20, "variant": "value", "start": "creation", "at": [30, 90], "confidence": 0.9, "grain": "week",
    "season": False, "touched": ["Ben Okoye"], "since": "2026-01-01", "stage": "Proposal", "step": "Won", "from_step": "Discovery",
    "to_step": "Proposal", "problem": "unstable_forecast", "business_model": "subscription", "segment": ["country=US"],
    "weeks": "1-4", "days": 7, "periods": 8,
    "ask": "down", "top": "Mara Stone", "person": "Ben Okoye", "category": "commit", "type": "new",
    # what is named
    "entity": "opportunity", "key": "D07", "bar": "won", "cohort": "2026-Q1", "name": "win_rate", "rule": "opportunity.next_step_missing",
    "batch": 1, "number": 1, "record": 4611686018427387904, "user": "ben", "username": "ben", "action": "record.edit",
    "head": "0" * 64, "status": "done", "mine": True, "settled": True, "grouped": True,
    # how it is given
    "effective": "2026-01-01", "full": True, "limit": 50, "wait": 30, "cursor": "eyJhdCI6eyJhZnRlciI6MTd9LCJvZiI6IjljMWYzYjdhMmQ0ZSJ9",
}  # fmt: skip
"""By parameter: a value that it may have."""
OWN_EXAMPLES: dict[tuple[str, str], Any] = {
    ("list_targets", "of"): "Ben Okoye", ("list_targets", "kind"): "goal", ("list_targets", "where"): "status = 'published'",
    ("list_targets", "metric"): "bookings", ("list_audit", "user"): "ben", ("show_mapping", "name"): "hubspot",
    ("list_definitions", "name"): "big_wins", ("list_definition_history", "name"): "big_wins",
    ("drill_metric", "name"): "bookings", ("explain_change", "name"): "bookings", ("list_fields", "entity"): "account",
    ("list_rules", "entity"): "account", ("undefine_metric", "name"): "big_wins", ("list_alerts", "period"): "month",
    ("show_cohorts", "period"): "quarter", ("show_cohorts", "of"): "wins", ("list_cohort_members", "of"): "wins",
    ("compare_people", "metric"): "win_rate", ("list_records", "where"): "owner = 'Ben Okoye' and amount > 1000",
    ("list_forecast_warnings", "kind"): "stale commit",
    ("show_cohorts", "where"): "segment = 'SMB'", ("list_cohort_members", "where"): "segment = 'SMB'",
    ("list_cohort_members", "cell"): ["segment=SMB"], ("list_changes", "kinds"): "won,stage",
}  # fmt: skip
OWN_EXAMPLES |= {
    (one, name): value
    for one in ("retire_field", "declare_field", "own_field", "add_word")
    for name, value in (("entity", "account"), ("name", "tier"))
}
"""The same where a name means another thing in one operation."""


def _with_example(operation: str, parameter: dict[str, Any]) -> dict[str, Any]:
    """A parameter with an example: of what must be said beside it; of what may be in its schema, so that trying a call does not send it."""
    schema = parameter["schema"]
    if "example" in parameter or {"example", "examples"} & set(schema):
        return parameter
    name = parameter["name"]
    found = OWN_EXAMPLES.get((operation, name), EXAMPLES.get(name))
    words = schema.get("enum") or next((one["enum"] for one in schema.get("anyOf", ()) if "enum" in one), None)
    if words and found not in words:
        found = next(word for word in words if word)
    if found is None:
        return parameter
    if parameter.get("required"):
        return {**parameter, "example": found}
    return {**parameter, "schema": {**schema, "examples": [found]}}


class Schema(OpenAPISchema):
    """The document of the API."""

    def operation_details(self, operation: Operation) -> dict[str, Any]:
        found: dict[str, Any] = super().operation_details(operation)
        name = found["operationId"]
        scope = next((one.scope for one in operation.auth_callbacks if isinstance(one, Token)), "")
        if scope:
            found["description"] = f"{found.get('description', '')}\n\nScope: `{scope}`."
            found["x-scope"] = scope
        found["parameters"] = [_with_example(name, one) for one in found["parameters"]]
        if WRITES & set(operation.methods):
            found["parameters"].append(IDEMPOTENCY)
        if name in IF_MATCH:
            found["parameters"].append(MATCH)
        content = found["responses"][200]["content"] if 200 in found["responses"] else {}
        if any(f"schemas/{one}'" in str(content) for one in FILES):
            found["responses"][200]["content"] |= {
                CSV: {"schema": {"type": "string"}}, XLSX: {"schema": {"type": "string", "contentMediaType": XLSX}},
            }  # fmt: skip
        if name == "export_audit":
            found["responses"][200]["content"] = {LINES: {"schema": {"type": "string"}}}
        for status in self._failures(operation, name):
            found["responses"][status] = {"$ref": f"#/components/responses/Problem{status}"}
        return found

    def _failures(self, operation: Operation, name: str) -> list[int]:
        if not operation.auth_callbacks:
            return []
        writes = bool(WRITES & set(operation.methods))
        found = [400, 401, 403, 404, 409, 422, 429, 503]
        return found + ([412] if name in IF_MATCH | {"bulk_records"} else []) + ([413, 415] if writes else [])

    def get_components(self) -> dict[str, Any]:
        found: dict[str, Any] = super().get_components()
        found["schemas"] = {**found["schemas"], **_problem_schema()}
        found["responses"] = {f"Problem{status}": _response(status) for status in FAILURES}
        return found


def _response(status: int) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    if status == 422:
        content["example"] = EXAMPLE
    return {"description": TITLES[status], "content": {MEDIA: content}}


def _problem_schema() -> dict[str, Any]:
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    return {**schema.pop("$defs", {}), "Problem": schema}


class Api(NinjaAPI):
    """The API with its document."""

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: Any = None) -> OpenAPISchema:
        return Schema(self, "api/v1/" if path_prefix is None else path_prefix)
