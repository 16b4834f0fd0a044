"""The server's half of `beatsync.plan.digest`: one short digest for each row that a source owns, made where the rows are."""

# ruff: noqa: S608  names come from our own constants, values are parameters

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from django.db import transaction

from beatsync.plan.digest import NULL, Told
from beatsync.specfile.blocks import LENGTH
from beatsync.store import times
from beatsync.store.bulk import execute, fetch, stream
from beatsync.store.tables import INVENTORY, PERIODIC_TASK, SCHEDULES, SOURCE, Kind, Table

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

_BEATS_OWN = frozenset({"last_run_at", "total_run_count", "date_changed"})
_OF_OURS = frozenset({"source_id", "row_id", "as_left"})
"""What the rows are joined by, and the digest itself."""
_JOINED: Mapping[str, Table] = {**{f"of_{kind}": table for kind, table in SCHEDULES.items()}, "e": INVENTORY}

_OWNED = (
    f"FROM {INVENTORY.name} e JOIN {SOURCE.name} o ON o.id = e.source_id LEFT JOIN {PERIODIC_TASK.name} t ON t.id = e.row_id "
    + " ".join(f"LEFT JOIN {table.name} of_{kind} ON of_{kind}.id = t.{kind}_id" for kind, table in SCHEDULES.items())
    + " WHERE o.name = %s"
)


def read(connection: BaseDatabaseWrapper, source: str, unusual: Collection[str]) -> Told | None:
    """Return which rows of `source` are as a sync left them, and which rows nobody owns; two queries. None where no row is.

    Names that are `unusual` are not said to be so.
    """
    is_left = f"CASE WHEN {_is_left(connection)} THEN e.said END"
    known: dict[bytes, str] = {}
    others: set[str] = set()
    with closing(stream(connection, ["e.name", is_left], _OWNED, [source])) as records:
        for name, said in records:
            digest = digest_of(said)
            if digest and name not in unusual:
                known[digest] = name
            else:
                others.add(name)
    if not known:
        return None
    odd = fetch(
        connection,
        f"SELECT 0, id FROM {PERIODIC_TASK.name} t WHERE NOT EXISTS (SELECT 1 FROM {INVENTORY.name} e WHERE e.row_id = t.id)"
        f" UNION ALL SELECT 1, row_id FROM {INVENTORY.name} GROUP BY row_id HAVING COUNT(*) > 1",
    )
    unowned = frozenset(key for is_twice, key in odd if not is_twice)
    # A row that is owned twice is a matter for a close look, and whose it is only all entries tell.
    return Told(known, frozenset(others), unowned) if len(unowned) == len(odd) else None


def count(connection: BaseDatabaseWrapper, source: str) -> tuple[int, int]:
    """Return how many entries of `source` know what a sync left, and of how many that is so."""
    sql = (
        f"SELECT COUNT(*), COALESCE(SUM(CASE WHEN {_is_left(connection)} THEN 1 ELSE 0 END), 0)"
        f" {_OWNED} AND e.as_left <> ''"
    )
    with _in_parallel(connection):
        ((known, left),) = fetch(connection, sql, [source])
    return int(known), int(left)


@contextmanager
def _in_parallel(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Have PostgreSQL use several processes: it takes rows that were just inserted for few, and would use one."""
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(using=connection.alias):
        execute(connection, "SET LOCAL parallel_setup_cost = 0")
        yield


def digest_of(text: str | None) -> bytes:
    """Return the digest that a column says; none where a hand wrote something else there."""
    try:
        return bytes.fromhex(text or "")
    except ValueError:
        return b""


def _is_left(connection: BaseDatabaseWrapper) -> str:
    """Return the SQL of whether an entry and what it is of are as a sync left them."""
    # MySQL's digest is a text of the session's, which no column in another character set is compared with.
    left = "CONVERT(e.as_left USING utf8mb4)" if connection.vendor == "mysql" else "e.as_left"
    return f"e.as_left <> '' AND {left} = {_digest(connection)}"


def _digest(connection: BaseDatabaseWrapper) -> str:
    """Return the SQL of a digest in hexadecimal, in a statement that has parameters."""
    columns = [*_columns(connection)]
    if connection.vendor == "postgresql":
        text = f"concat_ws(chr(31), {', '.join(columns)})"
        return f"left(encode(sha256(convert_to({text}, 'UTF8')), 'hex'), {2 * LENGTH})"
    if connection.vendor == "mysql":
        text = ", ".join(f"CONVERT({column} USING utf8mb4)" for column in columns)
        return f"LEFT(SHA2(CONCAT_WS(CHAR(31 USING utf8mb4), {text}), 256), {2 * LENGTH})"
    # Of its ways to put texts together this one is the quickest by far, and ends each at a NUL: what holds one is no row of ours.
    # Nor is a BLOB, which it takes for a text; every one of them, and no other value, is greater than any text.
    text = f"printf('{chr(31).join(['%%s'] * len(columns))}', {', '.join(columns)})"
    is_other = " OR ".join(f"instr({column}, char(0)) OR {column} >= x''" for column in _words(connection))
    return f"CASE WHEN {is_other} THEN NULL ELSE substr(SHA256({text}), 1, {2 * LENGTH}) END"


def _columns(connection: BaseDatabaseWrapper) -> Iterator[str]:
    """Yield all columns as texts that are never NULL, in the order in which `beatsync.plan.digest` has them."""
    keys = [f"{kind}_id" for kind in SCHEDULES]
    is_there = [f"CASE WHEN t.{key} IS NULL THEN '0' ELSE '1' END" for key in keys]
    which = (
        f"CONCAT({', '.join(is_there)})"
        if connection.vendor == "mysql"
        else " || ".join(f"({one})" for one in is_there)
    )
    for name, kind in PERIODIC_TASK.columns.items():
        if name == keys[0]:
            yield which
        if name not in {*keys, *_BEATS_OWN}:
            yield _text(connection, "t", name, kind)
    for alias, table in _JOINED.items():
        for name, kind in table.columns.items():
            if name not in _OF_OURS:
                yield _text(connection, alias, name, kind)


def _words(connection: BaseDatabaseWrapper) -> Iterator[str]:
    """Yield the columns of which a text is taken as it stands; elsewhere `quote` makes one that is no number's."""
    for alias, table in (("t", PERIODIC_TASK), *_JOINED.items()):
        for name, kind in table.columns.items():
            if name not in {*_BEATS_OWN, *_OF_OURS} and kind not in {Kind.INTEGER, Kind.FLAG}:
                yield f"{alias}.{connection.ops.quote_name(name)}"


def _text(connection: BaseDatabaseWrapper, alias: str, name: str, kind: Kind) -> str:
    """Return the SQL of one column as text."""
    column = f"{alias}.{connection.ops.quote_name(name)}"
    if kind is Kind.TEXT:
        return column if connection.vendor == "sqlite" else f"COALESCE({column}, '')"
    if kind is Kind.MOMENT:
        return f"COALESCE({_moment(connection, column)}, '{NULL}')"
    if connection.vendor == "postgresql":
        return f"COALESCE({column}{'::int' if kind is Kind.FLAG else ''}::text, '{NULL}')"
    if connection.vendor == "mysql":
        return f"COALESCE({column}, '{NULL}')"
    if kind is Kind.DEGREES:
        # It keeps whatever it is given, also a word in place of a number, and that is none to `printf` but 0.
        return f"CASE typeof({column}) WHEN 'null' THEN '{NULL}' WHEN 'text' THEN {column} ELSE printf('%%.6f', {column}) END"
    return f"quote({column})"


def _moment(connection: BaseDatabaseWrapper, column: str) -> str:
    """Return the SQL of a moment in UTC to the microsecond; a wall clock of another zone is said to be one."""
    if connection.vendor == "postgresql":
        return f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
    zone = str(times.zone_of(connection))
    parts: Sequence[str] = [column]
    if connection.vendor == "sqlite":
        parts = [f"CASE WHEN length({column}) = 19 THEN {column} || '.000000' ELSE {column} END"]
    if zone != "UTC":
        parts = [*parts, f"' {zone}'"]
    if len(parts) == 1:
        return parts[0]
    return f"CONCAT({', '.join(parts)})" if connection.vendor == "mysql" else " || ".join(f"({part})" for part in parts)
