"""The WSGI application of the workspace that `SALESOPS_HOME` names."""

from __future__ import annotations

import os

from salesops.workspace import open_workspace

open_workspace(os.environ.get("SALESOPS_HOME", "."))

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402  (Django is configured by then)

application = WSGIHandler()
