"""desired × observed × inventory → plan."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace
from operator import attrgetter

from beatsync.plan.enforce import Finding, enforce
from beatsync.plan.guard import guard, is_removal, warnings
from beatsync.plan.match import Leaving, Matcher
from beatsync.plan.model import Blocked, Mark, Plan
from beatsync.plan.observed import Observed, Owned, Row
from beatsync.plan.prune import bury, freeze, goes, is_let_go, pass_on, prune
from beatsync.plan.request import Request
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
    leaving = _leaving(valid, undeclared, observed, desired.invalid_paths) if undeclared else Leaving()
    matcher = Matcher(observed, request.options, names, leaving)
    open_ = matcher.unsettled(valid)
    findings, blocked, matched = _enforced(open_, matcher, request, desired.invalid_paths)
    unchanged = sum(finding.change is None and finding.diagnostic is None for finding in findings.values())
    unchanged += len(valid) - len(open_) + len(desired.known)

    spoken_for = {entry.name for entry, _ in matched if entry}.union(*(reason.names for reason in blocked))
    taken = {row.row_id for _, row in matched if row}
    for name in sorted(undeclared - spoken_for):
        entry = observed.inventory[name]
        row = matcher.owned_row(entry)
        if row is not None and row.row_id in taken:
            findings[name] = pass_on(entry, row)
        else:
            findings[name] = prune(entry, row, frozen=bool(desired.invalid_paths))

    back = (row for row in matcher.brought_back() if row.row_id not in taken)
    buried = [bury(row) for row in back if row.name not in names and row.name not in spoken_for]
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
) -> Leaving:
    """Return which entries end, and how."""
    renamed = frozenset(
        one.policy.renamed_from
        for one in valid
        if one.policy.renamed_from is not None and one.spec.name not in observed.inventory
    )
    if invalid:
        return Leaving(renamed)
    entries = {name: observed.inventory[name] for name in undeclared}
    deleted = frozenset(name for name, entry in entries.items() if goes(entry))
    return Leaving(renamed, deleted, frozenset(name for name, entry in entries.items() if is_let_go(entry)))


def _enforced(
    declared: tuple[Declared, ...], matcher: Matcher, request: Request, invalid: frozenset[str]
) -> tuple[dict[str, Finding], list[Blocked], list[tuple[Owned | None, Row | None]]]:
    """Return what is found of each schedule, what is blocked, and the entries and rows that are spoken for so."""
    findings: dict[str, Finding] = {}
    blocked: list[Blocked] = []
    matched: list[tuple[Owned | None, Row | None]] = []
    for schedule in declared:
        match = matcher.match(schedule)
        if isinstance(match, Blocked):
            blocked.append(match)
            continue
        holder = matcher.holder(schedule.spec.name)
        # The broken file declared it last and may declare it still: which of the two is meant cannot be told.
        if holder is not None and holder.path in invalid:
            entry, row = holder, matcher.owned_row(holder)
        elif match.entry is not None and match.entry.path in invalid:
            entry, row = match.entry, match.row
        else:
            entry, row = None, None
        if entry is not None and row is not None:
            findings[entry.name] = freeze(entry, row)
            continue
        findings[schedule.spec.name] = enforce(match, request.options, request.now)
        matched.append((match.entry, match.row))
    return findings, blocked, matched
