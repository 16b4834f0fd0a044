"""The statements that a connection runs, for tests that count, watch or cut them: whichever way the driver is asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.db.backends.base.base import BaseDatabaseWrapper

from beatsync.store import bulk

Wrapper = Callable[..., Any]
# Django logs a prepared statement with how many times it ran, and PostgreSQL's COPY as what it is.
_WRITES = re.compile(r"\s*(?:\S+ times: )?(INSERT|UPDATE|DELETE|REPLACE|COPY|CREATE|ALTER|DROP)\b", re.IGNORECASE)


def writes(queries: Iterable[dict[str, Any]]) -> list[str]:
    """Return what of the captured queries writes."""
    return [query["sql"] for query in queries if _WRITES.match(query["sql"])]


@contextmanager
def each_statement(connection: BaseDatabaseWrapper, wrapper: Wrapper) -> Iterator[None]:
    """Have `wrapper` called around each statement: as Django's own wrappers are, and around a COPY, which those are not."""
    copy = bulk._copy

    def copied(connection: BaseDatabaseWrapper, sql: str, rows: Any) -> None:
        wrapper(lambda *_: copy(connection, sql, rows), sql, rows, True, {})

    with connection.execute_wrapper(wrapper), mock.patch.object(bulk, "_copy", copied):
        yield
