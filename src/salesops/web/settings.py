"""Django settings of one workspace, read from the environment that `salesops.workspace` prepares."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

WORKSPACE = Path(os.environ.get("SALESOPS_WORKSPACE", "."))

SERVED_AS = os.environ.get("SALESOPS_SERVED_AS", "")  # https://... where a proxy with a certificate stands in front


def _hosts() -> list[str]:
    """The names by which a browser may call this server: `allowed_hosts` of `salesops.toml`, and this machine."""
    listed = [name for name in os.environ.get("SALESOPS_ALLOWED_HOSTS", "").split(",") if name]
    served_at = os.environ.get("SALESOPS_SERVED_AT", "")
    own = [served_at] if served_at and served_at not in ("0.0.0.0", "::") else []
    if SERVED_AS:
        own.append(urlsplit(SERVED_AS).hostname or "")
    return [*listed, *own, "localhost", "127.0.0.1", "[::1]", "testserver"]


SECRET_KEY = os.environ.get("SALESOPS_SECRET_KEY", "not-serving")
INSTALLED_APPS = [
    "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.staticfiles",
    "salesops.records.apps.RecordsConfig", "salesops.web.apps.WebConfig",
]  # fmt: skip
ROOT_URLCONF = "salesops.web.urls"
APPEND_SLASH = False
ALLOWED_HOSTS = _hosts()
DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000_000  # content that is no file
FILE_UPLOAD_HANDLERS = ["salesops.web.uploads.ToWorkspace"]
FILE_UPLOAD_TEMP_DIR = str(WORKSPACE / "work" / "uploads")
MIDDLEWARE = [
    "salesops.web.observed.Observed",
    "django.middleware.security.SecurityMiddleware",
    "salesops.web.shell.middleware.Protected",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "salesops.web.shell.middleware.Acting",
    "salesops.web.shell.middleware.Told",
    "salesops.web.rest.problems.methods_as_problems",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": ["django.template.context_processors.request", "salesops.web.shell.context.shell"],
            "string_if_invalid": os.environ.get("SALESOPS_STRING_IF_INVALID", ""),
        },
    }
]
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 3600
SESSION_COOKIE_NAME = "salesops"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SERVED_AS.startswith("https://")
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [SERVED_AS] if SERVED_AS else []
CSRF_FAILURE_VIEW = "salesops.web.shell.answers.forged"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [str(Path(__file__).parent / "locale")]
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
