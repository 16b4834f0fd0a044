"""What the inventory records of a schedule: the values that were last applied, and how the row is treated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final

from beatsync.plan.model import Record
from beatsync.plan.observed import Owned, Row
from beatsync.values import DEFAULT_FIELDS, SCHEDULE_FIELDS, Declared, FieldValue, Policy

Fields = Mapping[str, FieldValue]
"""The values of a row in the form of `TaskSpec.fields()`; `enabled` is None if the file leaves it to the operator."""

_DEFAULTS: Final[Fields] = {**DEFAULT_FIELDS, "enabled": None}
_SCALARS: Final = (str, int, float)
_encode = json.JSONEncoder().encode


def applied_text(declared: Declared) -> str:
    """Return the flat fields of `declared` as JSON without those at their defaults; `enabled` only if the file sets it."""
    fields = declared.spec.fields()
    if not declared.enabled_declared:
        del fields["enabled"]
    members = [f'"{name}":{_encode(value)}' for name, value in fields.items() if value != _DEFAULTS.get(name)]
    return f"{{{','.join(members)}}}"


def applied_fields(text: str) -> Fields | None:
    """Return the flat fields that `applied_text` encoded, with the defaults that it left out; None if the text is damaged."""
    try:
        fields = json.loads(text)
        if isinstance(fields, dict) and all(value is None or isinstance(value, _SCALARS) for value in fields.values()):
            "".join(map(str, fields.values())).encode()  # raises ValueError for half of a surrogate pair
            return {**_DEFAULTS, **fields}
    except (ValueError, RecursionError):
        pass
    return None


def damaged_columns(entry: Owned) -> tuple[str, ...]:
    """Return the columns of an entry that BeatSync did not write, but SQL or a broken restore."""
    return (*entry.damage, *(() if applied_fields(entry.applied) is not None else ("applied",)))


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
        group=declared.group,
        operator_fields=_kept_by_operator(declared, entry) if row is not None and entry is not None else (),
    )


def _kept_by_operator(declared: Declared, entry: Owned) -> tuple[str, ...]:
    """Return the fields that stay with the operator: the file has not changed their values since they were applied."""
    last = applied_fields(entry.applied) if entry.operator_fields else None
    if last is None:
        return ()
    want = {**declared.spec.fields(), **({} if declared.enabled_declared else {"enabled": None})}
    changed = {name for name in {*want, *last} if want.get(name) != last.get(name)}
    if not changed.isdisjoint(SCHEDULE_FIELDS):
        changed.update(SCHEDULE_FIELDS)  # one value, as in `beatsync.plan.compare`
    return tuple(name for name in entry.operator_fields if name not in changed)


def record_if_changed(declared: Declared, entry: Owned | None, row: Row) -> Record | None:
    """Return the inventory entry for a declared schedule; None if `entry` already holds the same and is not damaged.

    The values are compared decoded if the texts differ: an earlier release wrote the keys in another order.
    """
    record = new_record(declared, entry, row)
    if entry is None:
        return record
    if record.applied != entry.applied and applied_fields(record.applied) == applied_fields(entry.applied):
        record = record._replace(applied=entry.applied)
    present = Record(
        entry.name,
        entry.row_id,
        entry.applied,
        entry.policy,
        entry.path,
        retired=entry.retired,
        frozen=entry.frozen,
        group=entry.group,
        operator_fields=entry.operator_fields,
    )
    return record if record != present or entry.damage else None


@lru_cache(maxsize=4096)
def _recorded_policy(policy: Policy, *, protect: bool) -> Policy:
    """Return a policy as the inventory holds it: `protect` is decided, a rename and an adoption are over."""
    return replace(policy, protect=protect, renamed_from=None, adopt=False)
