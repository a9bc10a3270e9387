"""Work that is noted for the worker (`salesops.jobs`): any room may note a job, only the worker takes one."""

from __future__ import annotations

import json
from typing import Any

from django.db import transaction

from . import context


def enqueue(kind: str, key: str, user: str, *, due: int | None = None, subject: str = "", **parameters: Any) -> bool:
    """Note a job that is to be done (`due`: now), unless one with its key was noted before; says whether it is new."""
    from .models import JobRun

    now = context.clock()
    with transaction.atomic():
        if JobRun.objects.filter(key=key).exists():
            return False
        JobRun.objects.bulk_create(
            [
                JobRun(
                    kind=kind, status="waiting", user=user, parameters=json.dumps(parameters), started=now, key=key,
                    subject=subject, due=now if due is None else due,
                )
            ],
            ignore_conflicts=True,
        )  # fmt: skip
    return True
