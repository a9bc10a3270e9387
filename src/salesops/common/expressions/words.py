"""Splits a formula into words and rewrites it into Python syntax that carries no text of the user: only placeholders.

Literals and field names are kept aside, so numbers stay exact and nothing that a person wrote reaches Python's parser
except the structure. ``x between a and b`` becomes ``x is a is b``, ``x is null`` becomes ``x is N``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, get_args

from salesops.common.errors import Problem
from salesops.common.expressions.tree import Function

MAX_LENGTH: Final = 4_000
MAX_WORDS: Final = 600
MAX_NESTING: Final = 40

_WORD: Final = re.compile(
    r"""(?P<space>\s+)
    | (?P<string>'(?:[^']|'')*' | "(?:[^"]|"")*")
    | (?P<quoted>`[^`]*`)
    | (?P<percent>(?:\d[\d_]*(?:\.\d[\d_]*)?|\.\d+)[ ]?%)
    | (?P<date>\d{4}-\d\d-\d\d(?![\w.]))
    | (?P<money>\d[\d_]*(?:\.\d[\d_]*)?[ ]+(?!AND|NOT)[A-Z]{3}(?![\w.]))
    | (?P<number>(?:\d[\d_]*(?:\.\d[\d_]*)?|\.\d+)(?![\w.]))
    | (?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*)
    | (?P<operator><=|>=|<>|!=|==|=|<|>|\+|-|\*|/|\(|\)|\[|\]|,)
    | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_PYTHON: Final = {"=": "==", "<>": "!="}
_KEYWORDS: Final = frozenset({"and", "or", "not", "in", "is", "between"})
FUNCTIONS: Final[tuple[Function, ...]] = get_args(Function)
CALLED: Final = "call_"
"""What stands before the name of a function in the rewritten source."""
_CONSTANTS: Final = frozenset({"null", "none", "true", "false"})
_HINTS: Final = {
    "&": "Write 'and'",
    "|": "Write 'or'",
    "!": "Write 'not', or != for 'differs from'",
    ";": "Write one formula only",
    "%": "Write a share as 20% or 0.2",
    "'": "Close the text with another '",
    '"': 'Close the text with another "',
    "`": "Close the field name with another `",
}


@dataclass(frozen=True, slots=True)
class Word:
    """A literal or name that was taken out. ``kind``: string, number, money, date, field or constant (null, true, false)."""

    kind: str
    text: str
    at: int


@dataclass(slots=True)
class Rewritten:
    """Python source with placeholders, what they stand for, and where each stretch of it came from."""

    source: str = ""
    words: dict[str, Word] = field(default_factory=dict)
    starts: list[tuple[int, int]] = field(default_factory=list)

    def origin(self, offset: int) -> int:
        """Give the position in the original text (from 0) of an offset in the Python source."""
        found = 0
        for start, at in self.starts:
            if start > offset:
                break
            found = at
        return found


def rewrite(text: str, source: str, fields: frozenset[str] = frozenset()) -> tuple[Rewritten, list[Problem]]:
    """Rewrite a formula for Python's parser; problems are those of spelling and size. ``fields`` may hide words."""
    done, problems = Rewritten(), list[Problem]()
    if len(text) > MAX_LENGTH:
        return done, [_problem(source, 0, f"The formula has more than {MAX_LENGTH} characters", "Split it into fields")]
    found = [match for match in _WORD.finditer(text) if match.lastgroup != "space"]
    if not found:
        return done, [_problem(source, 0, "The formula is empty", "Write for example: stage = 'Won' and amount > 1000")]
    if len(found) > MAX_WORDS:
        return done, [_problem(source, 0, f"The formula has more than {MAX_WORDS} words", "Split it into fields")]
    depth, betweens = 0, list[int]()  # nesting of brackets, and that of each 'between' still waiting for its 'and'
    skipped = -1
    for n, match in enumerate(found):
        if n == skipped:
            continue
        kind, word, at = str(match.lastgroup), match.group(), match.start()
        lower = word.lower()
        following = found[n + 1] if n + 1 < len(found) else None
        if kind == "other":
            remedy = _HINTS.get(word, "Use names, numbers, 'text', = != < > + - * / ( ) and or not in between is null")
            problems.append(_problem(source, at, f"The character {word} has no meaning here", remedy))
        elif kind == "operator":
            depth += (word in "([") - (word in ")]")
            if depth > MAX_NESTING:
                return done, [_problem(source, at, f"More than {MAX_NESTING} nested brackets", "Split the formula")]
            _put(done, _PYTHON.get(word, word), at)
        elif kind == "name" and lower in _KEYWORDS and word not in fields:
            python = lower
            if lower == "between":
                python = "is"
                betweens.append(depth)
            elif lower == "and" and betweens and betweens[-1] == depth:
                python = "is"
                betweens.pop()
            elif lower == "not" and following is not None and following.group().lower() == "between":
                python = "is not"
                betweens.append(depth)
                skipped = n + 1
            _put(done, python, at)
        elif kind == "name" and lower == "date" and following is not None and following.lastgroup == "string":
            continue
        elif kind == "name" and lower in _CONSTANTS and word not in fields:
            _hold(done, Word("constant", "null" if lower == "none" else lower, at))
        elif kind == "name" and lower in FUNCTIONS and following is not None and following.group() == "(":
            _put(done, f"{CALLED}{lower}", at)
        elif kind in ("name", "quoted"):
            _hold(done, Word("field", word.strip("`"), at))
        elif kind == "string":
            quote = word[0]
            _hold(done, Word("string", word[1:-1].replace(quote * 2, quote), at))
        elif kind == "percent":
            share = Decimal(word.removesuffix("%").strip().replace("_", "")).scaleb(-2)
            _hold(done, Word("number", f"{share:f}", at))
        else:  # a number, money or a date
            _hold(done, Word(kind, word.replace("_", ""), at))
    if betweens and not problems:
        problems.append(_problem(source, 0, "'between' has no 'and'", "Write: x between 1 and 5"))
    return done, problems


def _hold(done: Rewritten, word: Word) -> None:
    placeholder = f"w{len(done.words)}"
    done.words[placeholder] = word
    _put(done, placeholder, word.at)


def _put(done: Rewritten, python: str, at: int) -> None:
    done.starts.append((len(done.source), at))
    done.source += f"{python} "


def _problem(source: str, at: int, problem: str, remedy: str) -> Problem:
    return Problem(source, None, f"character {at + 1}", problem, remedy)
