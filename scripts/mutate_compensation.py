"""Flip comparisons, roundings and bounds in the engine of compensation, one at a time, and see whether the tests notice.

    python scripts/mutate_compensation.py [module ...]

Works on a copy of the source in a temporary folder, each mutation in a fork. Prints every mutation that survived and ends with 1 if any did that
is not listed in ``EQUIVALENT``. Takes some minutes, so it is not part of the test-suite.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path("src/salesops/compensation")
TESTS = {
    "rates": ["test_rates.py", "test_accumulate.py"],
    "crediting": ["test_crediting.py"],
    "exact": ["test_pay.py", "test_accumulate.py", "test_crediting.py"],
    "quotas": ["test_quotas.py"],
    "accumulate": ["test_accumulate.py", "test_interpret.py"],
    "draws": ["test_pay.py"],
    "holds": ["test_pay.py"],
    "clawback": ["test_pay.py", "test_interpret.py"],
    "contests": ["test_pay.py"],
    "spiffs": ["test_pay.py", "test_tools.py"],
    "settle": ["test_interpret.py", "test_tools.py"],
    "capitalize": ["test_pay.py"],
    "ppa": ["test_accumulate.py", "test_tools.py"],
}
FLIPS = [
    (r" >= ", " > "), (r" > ", " >= "), (r" <= ", " < "), (r" < ", " <= "), (r"half_up", "half_even"), (r"\bmin\(", "max("),
    (r"\bmax\(", "min("), (r"// 1\b", "// 1 + 1"), (r" \+ 1\b", " + 2"), (r" - 1\b", " - 2"), (r" is not None", " is None"),
    (r" and ", " or "), (r" == ", " != "), (r"int\(value // 1\)", "-int(-value // 1)"),
]  # fmt: skip
EQUIVALENT: dict[tuple[str, str], str] = {
    ("rates", "s1 >= s0 else -1"): "a credit of nothing touches no band",
    ("rates", "if place < x1:"): "both sides of a point give its value",
    ("rates", "high > max(low or 0, 0)"): "an empty band is never touched nor reached",
    ("rates", "slab.high > start"): "an empty band is never touched nor reached",
    ("rates", "place <= at[0]"): "at the first line the way along is nothing",
    ("rates", "if place < high:"): "at a line both cells weigh the same",
    ("rates", "if amount <= limit:"): "at the limit the cap leaves the limit",
    ("crediting", "if size <= above else"): "at the threshold nothing lies above",
    ("crediting", "if amount >= 0 else -kept"): "nothing has no sign",
    ("exact", "value * sign > 0"): "nothing has no sign",
    ("holds", "amount <= 0"): "of nothing, nothing is held",
    ("quotas", "if part >= each:"): "one season is its own sum",
    ("quotas", "if part.start <= whole.start:"): "the first part has place 0 either way",
    ("quotas", "if MONTHS[amount.window] <= MONTHS[kind_of(window)]:"): "the same length: one part, or once the whole",
    ("accumulate", '"true_up" if now > rate'): "only asked where they differ",
    ("accumulate", "moved = before_earning is not None"): "where nothing moved, the differences are none",
    ("accumulate", "credit.paid != credit.counted"): "the same amounts spread over the same pieces stay",
    ("settle", "if cents < 0 else"): "nothing is neither carried nor released",
}
"""(module, part of a line) whose flips change nothing that can be seen, and why."""


def code_lines(text: str) -> list[int]:
    """Give the numbers of lines that are code: no docstring, comment, import or annotation."""
    found, inside = [], False
    for n, line in enumerate(text.splitlines()):
        quotes = line.count('"""')
        skip = (
            inside
            or quotes
            or line.strip().startswith(("#", "import", "from", ">>>"))
            or "Literal[" in line
            or "RoundingMode =" in line
        )
        inside = inside != (quotes % 2 == 1)
        if not skip:
            found.append(n)
    return found


def mutations(text: str) -> list[tuple[int, str, str, str]]:
    """Give (line number, line, flip, mutated text) for every flip at every place."""
    lines, found = text.splitlines(), []
    for n in code_lines(text):
        for pattern, replacement in FLIPS:
            for match in re.finditer(pattern, lines[n]):
                if ")->" in lines[n].replace(" ", "") or lines[n].lstrip().startswith("def "):
                    continue
                changed = lines[n][: match.start()] + replacement + lines[n][match.end() :]
                mutated = "\n".join([*lines[:n], changed, *lines[n + 1 :]]) + "\n"
                found.append((n + 1, lines[n].strip(), f"{match.group().strip()} -> {replacement.strip()}", mutated))
    return found


def survives(tests: list[str]) -> bool:
    """Say whether the tests pass in a fork that reads the mutated source: then nobody noticed."""
    child = os.fork()
    if child == 0:
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        paths = [str(ROOT / "tests" / "compensation" / name) for name in tests]
        code = pytest.main(["-q", "-x", "-n", "0", "-p", "no:cacheprovider", "-p", "no:randomly", *paths])
        os._exit(int(code) != 0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def main(names: list[str]) -> int:
    """Mutate the modules that are named, or all of them."""
    survivors = 0
    sys.dont_write_bytecode = True
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        shutil.copytree(ROOT / "src", tree / "src", ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        sys.path.insert(0, str(tree / "src"))
        importlib.import_module("salesops.common.expressions")  # what is not mutated is imported once
        assert Path(str(sys.modules["salesops"].__file__)).is_relative_to(tree), "another salesops is in the way"
        hypothesis.settings.register_profile("mutation", max_examples=30, deadline=None, database=None)
        hypothesis.settings.load_profile("mutation")
        for name in names or list(TESTS):
            path = tree / PACKAGE / f"{name}.py"
            original = path.read_text(encoding="utf-8")
            listed = mutations(original)
            missed = 0
            for number, line, flip, mutated in listed:
                path.write_text(mutated, encoding="utf-8")
                if not any(module == name and part in line for module, part in EQUIVALENT) and survives(TESTS[name]):
                    missed += 1
                    print(f"  survived {name}.py:{number} [{flip}] {line}", flush=True)
            path.write_text(original, encoding="utf-8")
            survivors += missed
            print(f"{name}: {len(listed) - missed} of {len(listed)} noticed", flush=True)
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
