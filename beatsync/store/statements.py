"""The parts of SQL statements that are the same on every database: lists of values, and chunks that a server accepts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

MAX_ROWS = 5_000
"""The most rows in one statement: while MariaDB works on it, the next one is prepared."""
MAX_BYTES = 7_500_000
"""The most bytes of values in one statement, unless the server accepts less."""
MAX_IDS = 5_000
MAX_NAMES = 1_000
FETCH_SIZE = 2_000
"""How many rows a streamed query holds in memory at a time."""

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Returns a value as JSON text for a parameter that the server unpacks."""
Value = str | int | bool | None
BulkRow = Mapping[str, Value]


def id_lists(ids: Iterable[int]) -> Iterator[str]:
    """Yield `ids` as lists for `IN (…)`: integers by construction, so they are safe inside the statement."""
    ordered = sorted(set(ids))
    for start in range(0, len(ordered), MAX_IDS):
        yield ", ".join(str(int(number)) for number in ordered[start : start + MAX_IDS])


def name_lists(column: str, names: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield conditions that `column` is one of `names`, each with its parameters."""
    ordered = sorted(set(names))
    for start in range(0, len(ordered), MAX_NAMES):
        chunk = ordered[start : start + MAX_NAMES]
        yield f"{column} IN ({', '.join(['%s'] * len(chunk))})", chunk


def chunks(parts: Iterable[str], max_bytes: int = MAX_BYTES) -> Iterator[str]:
    """Yield `parts` joined by commas, at most MAX_ROWS of them and about `max_bytes` at a time; a longer part is alone."""
    chunk: list[str] = []
    size = 0
    for part in parts:
        weight = len(part) if part.isascii() else len(part.encode())
        if chunk and (len(chunk) >= MAX_ROWS or size + weight > max_bytes):
            yield ",".join(chunk)
            chunk, size = [], 0
        chunk.append(part)
        size += weight
    if chunk:
        yield ",".join(chunk)
