"""Thousands of odd requests, generated from the OpenAPI document, to a real server, as several users: no fault of the server,
and every answer is of the status, kind and shape that the document says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from .conftest import Door, Served, token

USERS = ("owner", "ben", "mara", "ada")
EXAMPLES = int(os.environ.get("SALESOPS_CONTRACT_EXAMPLES", "6"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def api(acme: Door) -> Iterator[tuple[Any, Served]]:
    served = Served(acme.folder)
    served.tokens = {name: token(acme, name) for name in USERS}
    yield schemathesis.openapi.from_url(f"http://127.0.0.1:{served.port}/api/v1/openapi.json"), served
    served.close()
    assert not [line for line in served.log if "Traceback" in line], "".join(served.log)[-4000:]


@pytest.fixture(scope="module")
def document(api: tuple[Any, Served]) -> Any:
    return api[0]


schema = schemathesis.pytest.from_fixture("document")


@pytest.mark.slow
@schema.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
def test_any_request(case: Any, api: tuple[Any, Served]) -> None:
    """As an owner, a manager, a rep and an auditor in turn."""
    served = api[1]
    for user in USERS:
        if case.operation.path.endswith("/wait"):
            continue
        case.call_and_validate(headers={"Authorization": f"Bearer {served.tokens[user]}"}, checks=CHECKS)
