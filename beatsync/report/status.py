"""How each source stands: when it was last synced, what drifted since, and what a sync leaves as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from beatsync.plan.drift import RowState
from beatsync.plan.jsonform import FORMAT_VERSION, revision_json, suspension_json
from beatsync.plan.mask import masked_fields
from beatsync.plan.model import Condition
from beatsync.plan.observed import Suspension
from beatsync.report.fields import WIDEST, changed
from beatsync.report.paint import Paint, clean, counted, json_text, plain
from beatsync.report.plan import revision_text, some
from beatsync.values import Revision


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One source with the state of every row that it owns."""

    name: str
    origin: str | None
    revision: Revision | None
    environment: str | None
    synced_at: datetime | None
    outcome: str
    """`applied`, `blocked`, `failed` or `invalid`; empty before the first sync."""
    message: str
    rows: Sequence[RowState]
    suspension: Suspension | None = None
    """Only where it is not over."""
    leader: str | None = None
    """The daemon that leads it, if one does."""
    authors: Mapping[int, str] = field(default_factory=dict)
    """Who last changed a row, in words, by its id, where that is known."""

    @property
    def drifted(self) -> list[RowState]:
        """The rows that somebody changed."""
        return [row for row in self.rows if row.drift]

    @property
    def missing(self) -> list[RowState]:
        """The rows that somebody deleted."""
        return [row for row in self.rows if row.missing]


def json_report(sources: Sequence[SourceStatus]) -> str:
    """Return the JSON of `schemas/status.schema.json`."""
    report = {"format_version": FORMAT_VERSION, "sources": [_source_json(source) for source in sources]}
    return json_text(report)


def _source_json(source: SourceStatus) -> dict[str, Any]:
    revision = source.revision
    return {
        "name": source.name,
        "origin": source.origin,
        "revision": revision_json(revision) if revision else None,
        "environment": source.environment,
        "synced_at": source.synced_at.isoformat() if source.synced_at else None,
        "outcome": source.outcome or None,
        "message": source.message or None,
        "leader": source.leader,
        "suspended": suspension_json(source.suspension) if source.suspension else None,
        "schedules": len(source.rows),
        "drifted": [_drift_json(row, source.authors) for row in source.drifted],
        "missing": [row.name for row in source.missing],
        "conditions": [
            {"name": row.name, "condition": condition.value} for row in source.rows for condition in row.conditions
        ],
    }


def _drift_json(row: RowState, authors: Mapping[int, str]) -> dict[str, Any]:
    fields = masked_fields(row.drift, row.sensitive)
    return {
        "name": row.name,
        "path": row.path,
        "author": authors.get(row.row_id),
        "fields": [{"field": f.field, "observed": f.before, "applied": f.after} for f in fields],
    }


def text_report(sources: Sequence[SourceStatus], paint: Paint = plain) -> str:
    """Return the status of all sources for a terminal."""
    if not sources:
        return "Nothing was synced into this database yet."
    return "\n\n".join("\n".join(_source(source, paint)) for source in sources)


def _source(source: SourceStatus, paint: Paint) -> Iterator[str]:
    outcome = clean(source.outcome) or "never synced"
    yield f"{paint(clean(source.name), 'name')}: {paint(outcome, 'good' if source.outcome == 'applied' else 'error')}"
    if source.suspension:
        yield f"  {paint(clean(str(source.suspension)), 'warning')}"
    if source.message:
        yield f"  {clean(source.message)}"
    if source.synced_at:
        yield f"  last success  {source.synced_at:%Y-%m-%d %H:%M:%S} UTC"
    if source.revision:
        yield f"  revision      {clean(revision_text(source.revision))}"
    if source.environment:
        yield f"  environment   {clean(source.environment)}"
    if source.origin:
        yield f"  files         {clean(source.origin)}"
    if source.leader:
        yield f"  led by        {clean(source.leader)}"
    yield f"  owns          {counted(len(source.rows), 'schedule')}"
    yield from _rows(source, paint)


def _rows(source: SourceStatus, paint: Paint) -> Iterator[str]:
    for row in source.drifted:
        yield f"  {paint('drifted', 'warning')}: {clean(row.name)}{_author(row, source)}"
        lines = [*changed(masked_fields(row.drift, row.sensitive))]
        width = min(max(len(one.label) for one in lines), WIDEST)
        yield from (f"      {label:<{width}}  {before} (applied: {after})" for label, before, after, _ in lines)
    for row in source.missing:
        yield f"  {paint('deleted by somebody', 'warning')}: {clean(row.name)}{_author(row, source)}"
    for condition in Condition:
        names = [clean(row.name) for row in source.rows if condition in row.conditions]
        if names:
            yield f"  {condition.value}: {some(names)}"


def _author(row: RowState, source: SourceStatus) -> str:
    said = source.authors.get(row.row_id)
    return f" (last {clean(said)})" if said else ""
