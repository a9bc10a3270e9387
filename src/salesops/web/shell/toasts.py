"""What the next page tells about what has just been done, with the way to undo it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def tell(request: HttpRequest, text: str, undo: int | None = None) -> None:
    """Tell it on the next whole page; `undo` is the batch that its button takes back."""
    request.session["toast"] = {"text": text, "undo": undo}


def told(request: HttpRequest) -> dict[str, Any] | None:
    """What is to be told on this page; it is told once, and not on parts of a page."""
    if "HX-Request" in request.headers or not hasattr(request, "session"):
        return None
    found: dict[str, Any] | None = request.session.pop("toast", None) if "toast" in request.session else None
    return found
