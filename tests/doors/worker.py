"""Serves one workspace: reads commands (a JSON list of words a line), runs them, answers with exit code and what was written.

A line that is a JSON text is Python: it runs with `ws(user)`, and what it leaves in `result` is the answer.
"""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import Any


def run(words: list[str]) -> dict[str, Any]:
    """Run one command of the command line."""
    from salesops.cli import main

    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(words)
    return {"code": code, "out": out.getvalue(), "err": err.getvalue()}


def evaluate(text: str, folder: str) -> dict[str, Any]:
    """Run Python; a SalesopsError is an answer like any other."""
    import salesops
    from salesops.common.errors import SalesopsError

    names: dict[str, Any] = {"ws": lambda user=None: salesops.open(folder, user)}
    try:
        exec(text, names)
    except SalesopsError as error:
        return {"error": type(error).__name__, "message": str(error)}
    return {"result": names.get("result")}


def main() -> None:
    """Answer line by line until standard input ends."""
    folder = sys.argv[1]
    answers, sys.stdout = sys.stdout, io.StringIO()
    for line in sys.stdin:
        asked = json.loads(line)
        answer = run(asked) if isinstance(asked, list) else evaluate(asked, folder)
        print(json.dumps(answer, default=str), file=answers, flush=True)


if __name__ == "__main__":
    main()
