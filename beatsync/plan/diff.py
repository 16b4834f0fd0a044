"""Desired × observed × inventory → plan, in four steps."""

from __future__ import annotations

from beatsync.plan.assemble import assemble
from beatsync.plan.enforce import enforce_matches
from beatsync.plan.match import match_schedules
from beatsync.plan.model import Plan
from beatsync.plan.observed import Observed
from beatsync.plan.prune import prune_leftovers
from beatsync.plan.request import Request
from beatsync.values import Desired


def make_plan(desired: Desired, observed: Observed, request: Request) -> Plan:
    """Return what a sync would do. The guards have not been asked yet: see `beatsync.plan.guard`.

    `observed` holds the rows and entries in scope, and `desired.unchanged` the names that the files outside the scope declare;
    the plan is the same for a narrower scope. The schedules of the files in `desired.invalid_paths` are left out, and what
    those files last declared is frozen; whether a sync may proceed without them is the caller's decision.
    """
    matches = match_schedules(desired, observed, request.options)
    enforced = enforce_matches(matches.matched, request.options, request.now)
    pruned = prune_leftovers(matches, isolated=bool(desired.invalid_paths))
    return assemble(desired, observed, request, matches, enforced, pruned)
