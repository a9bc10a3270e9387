"""Odd requests by the hundred, generated from the OpenAPI document, to a real server, as several users: no fault of the server, and
every answer is of the status, kind and shape that the document says. `SALESOPS_CONTRACT_EXAMPLES` asks for more of them than four an
operation, one a user.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from .conftest import Door, Served, token

USERS = ("owner", "ben", "mara", "ada")
EXAMPLES = int(os.environ.get("SALESOPS_CONTRACT_EXAMPLES", "4"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
DOCUMENT = json.loads(Path(__file__).with_name("openapi.json").read_text(encoding="utf-8"))
OPERATIONS = {found.ok().label: found.ok() for found in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()}
REAL = {
    "entity": ("account", "opportunity", "employment", "stage_event", "target"), "key": ("D01", "D07", "Cedar Inc", "1"),
    "name": ("bookings", "win_rate", "sales_cycle_days"), "bar": ("created", "won"), "batch": ("1", "2"),
    "number": ("1", "2"), "rule": ("opportunity.next_step_missing",), "username": ("fay",), "cohort": ("2025-Q1", "2025-01"),
}  # fmt: skip
"""Names that are there, so that requests also get as far as the rooms; others are generated."""


@pytest.fixture(scope="module")
def served(acme: Door) -> Iterator[Served]:
    served = Served(acme.folder)
    served.tokens = {name: token(acme, name) for name in USERS}
    yield served
    served.close()
    assert not [line for line in served.log if "Traceback" in line], "".join(served.log)[-4000:]


@pytest.mark.slow
@pytest.mark.parametrize("label", OPERATIONS)
def test_any_request(served: Served, label: str) -> None:
    """As an owner, a rep, a manager and an auditor in turn, with generated and with real names in the path."""
    turn = iter(range(1_000_000))

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate], database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=OPERATIONS[label].as_strategy())
    def send(case: Any) -> None:
        n = next(turn)
        if n % 4:
            for name, real in REAL.items():
                if name in (case.path_parameters or {}):
                    case.path_parameters[name] = real[n % len(real)]
        case.headers.pop("Authorization", None)
        case.call_and_validate(
            base_url=f"http://127.0.0.1:{served.port}", checks=CHECKS, timeout=120,
            headers={"Authorization": f"Bearer {served.tokens[USERS[n % len(USERS)]]}"},
        )  # fmt: skip

    send()
