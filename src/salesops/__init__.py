"""salesops: the open system that runs a sales operations department."""

from __future__ import annotations

__version__ = "0.1.0"
