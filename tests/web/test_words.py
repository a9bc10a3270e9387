"""Every word of the interface goes through gettext: templates are read as text, without a server."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from tests.conftest import ROOT

WEB = ROOT / "src" / "salesops" / "web"
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
ATTRIBUTES = re.compile(r'\b(aria-label|title|placeholder|alt)="([^"]*)"')
TRANSLATED = re.compile(r"{%\s*blocktrans(?:late)?\b.*?{%\s*endblocktrans(?:late)?\s*%}", re.DOTALL)
TAGS = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL)
TAG = re.compile(r"<(?:[^>\"]|\"[^\"]*\")*>")
FORMULA = re.compile(r"\w+ [=<>]")  # an example in the expression language, whose words are its own
SILENT = re.compile(r"<(code|kbd|script|style|svg)\b.*?</\1>", re.DOTALL)
WORD = re.compile(r"[^\W\d_]{2,}")
ALLOWED = {
    "custom",
    "PDF",
    "Ctrl",
    "Esc",
    "Enter",
    "Shift",
    "salesops",
    "TOML",
    "CSV",
    "XLSX",
    "nbsp",
    "middot",
    "ndash",
    "amp",
    "hellip",
    "rarr",
    "larr",
    "times",
    "minus",
}


def words(text: str) -> list[str]:
    return [word for word in WORD.findall(text) if word not in ALLOWED]


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: str(file.relative_to(WEB / "templates")))
def test_templates_have_no_words_of_their_own(file: Path) -> None:
    """Between tags, and in attributes that people hear or see."""
    text = TRANSLATED.sub(" ", file.read_text(encoding="utf-8"))
    bare = TAGS.sub(" ", text)
    found = [
        f"{name}={value!r}" for name, value in ATTRIBUTES.findall(bare) if words(value) and not FORMULA.match(value)
    ]
    shown = re.sub(r"<!doctype[^>]*>|<!--.*?-->", " ", SILENT.sub(" ", bare), flags=re.DOTALL | re.IGNORECASE)
    found += words(TAG.sub(" ", shown))
    assert found == []


def test_titles_in_python_are_translated_when_they_are_shown() -> None:
    """The navigation's words are lazy: they follow the reader's language, not that of the first request."""
    tree = ast.parse((WEB / "shell" / "nav.py").read_text(encoding="utf-8"))
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Tab", "Page")
    ]
    assert calls
    for call in calls:
        assert isinstance(call.args[0], ast.Call), ast.unparse(call)


def test_nothing_is_inline() -> None:
    """The content policy forbids style and handlers in attributes; a template that has some would be broken in silence."""
    for file in TEMPLATES:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"\sstyle=|\son[a-z]+=\"|javascript:", text), file
        assert "|safe" not in text, file
        assert not re.search(r"<script(?![^>]*(?:src=|application/json))", text), file
