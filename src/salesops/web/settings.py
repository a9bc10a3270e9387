"""Django settings of one workspace, read from the environment that `salesops.workspace` prepares."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

WORKSPACE = Path(os.environ.get("SALESOPS_WORKSPACE", "."))


def _hosts() -> list[str]:
    """The names by which a browser may call this server: `allowed_hosts` of `salesops.toml`, and this machine."""
    listed = [name for name in os.environ.get("SALESOPS_ALLOWED_HOSTS", "").split(",") if name]
    served_at = os.environ.get("SALESOPS_SERVED_AT", "")
    own = [served_at] if served_at and served_at not in ("0.0.0.0", "::") else []
    return [*listed, *own, "localhost", "127.0.0.1", "[::1]", "testserver"]


SECRET_KEY = os.environ.get("SALESOPS_SECRET_KEY", "not-serving")
INSTALLED_APPS = ["django.contrib.contenttypes", "salesops.records.apps.RecordsConfig"]
ROOT_URLCONF = "salesops.web.urls"
APPEND_SLASH = False
ALLOWED_HOSTS = _hosts()
DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000_000  # content that is no file
FILE_UPLOAD_HANDLERS = ["salesops.web.uploads.ToWorkspace"]
FILE_UPLOAD_TEMP_DIR = str(WORKSPACE / "work" / "uploads")
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "salesops.web.rest.problems.methods_as_problems",
]
AUTH_USER_MODEL = "records.User"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def _sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 60,
            "init_command": "PRAGMA page_size=16384; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY;",
        },
    }


def _postgresql(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


DATABASE_URL = os.environ.get("SALESOPS_DATABASE_URL", "")
DATABASES = {"default": _postgresql(DATABASE_URL) if DATABASE_URL else _sqlite(WORKSPACE / "state.sqlite")}
