"""Generated pages are up to date; commands that guides name exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "guides").glob("*.md")])


@pytest.mark.parametrize(
    ("module", "page"),
    [
        ("salesops.records.dictionary", "docs/data-dictionary.md"),
        ("salesops.metrics.document", "docs/metrics.md"),
        ("salesops.metrics.guide.document", "docs/kpi-guide.md"),
    ],
)
def test_generated_pages_are_up_to_date(module: str, page: str, tmp_path: Path) -> None:
    """What the module prints is what is committed."""
    done = subprocess.run(
        [sys.executable, "-m", module], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == (ROOT / page).read_text(encoding="utf-8"), f"python -m {module} > {page}"


def commands() -> list[tuple[str, str]]:
    """Every line of a guide's code blocks that runs salesops."""
    found = []
    for page in GUIDES:
        blocks = re.findall(r"^```(?:sh|bash)?\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
        lines = [line.split(" #")[0].strip() for block in blocks for line in block.splitlines()]
        found += [(page.name, line) for line in lines if line.startswith("salesops ")]
    return found


def test_guides_name_real_commands() -> None:
    """Every command of the guides exists, with every option that it is given."""
    from salesops.cli import ANYWHERE, _front, cli

    assert len(commands()) > 50
    for page, line in commands():
        words = shlex.split(line)[1:]
        shell = [n for n, word in enumerate(words) if word in ("|", ">", "||", "&&")]
        _, rest = _front(words[: shell[0]] if shell else words)
        command: click.Command = cli
        context = click.Context(cli, info_name="salesops")
        while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
            named = command.get_command(context, rest[0])
            if named is None and command.name == "import":
                named, rest = command.get_command(context, "run"), ["run", *rest]
            assert named is not None or command.name == "quality", (page, line)
            if named is None:
                break
            command, rest = named, rest[1:]
        options = {one for parameter in command.params for one in (*parameter.opts, *parameter.secondary_opts)}
        given = {word.partition("=")[0] for word in rest if word.startswith("--") and word != "--"}
        assert given <= options | set(ANYWHERE) | {"--help"}, (page, line, given - options)
