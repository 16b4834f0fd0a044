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
    unchanged = sum(decision.change is None and decision.diagnostic is None for decision in enforced)
    suspension = observed.suspension
    return Plan(
        source=request.source,
        revision=request.revision,
        environment=desired.environment,
        origin=request.origin,
        changes=tuple(sorted((d.change for d in decisions if d.change), key=attrgetter("name", "action"))),
        records=tuple(sorted((d.record for d in decisions if d.record), key=attrgetter("name"))),
        unchanged=unchanged + len(matches.frozen) + len(desired.unchanged),
        conditions=tuple(sorted((d.name, d.condition) for d in decisions if d.condition)),
        blocked=matches.blocked,
        diagnostics=(*desired.diagnostics, *(d.diagnostic for d in decisions if d.diagnostic)),
        suspension=suspension if suspension is not None and suspension.holds(request.now) else None,
    )
