"""Shows how far long work has come: a bar on a terminal, nothing elsewhere. The work itself only knows the protocol."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichBar
    from rich.progress import TaskID


class Task(Protocol):
    """One piece of work under way, as ``with progress.task(...) as task`` gives it."""

    def __enter__(self) -> Task: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def advance(self, n: int = 1) -> None:
        """Say that n more units are done."""


@runtime_checkable
class Progress(Protocol):
    """What long-running work reports to.

    ``start``, ``advance`` and ``done`` serve one task after another (the innermost is meant where they are nested);
    ``task`` gives a handle of its own. ``total`` is None when nobody knows how much there is.
    """

    def start(self, label: str, total: int | None = None) -> None:
        """Begin a piece of work of ``total`` units."""

    def advance(self, n: int = 1) -> None:
        """Say that n more units of the innermost piece are done."""

    def done(self) -> None:
        """End the innermost piece of work."""

    def task(self, label: str, total: int | None = None) -> Task:
        """Give a context manager for one piece of work."""


class Silent:
    """Progress that shows nothing: the default of every function that takes one."""

    def start(self, label: str, total: int | None = None) -> None:
        """Show nothing."""

    def advance(self, n: int = 1) -> None:
        """Show nothing."""

    def done(self) -> None:
        """Show nothing."""

    def task(self, label: str, total: int | None = None) -> Task:
        """Give a task that shows nothing."""
        return _SilentTask()


class RichProgress:
    """Progress bars on standard error with count, rate and time left; quiet when that is no terminal.

    ``console`` replaces standard error, for embedding and tests.
    """

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console

        self._console = console or Console(stderr=True)
        self._shown = self._console.is_terminal
        self._bar: RichBar | None = None
        self._open: list[TaskID] = []

    def start(self, label: str, total: int | None = None) -> None:
        """Open a bar below those already open."""
        self._begin(label, total)

    def advance(self, n: int = 1) -> None:
        """Move the innermost bar on by n."""
        if self._open:
            self._move(self._open[-1], n)

    def done(self) -> None:
        """Close the innermost bar."""
        if self._open:
            self._end(self._open[-1])

    def task(self, label: str, total: int | None = None) -> Task:
        """Give a context manager that opens a bar and closes it, whatever happens inside."""
        return _RichTask(self, label, total)

    def _begin(self, label: str, total: int | None) -> TaskID | None:
        if not self._shown:
            return None
        if self._bar is None:
            self._bar = _rich_bar(self._console)
            self._bar.start()
        task = self._bar.add_task(label, total=total)
        self._open.append(task)
        return task

    def _move(self, task: TaskID, n: int) -> None:
        if self._bar is not None:
            self._bar.advance(task, n)

    def _end(self, task: TaskID) -> None:
        if self._bar is None or task not in self._open:
            return
        self._open.remove(task)
        self._bar.stop_task(task)
        if not self._open:
            self._bar.stop()
            self._bar = None


class _SilentTask:
    def __enter__(self) -> Task:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def advance(self, n: int = 1) -> None:
        return None


class _RichTask:
    def __init__(self, progress: RichProgress, label: str, total: int | None) -> None:
        self._progress, self._label, self._total = progress, label, total
        self._id: TaskID | None = None

    def __enter__(self) -> Task:
        self._id = self._progress._begin(self._label, self._total)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._id is not None:
            self._progress._end(self._id)

    def advance(self, n: int = 1) -> None:
        if self._id is not None:
            self._progress._move(self._id, n)


def _rich_bar(console: Console) -> RichBar:
    from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichBar
    from rich.progress import Task as RichTask
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: RichTask) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:,.0f}/s")

    return RichBar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
        console=console,
    )
