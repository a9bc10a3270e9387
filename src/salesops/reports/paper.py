"""HTML as PDF, by WeasyPrint: the print style of the product with heads and page numbers of its own. Nothing is fetched from a network."""

from __future__ import annotations

import logging
import mimetypes
import re
import subprocess
import sys
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from salesops.common.errors import UsageError

STATIC = Path(__file__).parent.parent / "web" / "static"
LONGEST = 120
"""Seconds that one page may take."""
HERE = "http://salesops.invalid/"
"""The address that pages on paper have: no network knows it."""
STYLE = STATIC / "salesops" / "paper.css"


def pdf(page: str, title: str, company: str) -> bytes:
    """The PDF of a page, made in a process of its own. Raises UsageError where WeasyPrint is not installed, or the page takes too long."""
    if find_spec("weasyprint") is None:
        raise UsageError(
            "PDF needs WeasyPrint, which is not installed", "pip install 'salesops[pdf]', or choose XLSX or text"
        )
    command = [sys.executable, "-m", "salesops.reports.paper", title, company]
    try:
        done = subprocess.run(command, input=page.encode(), capture_output=True, timeout=LONGEST, check=False)
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"the page is not laid out for paper after {LONGEST} s", "Choose XLSX or text, or a smaller page"
        ) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        remedy = "WeasyPrint needs Pango (Debian: libpango-1.0-0 libpangoft2-1.0-0); or choose XLSX or text"
        raise UsageError(f"the PDF could not be made: {said}", remedy)
    return done.stdout


def drawn(page: str, title: str, company: str) -> bytes:
    """The PDF of a page, made here."""
    from weasyprint import CSS, HTML
    from weasyprint.text.fonts import FontConfiguration

    logging.getLogger("weasyprint").setLevel(logging.ERROR)  # what browsers know and paper does not
    fonts = FontConfiguration()
    named = f'@page {{ @top-left {{ content: "{_quoted(company)}"; }} @top-right {{ content: "{_quoted(title)}"; }} }}'
    files = _files()
    style = _read(STATIC / "salesops" / "tokens.css").decode() + STYLE.read_text(encoding="utf-8") + named
    styles = [CSS(string=style, font_config=fonts, url_fetcher=files, base_url=HERE)]
    for what in (
        r"<link\b[^>]*>",
        r"<(script|dialog|template|select|textarea)\b.*?</\1>",
    ):  # ours: its style is for screens
        page = re.sub(what, "", page, flags=re.DOTALL)
    page = re.sub(r"<(/?)button\b", r"<\1span", page)  # a figure that opens on a screen is only a figure here
    page = re.sub(r"<svg\b.*?</svg>", lambda found: _drawn(found[0]), page, flags=re.DOTALL)
    made: Any = HTML(string=page, base_url=HERE, url_fetcher=files, media_type="print")
    return bytes(made.write_pdf(stylesheets=styles, font_config=fonts))


def _quoted(text: str) -> str:
    return " ".join(text.replace("\\", " ").replace('"', "\u201d").split())


def _files() -> Any:
    """What WeasyPrint fetches by: static files of ours, and data in the page; nothing else is opened."""
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class Files(URLFetcher):
        def fetch(self, url: str, headers: Any = None) -> Any:
            if url.startswith("data:"):
                return super().fetch(url, headers)
            path = url.removeprefix(HERE).partition("?")[0]
            place = (STATIC / path.removeprefix("static/")).resolve()
            if not url.startswith(HERE + "static/") or STATIC.resolve() not in place.parents:
                raise ValueError("paper holds our own files only")
            media = mimetypes.guess_type(place.name)[0] or "text/plain"
            return URLFetcherResponse(url, _read(place), {"Content-Type": media})

    return Files(allowed_protocols=("data",))


def _drawn(svg: str) -> str:
    """A drawing with the colours of its classes written into it: on paper it does not know the page's style sheets."""

    def styled(found: re.Match[str]) -> str:
        style = " ".join(_marks().get(name, "") for name in found[1].split()).strip()
        return f'class="{found[1]}" style="{style}"' if style else found[0]

    return re.sub(r'class="([^"]*)"', styled, svg)


@lru_cache(maxsize=1)
def _marks() -> dict[str, str]:
    """What the style sheets say of single classes that fill or stroke, colours as the light theme has them."""
    colours = dict(
        re.findall(
            r"--([\w-]+): (#[0-9a-f]{6})",
            _read(STATIC / "salesops" / "tokens.css").decode().split('[data-theme="dark"]')[0],
        )
    )
    found: dict[str, str] = {}
    for name in ("components.css", "shell.css"):
        text = _read(STATIC / "salesops" / name).decode()
        for mark, rule in re.findall(r"(?:^|[\s}])\.([\w-]+) \{ ((?:fill|stroke)[^}]*)\}", text):
            found.setdefault(mark, re.sub(r"var\(--([\w-]+)\)", lambda one: colours.get(one[1], "none"), rule).strip())
    return found


@lru_cache(maxsize=32)
def _read(place: Path) -> bytes:
    return place.read_bytes()


if __name__ == "__main__":
    sys.stdout.buffer.write(drawn(sys.stdin.buffer.read().decode(), sys.argv[1], sys.argv[2]))
