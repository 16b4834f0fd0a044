"""The field `enabled`, which belongs to the operator unless the file sets it, and which beat itself clears."""

from __future__ import annotations

from datetime import datetime

from beatsync.plan.compare import completed, rearmed
from beatsync.plan.inventory import Fields
from beatsync.plan.matches import Match
from beatsync.plan.model import Cause, Condition, FieldChange
from beatsync.plan.observed import Row
from beatsync.values import Declared


def compare_enabled(
    match: Match, row: Row, last: Fields | None, fields: tuple[FieldChange, ...], now: datetime
) -> tuple[FieldChange | None, Condition | None]:
    """Return the change of `enabled`, or why a disabled row stays as it is.

    `last` are the values last applied; `fields` are the other fields that will be written.
    """
    declared = match.declared
    want = _wanted(match, last)
    # A finished one-off that becomes a crontab has completed as what it was.
    one_off = declared.spec.one_off or bool(last and last.get("one_off"))
    if completed(row, now, one_off=one_off):
        if _enabled_again(declared, last):
            want = declared.spec.enabled
        elif _stays_completed(declared, fields, row, now):
            return None, Condition.COMPLETED
    if want is None:
        return None, None if row.spec.enabled else Condition.PAUSED
    if want is row.spec.enabled:
        return None, None
    cause = Cause.DRIFT if last is not None and last.get("enabled") is want else Cause.SPEC
    if cause is Cause.DRIFT and "enabled" in declared.policy.ignore:
        return None, None
    return FieldChange("enabled", row.spec.enabled, want, cause), None


def _wanted(match: Match, last: Fields | None) -> bool | None:
    """Return the value that the row shall have; None if it belongs to the operator."""
    if match.declared.enabled_declared:
        return match.declared.spec.enabled
    if match.entry is None or last is None:
        return None
    # A value that the file set and no longer sets falls back to the default, as with `kubectl apply`.
    return True if match.entry.retired or last.get("enabled") is False else None


def _stays_completed(declared: Declared, fields: tuple[FieldChange, ...], row: Row, now: datetime) -> bool:
    """Return whether a completed row still is one after `fields` are written, which may restore a drifted `expires`."""
    if not any(field.field == "expires" for field in fields):
        return True
    after = row._replace(spec=row.spec._replace(expires=declared.spec.expires))
    return completed(after, now, one_off=declared.spec.one_off)


def _enabled_again(declared: Declared, last: Fields | None) -> bool:
    """Return whether the file has changed in a way that enables a completed row again; adopting a row never does."""
    if last is None:
        return False
    return rearmed(declared.spec.fields(), last) or (declared.enabled_declared and last.get("enabled") is False)
