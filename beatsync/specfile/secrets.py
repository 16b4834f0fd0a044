"""Which names suggest that their value is a secret; `shapes` finds secrets by what they look like."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_WORDS = frozenset(
    "apikey auth authorization bearer cookie cookies credential credentials cred creds dsn jwt key keys otp pass passcode"
    " passphrase passwd password passwords private pw pwd secret secrets session sig signature token tokens".split()
)
_ENDINGS = ("password", "passwd", "passphrase", "secret", "token", "apikey", "credential", "credentials")
_JOINED = re.compile(
    r"(?:access|account|aes|api|auth|crypto|deploy|encryption|host|license|licence|master|private|rsa|secret|service|session"
    r"|signing|ssh|storage)keys?|(?:admin|app|db|ftp|ldap|mail|mongo|my|mysql|pg|redis|root|smtp|user)(?:pass|pw|pwd)"
)
"""Names written as one word."""
_NOT_ITSELF = frozenset(
    "age algorithm allowed attempts backend bucket budget class column count counter days digits disabled enabled endpoint error errors exception expires"
    " expiry field file format hours index interval kind length lifetime limit location max method min minutes mode"
    " name names number parameter param path pattern policy prefix provider required retries rotation schema scope scopes"
    " seconds size status store suffix table template timeout ttl type types uri url usage used validity version".split()
)
"""Last words of names that describe a secret: `token_count`, `password_policy`."""
_COUNTS = frozenset("input max maximum min minimum n num number output total prompt completion".split())
"""Words before `tokens` where it counts something."""
_PLAIN_KEYS = frozenset(
    "cache composite foreign group idempotency index join lookup natural object partition primary public routing row shard sort"
    " unique".split()
)
"""Words before `key` that name a key which opens nothing."""
_PLAIN_PASSES = frozenset("boarding by first multi next one second single third two".split())
_PLAIN_BEFORE = {"key": _PLAIN_KEYS, "keys": _PLAIN_KEYS, "tokens": _COUNTS, "pass": _PLAIN_PASSES}
_SPLIT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WEAK = frozenset("auth cookie cookies key keys pass private session sig signature tokens".split())
"""Words that prose uses as well."""


@lru_cache(maxsize=4096)
def looks_secret(name: str) -> bool:
    """Return whether the value of a key such as `api_key`, `apiKey`, `DB_PASSWORD` or `PASSWORD1` is probably a secret."""
    words = [word.lower().rstrip("0123456789") for word in _SPLIT.split(name)]
    words = [word for word in words if word]
    if not words or words[-1] in _NOT_ITSELF or (len(words) > 1 and words[-2] in _PLAIN_BEFORE.get(words[-1], ())):
        return False
    return any(_is_secret_word(word) for word in words[:-1] if word != "pass") or _is_secret_word(words[-1])


def _is_secret_word(word: str) -> bool:
    return word in _WORDS or word.endswith(_ENDINGS) or _JOINED.fullmatch(word) is not None


@lru_cache(maxsize=4096)
def looks_secret_in_prose(name: str) -> bool:
    """Return whether `name: value` or `name=value` in a sentence is probably a secret."""
    return name.lower() not in _WEAK and looks_secret(name)


def is_secret(path: Iterable[object]) -> bool:
    """Return whether the value at a path must not be shown."""
    return any(isinstance(part, str) and looks_secret(part) for part in path)
