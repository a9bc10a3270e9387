"""Draws the terminal as it looks after a command: `python docs/img/draw.py salesops demo > docs/img/scorecard.svg`."""

from __future__ import annotations

import io
import os
import pty
import re
import sys

from rich.console import Console
from rich.text import Text

COLUMNS = 98
CHARACTER = 12.2  # the width that Rich gives a character


def main(command: list[str]) -> None:
    """Run the command on a terminal of its own and print what it showed as SVG."""
    shown = io.BytesIO()

    def read(descriptor: int) -> bytes:
        data = os.read(descriptor, 4096)
        shown.write(data)
        return b" "  # something for `spawn` to copy; the drawing goes to standard output alone

    os.environ.update(COLUMNS=str(COLUMNS), TERM="xterm-256color", PS1="")
    terminal = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    pty.spawn(command, read)
    os.dup2(terminal, 1)
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text(f"$ {' '.join(command)}\n", style="bold"))
    console.print(Text.from_ansi(shown.getvalue().decode().replace("\r\n", "\n")))
    drawn = console.export_svg(title="salesops")
    drawn = re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL)  # no font is fetched from elsewhere
    print(INDENTED.sub(unindented, drawn))


INDENTED = re.compile(r'x="([\d.]+)" y="([\d.]+)" textLength="([\d.]+)"([^>]*)>((?:&#160;)+)(?=[^<])')


def unindented(found: re.Match[str]) -> str:
    """Leading spaces as a place further right: not every program that shows SVG keeps them."""
    x, y, length, rest, spaces = found.groups()
    shift = CHARACTER * (len(spaces) // len("&#160;"))
    return f'x="{float(x) + shift:.1f}" y="{y}" textLength="{float(length) - shift:.1f}"{rest}>'


if __name__ == "__main__":
    main(sys.argv[1:])
