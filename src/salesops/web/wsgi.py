"""The WSGI application of the workspace that `SALESOPS_HOME` names."""

from __future__ import annotations

import gc
import os

from salesops.workspace import open_workspace

open_workspace(os.environ.get("SALESOPS_HOME", "."))

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402  (Django is configured by then)

application = WSGIHandler()

# What is loaded stays; statements are built as trees of many small objects, among which little is to be found.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 20)
