"""Progress: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import io

from rich.console import Console

from salesops.common.progress import Progress, RichProgress, Silent


def work(progress: Progress) -> None:
    with progress.task("Files", 2) as files:
        for _ in range(2):
            with progress.task("Rows") as rows:
                rows.advance(500)
            files.advance()
    progress.start("Again", 3)
    progress.advance(3)
    progress.done()


def test_a_terminal_shows_label_and_count() -> None:
    out = io.StringIO()
    work(RichProgress(Console(file=out, force_terminal=True, width=100)))
    assert "Files" in out.getvalue()
    assert "2/2" in out.getvalue()


def test_anything_else_stays_quiet() -> None:
    out = io.StringIO()
    work(RichProgress(Console(file=out, force_terminal=False)))
    work(Silent())
    assert out.getvalue() == ""
    assert isinstance(Silent(), Progress)
    assert isinstance(RichProgress(), Progress)


def test_a_failure_closes_the_bar() -> None:
    progress = RichProgress(Console(file=io.StringIO(), force_terminal=True))
    try:
        with progress.task("Breaks", 1):
            raise ValueError
    except ValueError:
        pass
    assert progress._bar is None
