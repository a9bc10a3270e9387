"""Makes sure that a text file is UTF-8: finds its encoding, verifies the whole of it, and transcodes where needed."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from charset_normalizer import from_bytes

from salesops.common.errors import InvalidData
from salesops.sources.reading.content import HEAD, known_encoding, wide_guess
from salesops.sources.reading.model import ReadOptions
from salesops.sources.reading.problems import ProblemList

CHUNK = 4 << 20
_MULTIBYTE = ("cp932", "euc_jp", "gb18030", "big5", "cp949")
_SINGLE = ("cp1252", "cp1250", "iso8859_2", "cp1251", "iso8859_15", "cp1253", "cp1254", "koi8_r", "latin_1")
_ODD = re.compile(r"(?<=[A-Za-z])[^\x00-\x7f\w\s.,;:!?€–—’“”»«…]|[^\x00-\x7f\w\s–—‘“„«»€£$(¿¡](?=[A-Za-z])|[\x80-\x9f]")


@dataclass(frozen=True)
class TextFile:
    """A UTF-8 text file: where it lies, the encoding it came in, and how many lines, quotes and line ends it has."""

    path: Path
    encoding: str
    lines: int
    quotes: int


@dataclass
class _Scan:
    utf8: bool = True
    zeros: bool = False
    newlines: int = 0
    quotes: int = 0
    returns: int = 0
    pairs: int = 0
    last: bytes = b""


def as_utf8(path: Path, work: Path, options: ReadOptions, problems: ProblemList) -> TextFile:
    """Give the file as UTF-8, itself if it is that already. InvalidData for binary content or a wrong encoding."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    marked = _marked(head)
    scan = _scan(path)
    if options.encoding:
        chosen = known_encoding(options.encoding, problems.source)
    elif marked or wide_guess(head):
        chosen = marked or str(wide_guess(head))
    elif scan.utf8:
        chosen = "utf-8"
    else:
        chosen = _guess(path, problems)
    wide = "16" in chosen or "32" in chosen
    if scan.zeros and not wide:
        raise InvalidData(
            f"{problems.source} holds binary data (zero bytes), not text", "Export the data as CSV, Excel or Parquet"
        )
    plain = chosen in ("utf-8", "utf-8-sig") and scan.utf8
    if plain and (scan.returns == scan.pairs):
        return TextFile(path, chosen, _lines(scan), scan.quotes)
    return _transcoded(path, work / "text.utf8", chosen, options, problems)


def _lines(scan: _Scan) -> int:
    return scan.newlines + (0 if scan.last in (b"\n", b"") else 1)


def _marked(head: bytes) -> str | None:
    for mark, name in (
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return name
    return None


def _scan(path: Path) -> _Scan:
    scan, decoder = _Scan(), codecs.getincrementaldecoder("utf-8")("strict")
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            scan.zeros = scan.zeros or b"\0" in chunk
            scan.newlines += chunk.count(b"\n")
            scan.quotes += chunk.count(b'"')
            scan.returns += chunk.count(b"\r")
            scan.pairs += chunk.count(b"\r\n") + (scan.last == b"\r" and chunk[:1] == b"\n")
            scan.last = chunk[-1:]
            if scan.utf8:
                scan.utf8 = _decodes(decoder, chunk)
    if scan.utf8:
        scan.utf8 = _decodes(decoder, b"", final=True)
    return scan


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _guess(path: Path, problems: ProblemList) -> str:
    sample = _foreign_lines(path)
    if _mostly_utf8(sample):
        return "utf-8"
    for candidate in _ranked(sample):
        if _whole_file_decodes(path, candidate):
            problems.warn(
                f"The encoding is not stated; the file was read as {candidate}",
                "Check names with accents; declare the encoding if they look wrong, or save as UTF-8",
            )
            return candidate
    raise InvalidData(f"No encoding fits the whole of {problems.source}", "Save it as UTF-8, or declare its encoding")


def _foreign_lines(path: Path, limit: int = 128 << 10) -> bytes:
    """Lines that hold other than ASCII bytes, up to ``limit``."""
    found = bytearray()
    with path.open("rb") as file:
        for line in iter(lambda: file.readline(CHUNK), b""):
            if not line.isascii():
                found += line[:4096]
                if len(found) >= limit:
                    break
    return bytes(found)


def _mostly_utf8(sample: bytes) -> bool:
    decoded = sample.decode("utf-8", "replace")
    bad = decoded.count("\ufffd")
    return sum(not char.isascii() for char in decoded) - bad > 10 * bad


def _ranked(sample: bytes) -> list[str]:
    best = from_bytes(sample, cp_isolation=[*_MULTIBYTE, *_SINGLE]).best()
    singles = sorted(_SINGLE, key=lambda name: (_oddness(sample, name), _SINGLE.index(name)))
    if best is None:
        return singles
    if best.encoding in _MULTIBYTE or best.encoding in ("cp1251", "cp1253", "koi8_r"):
        return [best.encoding, *singles]
    western = sample.decode("cp1252", "replace")
    if _oddness(sample, "cp1252") == 0 and (str(best) == western or best.coherence == 0):
        return singles
    if _oddness(sample, best.encoding) <= _oddness(sample, singles[0]):
        return [best.encoding, *singles]
    return singles


def _oddness(sample: bytes, encoding: str) -> int:
    decoded = sample.decode(encoding, "replace")
    return len(_ODD.findall(decoded)) + 5 * decoded.count("\ufffd")


def _whole_file_decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            if not _decodes(decoder, chunk):
                return False
    return _decodes(decoder, b"", final=True)


def _transcoded(path: Path, target: Path, encoding: str, options: ReadOptions, problems: ProblemList) -> TextFile:
    lenient = encoding in ("utf-8", "utf-8-sig") and not options.encoding
    newlines, quotes, last = 0, 0, ""
    try:
        with (
            path.open("r", encoding=encoding, errors="replace" if lenient else "strict", newline=None) as source,
            target.open("w", encoding="utf-8", newline="\n") as out,
        ):
            while part := source.read(CHUNK):
                if lenient and "\ufffd" in part:
                    _note_damage(part, newlines, problems)
                if "\0" in part:
                    raise InvalidData(
                        f"{problems.source} holds binary data (zero characters), not text", "Export the data as CSV"
                    )
                newlines, quotes, last = newlines + part.count("\n"), quotes + part.count('"'), part[-1]
                out.write(part)
    except UnicodeError as error:
        raise InvalidData(
            f"{problems.source} is not all {encoding}", "Save it as UTF-8, or declare the right encoding"
        ) from error
    return TextFile(target, encoding, newlines + (0 if last in ("\n", "") else 1), quotes)


def _note_damage(part: str, lines_before: int, problems: ProblemList) -> None:
    for number, line in enumerate(part.split("\n"), start=lines_before + 1):
        if "\ufffd" in line:
            problems.warn(
                "A character is damaged (not UTF-8) and was replaced by \ufffd", "Correct it in the source", row=number
            )
