"""Computes the content hash of a plan: equal for plans that mean the same, whatever their comments, order and spelling."""

from __future__ import annotations

import hashlib
import json

from salesops.compensation.plan import Plan
from salesops.compensation.shapes import plain


def content_hash(plan: Plan) -> str:
    """Give the SHA-256 of a plan's canonical form, in hexadecimal."""
    text = json.dumps(plain(plan), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
