"""Whether a row is the one that an inventory entry was written for.

A key alone proves nothing: a sequence is restarted, a table is restored, `loaddata` writes rows under the keys in its file.
"""

from __future__ import annotations

from beatsync.plan.collation import collation_key
from beatsync.plan.compare import compare
from beatsync.plan.inventory import applied_fields
from beatsync.plan.observed import NameRule, Owned, Row


def is_row_of(entry: Owned, row: Row, rule: NameRule) -> bool:
    """Return whether `row`, which has the key of `entry`, also has its name, or the values last applied (an operator renamed it)."""
    if row.name == entry.name or collation_key(row.name, rule) == collation_key(entry.name, rule):
        return True
    return has_applied_values(entry, row)


def has_applied_values(entry: Owned, row: Row) -> bool:
    """Return whether `row` holds what was last applied, apart from its name, `enabled` and the fields that a sync leaves alone."""
    applied = applied_fields(entry.applied)
    if applied is None or applied["task"] != row.spec.task:
        return False
    return all(change.field == "name" for change in compare(applied, row.spec.fields(), applied, entry.free_fields))
