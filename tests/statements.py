"""The statements that a connection runs, for tests that count, watch or interrupt them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.db.backends.base.base import BaseDatabaseWrapper

from beatsync.store.dialects.postgresql import PostgreSQL

Wrapper = Callable[..., Any]
# Django logs a prepared statement with how many times it ran, and PostgreSQL's COPY as what it is.
_WRITES = re.compile(r"\s*(?:\S+ times: )?(INSERT|UPDATE|DELETE|REPLACE|COPY|CREATE|ALTER|DROP)\b", re.IGNORECASE)


def writes(queries: Iterable[dict[str, Any]]) -> list[str]:
    """Return those of the captured queries that write."""
    return [query["sql"] for query in queries if _WRITES.match(query["sql"])]


@contextmanager
def each_statement(connection: BaseDatabaseWrapper, wrapper: Wrapper) -> Iterator[None]:
    """Call `wrapper` around each statement, as Django calls its wrappers, and around a COPY, which Django does not see."""
    copy = PostgreSQL.copy

    def wrapped(dialect: PostgreSQL, sql: str, rows: Any) -> None:
        wrapper(lambda *_: copy(dialect, sql, rows), sql, rows, True, {})

    with connection.execute_wrapper(wrapper), mock.patch.object(PostgreSQL, "copy", wrapped):
        yield
