"""The plans of small worlds, one for each way in which files, entries and rows can disagree.

The golden file shows each plan with its texts: what blocks it, its diagnostics, changes, records and conditions.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from beatsync.plan.model import Change, Plan, Record
from beatsync.plan.observed import Claim, NameRule, Observed, Owned, Row, Suspension, Tombstone
from beatsync.plan.request import Request
from beatsync.values import Clocked, Crontab, Declared, Desired, Diagnostic, Location, OnRemove, Policy, Severity
from tests import golden
from tests.builders import NOW, REVISION, declared, desired, guarded, observed, owned, request, row

SOON, GONE = NOW + timedelta(days=1), NOW - timedelta(days=1)
A, B, C = declared("a"), declared("b", task="t.b"), declared("c", task="t.c")
NOON = Crontab("0", "12", "*", "*", "*", "Europe/Berlin")
BROKEN = (Diagnostic(Severity.ERROR, "yaml-syntax", "broken", Location("b.yaml", 1, 1)),)
PROTECTED = Policy(protect=True)
World = tuple[Desired, Observed] | tuple[Desired, Observed, Request]


def new(renamed_from: str, name: str = "new", **policy: Any) -> Declared:
    return declared(name, policy=Policy(renamed_from=renamed_from, **policy))


def having(*rows: Row, entries: tuple[Owned, ...] = (), **fields: Any) -> Observed:
    return observed(*rows, inventory=entries, **fields)


def removed(on_remove: OnRemove, **policy: Any) -> Declared:
    return declared("gone", policy=Policy(on_remove=on_remove, sensitive=("kwargs.token",), **policy), path="old.yaml")


def sources() -> Iterator[tuple[str, World]]:
    theirs = {"a": Claim("billing", 1, "b.yaml")}
    yield "a suspended source", (desired(), having(suspension=Suspension("ann", "the move", since=GONE, until=SOON)))
    yield "files from elsewhere", (desired(), having(origin="git@old"), request(origin="git@new"))
    yield "no schedule in the files", (desired(), having(row(B, 2), row(A), entries=(owned(B, 2), owned(A))))
    five = [declared(f"s{number}") for number in range(5)]
    current = having(*map(row, five, range(5)), entries=tuple(map(owned, five, range(5))))
    yield "too many removals", (desired(A), current)
    for last, now in ((None, "staging"), ("production", None)):
        files = desired(environment=now)
        yield f"environment {now} after {last}", (files, having(environment=last, revision=REVISION))
    yield "a saved plan that is out of date", (desired(A), having(), request(approved="0" * 64))
    yield "another source owns the name", (desired(A), having(row(A), owners=theirs))
    yield "a source that was deleted by hand owned it", (desired(A), having(owners={"a": Claim(None, 1, "b.yaml")}))
    claims = {"x": Claim("billing", 1, "b.yaml")}
    yield "another source owns the row of the name", (desired(A), having(row(A), owners=claims), request(adopt=True))
    yield "another source owns what is renamed", (desired(new("a")), having(row(A), owners=theirs))
    yield "beat_schedule has the name", (desired(A), having(beat_schedule=frozenset({"a"})))


def names() -> Iterator[tuple[str, World]]:
    ci, upper = NameRule.CASE_INSENSITIVE, declared("A", policy=PROTECTED)
    yield "three spellings", (desired(A), having(row(upper), row(declared("a "), 2), name_rule=ci))
    yield "another source has a spelling", (desired(A), having(owners={"A": Claim("x", 3, "x.yaml")}, name_rule=ci))
    renamed = having(row(upper, name="x"), entries=(owned(upper),), name_rule=ci)
    yield "only an entry has a spelling", (desired(A), renamed)
    current = having(row(upper, name="a", queue="x"), entries=(owned(upper),), name_rule=ci)
    yield "the row was respelled as the file was", (desired(A), current)
    for old, spelling in (("é", "e"), ("e", "é")):
        current = having(
            row(declared(spelling, queue="x")), entries=(owned(declared(old)),), name_rule=NameRule.LETTERS
        )
        yield f"the row of {old} was respelled to {spelling}", (desired(declared(old)), current)
    kept = declared("A", policy=Policy(on_remove=OnRemove.KEEP))
    current = having(row(kept, name="x"), entries=(owned(kept),), name_rule=ci)
    yield "the row of a kept spelling was renamed", (desired(A), current)
    current = having(row(declared("A")), entries=(owned(declared("A")),), name_rule=ci)
    yield "an invalid file may declare a spelling", (desired(A, diagnostics=BROKEN), current)
    yield "three rows of a name", (desired(A, B), having(row(A), duplicates={"a": (1, 2, 3)}))
    yield "two rows of a name that is renamed", (desired(new("a")), having(row(A), duplicates={"a": (1, 2)}))
    yield "two rows of a name that is not declared", (desired(B), having(row(A), duplicates={"a": (1, 2)}))
    current = having(row(B, name="a"), entries=(owned(B),), duplicates={"a": (1, 2)})
    yield "an owned row was renamed to a name of two rows", (desired(B), current)


def rows() -> Iterator[tuple[str, World]]:
    ignoring = declared("a", policy=Policy(ignore=("queue",)))
    yield "an unowned row has the name", (desired(A), having(row(A)))
    yield "the row was renamed", (desired(A), having(row(A, name="x"), entries=(owned(A),)))
    current = having(row(A, name="x"), row(A, 2), entries=(owned(A),))
    yield "the row was renamed and its name taken", (desired(A), current)
    current = having(row(ignoring, name="x", queue="q"), entries=(owned(ignoring),))
    yield "the row was renamed and drifts in an ignored field", (desired(ignoring), current)
    yield "the row is gone", (desired(A), having(entries=(owned(A),)))
    yield "the row of a protected entry is gone", (desired(A), having(entries=(owned(A, policy=PROTECTED),)))
    yield "another row has its key", (desired(A), having(row(B), entries=(owned(A),)))
    other = having(row(A, 42, task="other"), entries=(owned(A),))
    yield "a row with other values has its name", (desired(A), other)
    yield "a row with other values has its name and is adopted", (desired(A), other, request(adopt=True))
    same = having(row(A, 42, last_run_at=GONE), entries=(owned(A),))
    yield "a row with the same values has its name", (desired(A), same)
    current = having(row(B, 2, name="a"), entries=(owned(A), owned(B, 2)))
    yield "the row of another schedule was renamed to it", (desired(A), current)
    swapped = having(row(A, 1, name="b"), row(B, 2, name="a"), entries=(owned(A, 1), owned(B, 2)))
    yield "two rows exchanged their names", (desired(A, B), swapped)
    yield "a row got the name of a new schedule", (desired(A, C), having(row(A, name="c"), entries=(owned(A),)))
    current = having(row(A, name="c"), entries=(owned(A),))
    yield "a row got the name of a new schedule, and its own is renamed", (desired(new("a"), C), current)
    yield "renamed in the admin and in the files", (desired(A), having(row(B, name="a"), entries=(owned(B),)))
    yield "beat restored a row that is declared again", (desired(A), having(row(A), tombstones=(Tombstone("a", 1),)))
    yield "beat restored a row that was deleted", (desired(), having(row(A), tombstones=(Tombstone("a", 1),)))


def claims() -> Iterator[tuple[str, World]]:
    """Two entries with one key and the same values; the second loses."""
    y, z = declared("y", policy=PROTECTED), declared("z")
    yield "of two declared entries, one has the name", (desired(A, y), having(row(A), entries=(owned(A), owned(y))))
    yield "one entry is declared, one has the name", (desired(A), having(row(z), entries=(owned(A), owned(z))))
    yield "one entry is protected, one has the name", (desired(B), having(row(z), entries=(owned(y), owned(z))))
    yield "one entry has the name", (desired(B), having(row(A), entries=(owned(A), owned(z))))


def renames() -> Iterator[tuple[str, World]]:
    mine = (owned(A),)
    current = having(row(A), entries=(owned(A, policy=PROTECTED),))
    yield "a rename", (desired(new("a", protect=None)), current)
    yield "a rename of a renamed row", (desired(new("a")), having(row(A, name="x"), entries=mine))
    yield "a rename to a name that exists", (desired(new("a")), having(row(A), row(declared("new"), 2), entries=mine))
    yield "a rename of an unowned row", (desired(new("a")), having(row(A)))
    yield "a rename that adopts", (desired(new("a")), having(row(A)), request(adopt=True))
    yield "a rename from a schedule that is declared", (desired(A, new("a")), having(row(A), entries=mine))
    yield "a rename of a row that was replaced", (desired(new("a")), having(row(A, 42, task="x"), entries=mine))
    yield "a rename of a row that was restored", (desired(new("a")), having(row(A, 42), entries=mine))
    current = having(row(B, name="x"), entries=(owned(B),))
    yield "a rename from the name that an owned row got", (desired(new("x")), current)


def removals() -> Iterator[tuple[str, World]]:
    for on_remove in OnRemove:
        gone = removed(on_remove)
        for what, present, entry in (
            ("", row(gone), owned(gone)),
            (", renamed", row(gone, name="x"), owned(gone)),
            (", disabled", row(gone, enabled=False), owned(gone)),
            (", frozen before", row(gone), owned(gone, frozen=True, retired=on_remove is OnRemove.DISABLE)),
            (", frozen before and protected", row(gone), owned(gone, frozen=True, policy=PROTECTED)),
            (", protected", row(gone), owned(gone, policy=PROTECTED)),
            (", missing", row(C, 9), owned(gone)),
            (", retired", row(gone, enabled=False), owned(gone, retired=True)),
            (", damaged and renamed", row(gone, name="x"), owned(gone, applied="{")),
            (", damaged", row(gone), owned(gone, applied="{", damage=("ignore",), entry_id=5)),
            (", damaged and missing", row(C, 9), owned(gone, applied="{")),
        ):
            yield f"{on_remove.value}{what}", (desired(A), having(present, row(A, 2), entries=(entry, owned(A, 2))))
    gone = removed(OnRemove.DELETE)
    for what, entry in (
        ("the entry of an invalid file", owned(gone)),
        ("the retired entry of an invalid file", owned(gone, retired=True)),
        ("the damaged entry of an invalid file", owned(gone, damage=("ignore",))),
        ("the frozen entry of an invalid file", owned(gone, frozen=True)),
    ):
        yield what, (desired(diagnostics=BROKEN), having(row(gone), entries=(entry,)))
    current = having(row(A), entries=(owned(A, path="b.yaml"),))
    yield "a valid file declares what an invalid one declared", (desired(A, diagnostics=BROKEN), current)
    current = having(row(B, name="a"), entries=(owned(B, path="b.yaml"),))
    yield "a valid file declares the name that the row of an invalid one got", (desired(A, diagnostics=BROKEN), current)
    yield "valid files declare both names of the row of an invalid one", (desired(A, B, diagnostics=BROKEN), current)
    current = having(row(B, 2, name="a"), entries=(owned(A), owned(B, 2, damage=("ignore",))))
    yield "the damaged entry of a renamed row that another schedule has", (desired(A), current)
    current = having(row(A, enabled=False), entries=(owned(A, applied="{"),))
    yield "damaged values of a disabled row", (desired(A), current)
    reordered = '{"task":"shop.tasks.bill","name":"a","interval":"1h"}'
    current = having(row(A), entries=(owned(A, applied=reordered),))
    yield "values in another order", (desired(A), current)
    yield "values in another order, and protected", (desired(declared("a", policy=PROTECTED)), current)
    current = having(row(A), entries=(owned(A, damage=("path",), entry_id=7),))
    yield "a damaged entry that is declared", (desired(A), current)


def lost() -> Iterator[tuple[str, World]]:
    for count, gone in ((1, 1), (2, 2), (2, 1), (4, 3), (5, 4), (20, 6), (20, 7)):
        schedules = [declared(f"s{number:02}") for number in range(count)]
        entries = tuple(owned(schedule, number) for number, schedule in enumerate(schedules))
        present = [row(schedule, number) for number, schedule in enumerate(schedules) if number >= gone]
        yield f"{gone} of {count} rows are gone", (desired(*schedules), having(*present, entries=entries))
    for count in (3, 4):
        schedules = [declared(f"s{number}") for number in range(5)]
        entries = tuple(owned(schedule, number) for number, schedule in enumerate(schedules))
        strangers = [row(declared(f"x{number}", task="x"), number) for number in range(count)]
        replaced = desired(*schedules[1:]), having(*strangers, entries=entries)
        yield f"{count} of 5 rows were replaced", replaced
        yield f"{count} of 5 rows were replaced, with adopt", (*replaced, request(adopt=True))
        reviewed = request(approved=guarded(*replaced).checksum)
        yield f"{count} of 5 rows were replaced, as reviewed", (*replaced, reviewed)


def times() -> Iterator[tuple[str, World]]:
    for what, at in (("that has passed", GONE), ("that is now", NOW), ("to come", SOON)):
        clocked = declared(schedule=Clocked(at), one_off=True)
        expiring = declared(expires=at)
        mine = having(entries=(owned(clocked),))
        yield f"a new time {what}", (desired(clocked), having())
        yield f"a new time {what}, with catch-up", (desired(clocked), having(), request(catch_up=True))
        yield f"a missing row with a time {what}", (desired(clocked), mine)
        yield f"a new expiry {what}", (desired(expiring), having())
        yield f"a missing row with an expiry {what}", (desired(expiring), having(entries=(owned(expiring),)))
        disabled = having(row(expiring, enabled=False), entries=(owned(expiring),))
        yield f"a disabled row with an expiry {what}", (desired(expiring), disabled)
    plain, once = declared(), declared(one_off=True)
    ran = having(row(plain, total_run_count=3), entries=(owned(plain),))
    yield "a row that ran becomes a one-off", (desired(once), ran)
    yield "a new one-off", (desired(once), having())
    yield "a row that never ran becomes a one-off", (desired(once), having(row(plain), entries=(owned(plain),)))
    drifted = row(plain, queue="x", total_run_count=3, one_off=True)
    yield "a row that ran drifts", (desired(once), having(drifted, entries=(owned(once),)))
    yield from completed()
    overdue, other = (declared(schedule=Clocked(GONE), one_off=True, queue=queue) for queue in (None, "q"))
    current = having(row(overdue), entries=(owned(overdue),))
    yield "another queue for a time that has passed", (desired(other), current)
    starting = declared(schedule=NOON, start_time=SOON)
    earlier = declared(schedule=NOON, start_time=NOW + timedelta(hours=1))
    waits = row(starting, last_run_at=SOON)
    yield "an earlier start", (desired(earlier), having(waits, entries=(owned(starting),)))
    other = declared(schedule=NOON._replace(hour="13"), start_time=SOON)
    yield "another crontab before the start", (desired(other), having(waits, entries=(owned(starting),)))
    queued = declared(schedule=NOON, start_time=SOON, queue="q")
    waits = row(starting, last_run_at=SOON + timedelta(days=1))
    yield "another queue before the start", (desired(queued), having(waits, entries=(owned(starting),)))
    noon = declared(schedule=NOON)
    late = having(row(noon, last_run_at=NOW - timedelta(minutes=90)), entries=(owned(noon),))
    yield "a schedule that would be due at once", (desired(declared()), late)
    yield "a schedule that would be due at once, with catch-up", (desired(declared()), late, request(catch_up=True))
    paused = having(row(plain, enabled=False), entries=(owned(plain),))
    yield "a paused row", (desired(declared(queue="q")), paused)


def completed() -> Iterator[tuple[str, World]]:
    expired, once = declared(expires=GONE - timedelta(days=1), enabled=True), declared(one_off=True, enabled=True)
    for what, schedule in (("row past its expiry", expired), ("one-off", once)):
        current = having(row(schedule, enabled=False, expires=GONE), entries=(owned(schedule),))
        yield f"a completed {what} whose expiry drifts", (desired(schedule), current)
    on, off = (declared(expires=GONE, enabled=enabled) for enabled in (True, False))
    yield "the files disable an expired row", (desired(off), having(row(off), entries=(owned(on),)))
    current = having(row(declared(), one_off=True, enabled=False), entries=(owned(declared()),))
    yield "a disabled row that became a one-off by hand", (desired(declared()), current)
    was_off = declared(one_off=True, enabled=False)
    yield "the files enable a one-off again", (desired(once), having(row(was_off), entries=(owned(was_off),)))


def test_each_plan_is_that_of_the_golden_file() -> None:
    texts = [
        "\n".join((f"# {name}", *_reasons(plan), *(() if group is lost else _decisions(plan)), ""))
        for group in (sources, names, rows, claims, renames, removals, lost, times)
        for name, world in group()
        for plan in [guarded(*world)]
    ]
    golden.compare(golden.DATA / "plans" / "worlds.txt", "\n".join(texts))


def _reasons(plan: Plan) -> Iterator[str]:
    for blocked in plan.blocked:
        yield f"blocked {blocked.code} {list(blocked.names)}: {blocked.message}\n  hint: {blocked.hint}"
    for diagnostic in plan.diagnostics:
        yield f"{diagnostic.severity.value} {diagnostic.code} at {diagnostic.location}: {diagnostic.message}"
        yield f"  hint: {diagnostic.hint}"


def _decisions(plan: Plan) -> Iterator[str]:
    for change in plan.changes:
        yield from _change(change)
    for record in plan.records:
        yield _record(record)
    for name, condition in plan.conditions:
        yield f"{name}: {condition.value}"
    yield f"unchanged: {plan.unchanged}"


def _change(change: Change) -> Iterator[str]:
    yield f"{change.action.value} {change.name} because of {change.cause.value}, row {change.row_id}, note: {change.note}"
    for field in change.fields:
        yield f"  {field.field}: {field.before!r} -> {field.after!r} ({field.cause.value})"
    enabled = change.target.enabled if change.target else None
    rest: dict[str, object] = {
        "at": change.location,
        "enabled": enabled,
        "schedule": change.schedule_id,
        "kind": change.schedule_kind,
        "last_run_at": change.last_run_at,
        "fires": change.fires_at_once or None,
        "masks": change.sensitive or None,
    }
    if shown := [f"{name} {value}" for name, value in rest.items() if value is not None]:
        yield f"  {', '.join(shown)}"


def _record(record: Record) -> str:
    policy = record.policy
    treatment = f"{policy.on_remove.value}, protect {policy.protect}, masks {list(policy.sensitive)}"
    state = f"retired {record.retired}, frozen {record.frozen}, was {record.previous_name}"
    return f"record {record.name} of row {record.row_id} from {record.path}: {record.applied}\n  {treatment}, {state}"
