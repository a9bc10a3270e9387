"""Recognises what a file is by its content, and refuses with a remedy what cannot hold a table."""

from __future__ import annotations

import codecs
import gzip
import json
import os
import re
import zipfile
import zlib
from pathlib import Path

from salesops.common.errors import InvalidData
from salesops.sources.reading.model import ReadOptions

HEAD = 65_536
_TABLE = "Give a CSV, Excel, Parquet, JSON Lines or XES file"
_MAGIC = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a Linux program"),
    (b"\xcf\xfa\xed\xfe", "a macOS program"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"SQLite format 3", "an SQLite database"),
    (b"{\\rtf", "an RTF document"),
    (b"ARROW1", "an Arrow file"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
)
_OTHER = {
    ".ics": "a calendar file (iCalendar)",
    ".vcf": "a contact card file (vCard)",
    ".eml": "an e-mail message",
    ".html": "a web page (HTML)",
    ".htm": "a web page (HTML)",
    ".pdf": "a PDF document",
    ".png": "a PNG picture",
    ".xlsx": "an Excel workbook",
    ".xls": "an Excel workbook",
    ".parquet": "a Parquet file",
    ".xes": "an XES event log",
}
_MAIL = re.compile(
    r"^(return-path|received|delivered-to|message-id|mime-version|from|to|subject|date|x-[a-z-]+|dkim-signature"
    r"|content-type|reply-to): ",
    re.I | re.M,
)


def check_readable(path: Path) -> None:
    """Refuse what is missing, a folder, a device, unreadable or empty."""
    if not path.exists():
        raise InvalidData(f"{path.name} does not exist", "Check the name and the folder")
    if path.is_dir():
        raise InvalidData(f"{path.name} is a folder", "Name a file inside it")
    if not path.is_file():
        raise InvalidData(f"{path.name} is no ordinary file", "Save the data to a file first")
    if not os.access(path, os.R_OK):
        raise InvalidData(f"{path.name} may not be read", "Give your user permission to read it, or copy it elsewhere")
    if path.stat().st_size == 0:
        raise InvalidData(f"{path.name} is empty", "Export it again; it should hold at least a header line")


def unpack_gzip(path: Path, target: Path, options: ReadOptions) -> bool:
    """Unpack ``path`` into ``target`` if it is gzip-compressed; says whether it was. Refuses bombs and damage."""
    with path.open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            return False
    limit, packed, written = options.max_unpacked_gzip, path.stat().st_size, 0
    try:
        with gzip.open(path, "rb") as source, target.open("wb") as out:
            while chunk := source.read(1 << 20):
                written += len(chunk)
                if written > limit or (written > (64 << 20) and written > packed * options.max_ratio):
                    raise InvalidData(
                        f"{path.name} unpacks to far more than it should (over {written >> 20} MB)",
                        "Unpack it yourself, check it, and give the unpacked file",
                    )
                out.write(chunk)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidData(f"{path.name} is a damaged gzip file", "Download or export it again") from error
    if written == 0:
        raise InvalidData(f"{path.name} is empty once unpacked", "Export it again")
    return True


def recognise(path: Path, source: str, options: ReadOptions) -> str:
    """Give the format of the file: csv, xlsx, parquet, jsonl or xes. InvalidData says what else it is."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head[:4] == b"PK\x03\x04":
        return _zip_format(path, source, options)
    if head[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return "xlsx"
    if head[:4] == b"PAR1":
        return "parquet"
    for magic, what in _MAGIC:
        if head.startswith(magic):
            raise InvalidData(f"{source} is {what}, not a table", _TABLE)
    return _text_format(_decoded(head, source, options), path, source)


def _decoded(head: bytes, source: str, options: ReadOptions) -> str:
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig")):
        if head.startswith(mark):
            return head.decode(encoding, "replace")
    if options.encoding:
        declared = known_encoding(options.encoding, source)
        if "16" in declared or "32" in declared:
            return head.decode(declared, "replace")
    if b"\0" in head and not wide_guess(head):
        raise InvalidData(f"{source} holds binary data, not a table", _TABLE)
    return head.decode(wide_guess(head) or "utf-8", "replace")


def known_encoding(encoding: str, source: str) -> str:
    """The usual name of a declared encoding of text; raises InvalidData for one that is none (such as hex)."""
    try:
        "a".encode(encoding)
        return codecs.lookup(encoding).name
    except (LookupError, ValueError):
        raise InvalidData(
            f"{encoding!r}, declared for {source}, is no known encoding", "Name one such as utf-8, cp1252 or shift_jis"
        ) from None


def wide_guess(head: bytes) -> str | None:
    """Say whether bytes without a mark look like UTF-16 text: every other byte of most characters is zero."""
    odd, even = head[1:2000:2].count(0), head[0:2000:2].count(0)
    half = max(1, len(head[:2000]) // 2)
    if odd > 0.4 * half and even < 0.1 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 * half and odd < 0.1 * half else None


def _text_format(head: str, path: Path, source: str) -> str:
    start = head.lstrip("\ufeff \t\r\n")
    lower = start[:2000].lower()
    if lower.startswith("begin:vcard"):
        raise InvalidData(f"{source} is a contact card file (vCard), not a table", "Export the contacts as CSV")
    if lower.startswith("begin:v"):
        raise InvalidData(
            f"{source} is a calendar file (iCalendar), not a table", "Add it as a calendar source, not as a table"
        )
    if lower.startswith("<"):
        return _markup_format(start, source)
    if len(_MAIL.findall("\n".join(start.splitlines()[:12]))) >= 2 or lower.startswith("from mailer-daemon"):
        raise InvalidData(f"{source} is an e-mail message, not a table", "Add it as a mailbox source, not as a table")
    if _is_json(start, path, source):
        return "jsonl"
    suffix = Path(source).suffix.lower()
    if suffix in _OTHER:
        raise InvalidData(f"{source} is {_OTHER[suffix]}, and damaged; it is no table", _TABLE)
    return "csv"


def _markup_format(start: str, source: str) -> str:
    if re.search(r"<(\w+:)?log[\s>]", start):
        return "xes"
    if re.match(r"\s*<(!doctype\s+html|html|head|body|table|div)", start, re.I):
        raise InvalidData(
            f"{source} is a web page (HTML), not a table", "Export the data as CSV or Excel; a saved page will not do"
        )
    if start.startswith("<?xml") or re.match(r"<[A-Za-z_][\w.:-]*[\s>/]", start):
        raise InvalidData(f"{source} is XML, but no XES event log", "Export the data as CSV, Excel or XES")
    return "csv"


def _is_json(start: str, path: Path, source: str) -> bool:
    declared = bool({".jsonl", ".ndjson"} & {suffix.lower() for suffix in path.suffixes + Path(source).suffixes})
    if declared or not start.startswith(("{", "[")):
        return declared
    try:
        first = json.loads(start.splitlines()[0])
    except (ValueError, RecursionError):
        first = None
    if isinstance(first, dict):
        return True
    if re.match(r"[\[{]\s*([\[{\"]|$)", start):
        raise InvalidData(f"{source} is one JSON document", "Save it as JSON Lines: one object on each line")
    return False


def _zip_format(path: Path, source: str, options: ReadOptions) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise InvalidData(f"{source} is a damaged workbook or ZIP archive", "Save or download it again") from error
    names = {part.filename for part in parts}
    if not (any(n.startswith("xl/workbook") for n in names) or {"content.xml", "mimetype"} <= names):
        raise InvalidData(f"{source} is a ZIP archive, not a table", "Unpack it and give the file inside")
    total, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
    bomb = any(
        part.file_size > (32 << 20) and part.file_size > part.compress_size * options.max_ratio for part in parts
    )
    if bomb or total > options.max_unpacked:
        raise InvalidData(
            f"{source} unpacks to {total >> 20} MB from {packed >> 10} kB, more than is allowed",
            "Save the sheet that you need as CSV and give that file",
        )
    return "xlsx"
