"""What the inventory records of a schedule: the values that were last applied, and how the row is treated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final

from beatsync.plan.model import Record
from beatsync.plan.observed import Owned, Row
from beatsync.values import Declared, FieldValue, Policy, TaskSpec

Fields = Mapping[str, FieldValue]
"""The values of a row in the form of `TaskSpec.fields()`; `enabled` is None if the file leaves it to the operator."""

_DEFAULTS: Final = TaskSpec(name="", task="", schedule=None).fields() | {"enabled": None}
_encode = json.JSONEncoder().encode


def applied_text(declared: Declared) -> str:
    """Return the flat fields of `declared` as JSON without those at their defaults; `enabled` only if the file sets it."""
    fields = declared.spec.fields()
    if not declared.enabled_declared:
        del fields["enabled"]
    members = [f'"{name}":{_encode(value)}' for name, value in fields.items() if value != _DEFAULTS.get(name)]
    return f"{{{','.join(members)}}}"


def applied_fields(text: str) -> Fields:
    """Return the flat fields that `applied_text` encoded, with the defaults that it left out."""
    return {**_DEFAULTS, **json.loads(text)}


def new_record(declared: Declared, entry: Owned | None, row: Row | None) -> Record:
    """Return the inventory entry for a declared schedule; `entry` is the present one, `row` the existing row."""
    protect = declared.policy.protect
    if protect is None:
        protect = entry is not None and bool(entry.policy.protect)
    return Record(
        name=declared.spec.name,
        row_id=row.row_id if row else None,
        applied=applied_text(declared),
        policy=_recorded_policy(declared.policy, protect=protect),
        path=declared.location.path,
        previous_name=entry.name if entry and entry.name != declared.spec.name else None,
    )


def record_if_changed(declared: Declared, entry: Owned | None, row: Row) -> Record | None:
    """Return the inventory entry for a declared schedule; None if `entry` already holds the same.

    The values are compared decoded if the texts differ: an earlier release wrote the keys in another order.
    """
    record = new_record(declared, entry, row)
    if entry is None:
        return record
    if record.applied != entry.applied and applied_fields(record.applied) == applied_fields(entry.applied):
        record = record._replace(applied=entry.applied)
    present = Record(
        entry.name, entry.row_id, entry.applied, entry.policy, entry.path, retired=entry.retired, frozen=entry.frozen
    )
    return record if record != present else None


@lru_cache(maxsize=4096)
def _recorded_policy(policy: Policy, *, protect: bool) -> Policy:
    """Return a policy as the inventory holds it: `protect` is decided, and a rename is over."""
    return replace(policy, protect=protect, renamed_from=None)
