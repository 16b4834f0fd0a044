"""Which names suggest that their value is a secret (docs/architecture.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_WORDS = frozenset(
    "apikey auth authorization bearer cookie credential credentials cred creds dsn jwt key keys passphrase passwd password "
    "passwords private pwd secret secrets session signature token tokens".split()
)
_ENDINGS = ("password", "passwd", "secret", "token", "apikey", "credential", "credentials")
_SPLIT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@lru_cache(maxsize=4096)
def looks_secret(name: str) -> bool:
    """Return whether the value of a key such as `api_key`, `apiKey` or `DB_PASSWORD` is probably a secret."""
    words = [word.lower() for word in _SPLIT.split(name) if word]
    return any(word in _WORDS or word.endswith(_ENDINGS) for word in words)


def is_secret(path: Iterable[object]) -> bool:
    """Return whether the value at a path must not be shown."""
    return any(isinstance(part, str) and looks_secret(part) for part in path)
