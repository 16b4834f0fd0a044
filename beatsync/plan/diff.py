"""Desired × observed × inventory → plan, in four steps: match, enforce, prune, and put the decisions in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter

from beatsync.plan.enforce import enforce_all
from beatsync.plan.groups import count_unchanged, groups_of, with_partly_paused
from beatsync.plan.match import match_schedules
from beatsync.plan.model import Decision, Plan
from beatsync.plan.observed import Observed
from beatsync.plan.pauses import followed_pauses, notes_of_pauses
from beatsync.plan.prune import prune_leftovers
from beatsync.plan.request import Request
from beatsync.values import Desired, Diagnostic


def make_plan(desired: Desired, observed: Observed, request: Request) -> Plan:
    """Return what a sync would do. The guards have not run yet: see `beatsync.plan.guard`.

    `observed` holds the rows and entries in scope, and `desired.unchanged` the names that the files outside the scope declare;
    the plan is the same for a narrower scope. The schedules of the files in `desired.invalid_paths` are skipped, and what
    those files last declared is frozen; whether a sync may proceed without them is the caller's decision. Frozen schedules
    and unchanged names count as unchanged.
    """
    matches = match_schedules(desired, observed, request)
    enforced = enforce_all(matches.matched, request)
    pruned = prune_leftovers(matches, isolated=bool(desired.invalid_paths))
    decisions = with_partly_paused([*enforced, *pruned])
    changes = (decision.change for decision in decisions)
    records = (decision.record for decision in decisions)
    return Plan(
        source=request.source,
        revision=request.revision,
        environment=desired.environment,
        timezone=desired.timezone,
        origin=request.origin,
        changes=tuple(sorted(filter(None, changes), key=attrgetter("name", "action"))),
        records=tuple(sorted(filter(None, records), key=attrgetter("name"))),
        unchanged=count_unchanged(enforced, pruned, (entry for entry, _ in matches.frozen), desired),
        conditions=tuple(sorted((decision.name, decision.condition) for decision in decisions if decision.condition)),
        notes=notes_of_pauses(decisions, observed),
        pauses=followed_pauses(decisions, observed),
        groups=groups_of(decisions, {*matches.continued.values()}),
        blocked=matches.blocked,
        diagnostics=(*desired.diagnostics, *_diagnostics(enforced)),
        acknowledged=desired.acknowledged,
        key=observed.plan_key,
        suspension=observed.suspension if observed.suspension and observed.suspension.holds(request.now) else None,
    )


def _diagnostics(decisions: Iterable[Decision]) -> Iterator[Diagnostic]:
    for decision in decisions:
        yield from filter(None, (decision.diagnostic, decision.warning))
