"""Secrets at rest: Fernet (AES-128-CBC and HMAC-SHA-256) with a key derived from the workspace's `secret_key` by HKDF-SHA-256.

The key stands in `salesops.toml`, which a backup holds, too: what was sealed before a backup opens after its restore. With another
`secret_key` nothing that was sealed before can be opened; who loses an authenticator by that is helped by `reset_second_factor`.
"""

from __future__ import annotations

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from salesops.common.errors import WorkspaceError


def seal(text: str) -> str:
    """A text as it may be stored; raises WorkspaceError where the workspace has no secret key."""
    return _box().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """The text of `seal`; raises WorkspaceError where it was sealed with another key."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise WorkspaceError(
            "a stored secret cannot be opened: it was sealed with another secret_key",
            remedy="Put the former secret_key back into salesops.toml, or set the secret anew",
        ) from None


def _box() -> Fernet:
    from django.conf import settings

    if settings.SECRET_KEY == "not-serving":
        raise WorkspaceError(
            "the workspace has no secret_key", remedy="Add secret_key (32 random bytes) to salesops.toml"
        )
    return _of_key(settings.SECRET_KEY)


@lru_cache(maxsize=2)
def _of_key(key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"salesops.sealing.1").derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
