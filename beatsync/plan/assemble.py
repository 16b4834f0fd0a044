"""Step 4 of a plan: put the decisions together in order."""

from __future__ import annotations

from operator import attrgetter

from beatsync.plan.matches import Matches
from beatsync.plan.model import Decision, Plan
from beatsync.plan.observed import Observed
from beatsync.plan.request import Request
from beatsync.values import Desired


def assemble(
    desired: Desired,
    observed: Observed,
    request: Request,
    matches: Matches,
    enforced: tuple[Decision, ...],
    pruned: tuple[Decision, ...],
) -> Plan:
    """Return the plan that carries out the decisions. Frozen schedules and unchanged names count as unchanged."""
    decisions = (*enforced, *pruned)
    changes = (decision.change for decision in decisions)
    records = (decision.record for decision in decisions)
    errors = (decision.diagnostic for decision in decisions)
    unchanged = sum(decision.change is None and decision.diagnostic is None for decision in enforced)
    return Plan(
        source=request.source,
        revision=request.revision,
        environment=desired.environment,
        origin=request.origin,
        changes=tuple(sorted(filter(None, changes), key=attrgetter("name", "action"))),
        records=tuple(sorted(filter(None, records), key=attrgetter("name"))),
        unchanged=unchanged + len(matches.frozen) + len(desired.unchanged),
        conditions=tuple(sorted((decision.name, decision.condition) for decision in decisions if decision.condition)),
        blocked=matches.blocked,
        diagnostics=(*desired.diagnostics, *filter(None, errors)),
        suspension=observed.suspension if observed.suspension and observed.suspension.holds(request.now) else None,
    )
