"""Whether spec, row and inventory say the same, found without making anything of the three: for all but a few schedules they do."""

from __future__ import annotations

from beatsync.plan.compare import applied_text
from beatsync.plan.observed import Owned, Row
from beatsync.values import Declared, Policy


def is_settled(declared: Declared, entry: Owned, row: Row) -> bool:
    """Whether nothing is to be done about a schedule; a row whose JSON is spelled otherwise is not found to be so here."""
    spec, location, policy, *_ = declared
    name, row_id, applied, known, path, retired, frozen, *_ = entry
    return (
        row.found == spec
        and name == spec[0]
        and row_id == row.row_id
        and path == location[0]
        and not retired
        and not frozen
        and _is_remembered(policy, known)
        and applied == (declared[5] or applied_text(declared))
    )


def _is_remembered(policy: Policy, known: Policy) -> bool:
    """Whether the inventory keeps of a policy what it would be told anew (`remembered`)."""
    return (
        policy.on_remove is known.on_remove
        and policy.ignore == known.ignore
        and policy.sensitive == known.sensitive
        and (policy.protect is None or policy.protect is known.protect)
    )
