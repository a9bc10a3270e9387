"""Uploaded files go straight to the workspace's disk, never into memory, and stop at the limit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from salesops.records import context

LIMIT_MB = 2048
"""How much one request may upload, unless `upload_limit_mb` in `salesops.toml` says otherwise."""


class ToWorkspace(FileUploadHandler):
    """Writes every file of a request below `work/uploads`, and counts what comes."""

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._left = int(context.option("upload_limit_mb", LIMIT_MB)) * 1_000_000

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        folder = Path(context.folder()) / "work" / "uploads"
        folder.mkdir(parents=True, exist_ok=True)
        self.file = TemporaryUploadedFile(
            self.file_name or "", self.content_type or "", 0, self.charset, self.content_type_extra
        )

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._left -= len(raw_data)
        if self._left < 0:
            from .rest.problems import TooLarge

            self.file.close()
            limit = int(context.option("upload_limit_mb", LIMIT_MB))
            raise TooLarge(
                f"more than {limit:,} MB were sent at once",
                remedy="Send several uploads, or raise upload_limit_mb in salesops.toml",
            )
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> Any:
        self.file.seek(0)
        self.file.size = file_size
        return self.file

    def upload_interrupted(self) -> None:
        if hasattr(self, "file"):
            self.file.close()
