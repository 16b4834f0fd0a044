"""The records of a source's files: fingerprint, facts, and the digests of the rows that the last sync verified."""

# ruff: noqa: S608  names are constants of `beatsync.store.tables`, values are parameters

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from itertools import starmap
from types import MappingProxyType

from beatsync.fingerprint import FileChanges, FileRecord
from beatsync.plan.model import Change
from beatsync.specfile.facts import facts_from_json, facts_to_json
from beatsync.store import kept
from beatsync.store.dialects import Dialect
from beatsync.store.fingerprints import digest_sql
from beatsync.store.rows import SCHEDULE_JOINS, SpecReader, spec_columns
from beatsync.store.statements import MAX_IDS, Value, name_lists
from beatsync.store.tables import FILE_RECORD, INVENTORY, PERIODIC_TASK, SOURCE
from beatsync.values import Diagnostic, FileFacts, TaskSpec

_CHECKSUM_LENGTH = 32
"""Hex characters before the facts, by which facts that were edited by hand are recognised."""


def read(db: Dialect, source: str, path: str | None = None) -> dict[str, FileRecord]:
    """Return the records of a source, or that of one path, by path. One that cannot be decoded has no fingerprint, so its file is parsed."""
    where, parameters = ("", []) if path is None else (" AND f.path_digest = %s", [_path_digest(path)])
    rows = db.fetch(
        f"SELECT f.path, f.fingerprint, f.facts, f.row_digests FROM {FILE_RECORD.name} f"
        f" JOIN {SOURCE.name} s ON s.id = f.source_id WHERE s.name = %s{where}",
        [source, *parameters],
    )
    return {path: _decoded(path, *texts) for path, *texts in rows}


def warnings(db: Dialect) -> dict[str, list[Diagnostic]]:
    """Return the warnings in the records of all files, by source."""
    sql = f"SELECT s.name, f.path, f.facts FROM {FILE_RECORD.name} f JOIN {SOURCE.name} s ON s.id = f.source_id ORDER BY f.path"
    by_source: dict[str, list[Diagnostic]] = {}
    for source, path, facts in db.fetch(sql):
        by_source.setdefault(source, []).extend(_decoded(path, "", facts, "{}").facts.warnings)
    return by_source


def _decoded(path: str, fingerprint: str, facts: str, row_digests: str) -> FileRecord:
    text = facts[_CHECKSUM_LENGTH:]
    with suppress(ValueError, RecursionError):
        digests = json.loads(row_digests)
        is_valid = isinstance(digests, dict) and all(isinstance(digest, str) for digest in digests.values())
        # A name that is missing from the facts would look like a schedule that left the files.
        if is_valid and facts == _checksum(text) + text:
            return FileRecord(fingerprint, facts_from_json(path, text), digests)
    return FileRecord("", FileFacts(path))  # written by hand or by another release


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_CHECKSUM_LENGTH]


def write(
    db: Dialect, source_id: int, changes: FileChanges, written: Mapping[str, Change] = MappingProxyType({})
) -> dict[str, FileRecord]:
    """Write `changes` and return the records as written: with the digests of the rows that are as expected.

    `written` are changes whose rows were written, by name. Raises StoreError if a row does not have what was written to it.
    """
    digests = _verified_digests(db, source_id, changes.expected, written) if changes.expected or written else {}
    records = {path: _with_digests(record, digests) for path, record in changes.records.items()}
    paths = {*records, *changes.removed}
    # By path too, in case the digest was edited by hand.
    for column, keys in (("path_digest", map(_path_digest, paths)), ("path", paths)):
        for where, values in name_lists(column, keys):
            db.execute(f"DELETE FROM {FILE_RECORD.name} WHERE source_id = %s AND {where}", [source_id, *values])
    if records:
        db.insert(FILE_RECORD, tuple(FILE_RECORD.columns), starmap(partial(_row, source_id), records.items()))
    return records


def _row(source_id: int, path: str, record: FileRecord) -> tuple[Value, ...]:
    """Return the columns of a record, in the table's order."""
    facts, row_digests = facts_to_json(record.facts), json.dumps(dict(record.row_digests))
    return source_id, path, _path_digest(path), record.fingerprint, _checksum(facts) + facts, row_digests


def _with_digests(record: FileRecord, digests: Mapping[str, str]) -> FileRecord:
    row_digests = {name: digests[name] for name in record.facts.row_names if name in digests}
    return replace(record, row_digests=row_digests)


def _path_digest(path: str) -> str:
    """Return the value of the unique column for a path: MySQL cannot index a text of any length."""
    return hashlib.sha256(path.encode(errors="surrogatepass")).hexdigest()


def _verified_digests(
    db: Dialect, source_id: int, expected: Mapping[str, TaskSpec], written: Mapping[str, Change]
) -> dict[str, str]:
    """Return the server's digest of each row that has the expected values, by name. Raises StoreError, see `write`.

    Row and digest are read by one statement, so the digest is of the values that were compared.
    """
    digests: dict[str, str] = {}
    columns = [digest_sql(db), *spec_columns(db)]
    reader = SpecReader(db.zone)
    altered: list[tuple[Change, TaskSpec]] = []
    tables = f"{INVENTORY.name} e JOIN {PERIODIC_TASK.name} t ON t.id = e.row_id {SCHEDULE_JOINS}"
    unread = dict(written)
    for where, parameters in _conditions(source_id, {*expected, *written}):
        with closing(db.stream(columns, f"FROM {tables} WHERE {where}", parameters)) as records:
            for digest, name, *values in records:
                spec, change, record = expected.get(name), unread.pop(name, None), (name, *values)
                if spec is not None and reader.has_spec(record, spec):
                    if digest is not None:
                        digests[spec.name] = digest
                elif change is not None:
                    # Not `expected`: that has values too that this sync did not write, and another process may have.
                    altered.append((change, reader.spec(record)))
    for change, spec in altered:
        kept.check(db, change, spec)
    kept.check_unread(db, unread)
    return digests


def _conditions(source_id: int, names: Collection[str]) -> Iterator[tuple[str, list[str | int]]]:
    """Yield the conditions of the queries for entries of these names: of all entries of the source if the names are many."""
    if len(names) > MAX_IDS:
        yield "e.source_id = %s", [source_id]
        return
    for where, values in name_lists("e.name", names):
        yield f"+e.source_id = %s AND {where}", [source_id, *values]
