"""desired × observed × inventory → plan."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace
from operator import attrgetter

from beatsync.plan.enforce import Finding, enforce
from beatsync.plan.guard import guard, is_removal, warnings
from beatsync.plan.match import Matcher
from beatsync.plan.model import Blocked, Mark, Observed, Plan, Request
from beatsync.plan.prune import bury, freeze, goes, prune
from beatsync.values import Declared, Desired

_NAME, _NAME_AND_ACTION = attrgetter("name"), attrgetter("name", "action")


def make_plan(desired: Desired, observed: Observed, request: Request) -> Plan:
    """Return what the sync that is asked for would do; where `blocked` or an error is in it, it may not be done.

    Those of `observed.settled` need no look. The files of `desired.invalid_paths` are left out and what they last declared is
    frozen: whether a sync may go on without them is the caller's to decide (`PlanOptions.isolate`). Raises ValueError where
    something of `desired.known` is not settled: what it declares is not here to be compared.
    """
    valid = desired.valid
    if not observed.settled.issuperset(desired.known.values()):
        raise ValueError("what is known by its text alone has to be settled")
    names = observed.settled.union(declared.spec.name for declared in valid)
    undeclared = observed.inventory.keys() - names
    matcher = Matcher(observed, request.options, names, _leaving(valid, undeclared, observed, desired.invalid_paths))
    open_ = matcher.unsettled(valid)
    findings, blocked = _enforced(open_, matcher, request, desired.invalid_paths)
    unchanged = sum(finding.change is None and finding.diagnostic is None for finding in findings.values())
    unchanged += len(valid) - len(open_) + len(desired.known)

    spoken_for = _renamed(findings).union(*(reason.names for reason in blocked))
    for name in sorted(undeclared - spoken_for):
        entry = observed.inventory[name]
        findings[name] = prune(entry, matcher.owned_row(entry), frozen=bool(desired.invalid_paths))

    buried = [bury(row) for row in matcher.brought_back() if row.name not in names and row.name not in spoken_for]
    changes = [finding.change for finding in findings.values() if finding.change]
    plan = Plan(
        source=request.source,
        revision=request.revision,
        environment=desired.environment,
        origin=request.origin,
        changes=tuple(sorted((*changes, *buried), key=_NAME_AND_ACTION)),
        records=tuple(sorted((f.record for f in findings.values() if f.record), key=_NAME)),
        unchanged=unchanged,
        conditions=tuple(sorted((name, f.condition) for name, f in findings.items() if f.condition)),
        diagnostics=(
            *desired.diagnostics,
            *(f.diagnostic for f in findings.values() if f.diagnostic),
            *warnings(desired, observed),
        ),
        suspension=observed.suspension if observed.suspension and observed.suspension.holds(request.now) else None,
        marks=tuple(_marks(valid, observed, {name for name, f in findings.items() if f.record})),
    )
    removals = [finding.change for finding in findings.values() if finding.change and is_removal(finding.change)]
    removals.sort(key=lambda change: change.name)
    # Only a saved plan is held to what it was, and making the checksum of a large one takes its time.
    guards = guard(desired, observed, request, removals, checksum=plan.checksum if request.options.approved else "")
    return replace(plan, blocked=(*blocked, *guards))


def _marks(valid: tuple[Declared, ...], observed: Observed, recorded: AbstractSet[str]) -> Iterator[Mark]:
    """Yield the digests that entries lack which are not written anyway."""
    for declared in valid if observed.inventory else ():
        entry = observed.inventory.get(declared[0][0])
        if (
            entry is not None
            and declared.said
            and (declared.said, declared.left) != (entry.said, entry.left)
            and entry.name not in recorded
        ):
            yield Mark(entry.row_id, declared.said, declared.left)


def _leaving(
    valid: tuple[Declared, ...], undeclared: AbstractSet[str], observed: Observed, invalid: frozenset[str]
) -> frozenset[str]:
    """Return the names that no row will have any more after the sync."""
    renamed = {declared.policy.renamed_from for declared in valid} if undeclared else set()
    return frozenset(name for name in undeclared if name in renamed or (not invalid and goes(observed.inventory[name])))


def _enforced(
    declared: tuple[Declared, ...], matcher: Matcher, request: Request, invalid: frozenset[str]
) -> tuple[dict[str, Finding], list[Blocked]]:
    findings: dict[str, Finding] = {}
    blocked: list[Blocked] = []
    for schedule in declared:
        match = matcher.match(schedule)
        if isinstance(match, Blocked):
            blocked.append(match)
        elif match.entry is not None and match.row is not None and match.entry.path in invalid:
            # The broken file declared it last and may declare it still: which of the two is meant cannot be told.
            findings[match.entry.name] = freeze(match.entry, match.row)
        else:
            findings[schedule.spec.name] = enforce(match, request.options, request.now)
    return findings, blocked


def _renamed(findings: dict[str, Finding]) -> set[str]:
    """Return the old names of entries that go over into new ones, and so are not pruned."""
    records = (finding.record for finding in findings.values())
    return {record.previous_name for record in records if record and record.previous_name}
