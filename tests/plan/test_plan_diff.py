from __future__ import annotations

from datetime import timedelta

import pytest

from beatsync.plan.diff import make_plan
from beatsync.plan.model import Action, Cause, Condition
from beatsync.plan.observed import Claim, NameRule, Tombstone
from beatsync.specfile import cronfield, crontab
from beatsync.values import Clocked, Crontab, Declared, Diagnostic, Location, OnRemove, Policy, Severity
from tests.builders import HOURLY, NOW, declared, desired, observed, owned, request, row

NOON_BERLIN = Crontab("0", "12", "*", "*", "*", "Europe/Berlin")


def test_a_schedule_without_a_row_is_created_with_its_values() -> None:
    plan = make_plan(desired(declared(queue="billing")), observed(), request())
    (change,) = plan.changes
    assert (change.action, change.name, change.cause) == (Action.CREATE, "nightly", Cause.SPEC)
    assert {f.field: f.after for f in change.fields} == {
        "task": "shop.tasks.bill",
        "interval": "1h",
        "queue": "billing",
    }
    assert plan.records[0].row_id is None
    assert plan.unchanged == 0


def test_a_row_that_equals_the_file_is_unchanged_and_nothing_is_written() -> None:
    schedule = declared(kwargs='{"a": 1}')
    plan = make_plan(desired(schedule), observed(row(schedule), inventory=(owned(schedule),)), request())
    assert (plan.changes, plan.records, plan.unchanged) == ((), (), 1)


def test_each_field_has_the_cause_spec_or_drift() -> None:
    before = declared(queue="slow", priority=3)
    after = declared(queue="fast", priority=3)
    current = observed(row(before, priority=9), inventory=(owned(before),))
    (change,) = make_plan(desired(after), current, request()).changes
    assert [(f.field, f.before, f.after, f.cause) for f in change.fields] == [
        ("queue", "slow", "fast", Cause.SPEC),
        ("priority", 9, 3, Cause.DRIFT),
    ]
    assert change.cause is Cause.BOTH


def test_a_change_of_drifted_fields_only_has_the_cause_drift() -> None:
    schedule = declared()
    (change,) = make_plan(
        desired(schedule), observed(row(schedule, task="other"), inventory=(owned(schedule),)), request()
    ).changes
    assert (change.action, change.cause) == (Action.UPDATE, Cause.DRIFT)


def test_a_crontab_that_the_installed_celery_reads_differently_is_never_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    schedule = declared(schedule=NOON_BERLIN)
    unmoved = observed(row(schedule), inventory=(owned(schedule),))
    moved = observed(row(schedule, schedule=HOURLY), inventory=(owned(schedule),))
    monkeypatch.setattr(crontab, "misread", crontab.misread.__wrapped__)
    monkeypatch.setattr(cronfield, "celery_reads", lambda name, text: frozenset(cronfield.members(name, text)) - {12})
    assert not make_plan(desired(schedule), unmoved, request()).diagnostics
    for current in (observed(), moved):
        plan = make_plan(desired(schedule), current, request())
        (diagnostic,) = plan.diagnostics
        assert (diagnostic.code, diagnostic.severity, diagnostic.location) == (
            "crontab-celery",
            Severity.ERROR,
            schedule.location,
        )
        assert diagnostic.message.startswith("hour: this version of celery does not read '12'")
        assert not plan.changes


def test_a_crontab_and_its_timezone_are_two_fields_of_one_schedule() -> None:
    before, after = declared(schedule=NOON_BERLIN), declared(schedule=NOON_BERLIN._replace(timezone="UTC"))
    (change,) = make_plan(desired(after), observed(row(before), inventory=(owned(before),)), request()).changes
    assert [(f.field, f.before, f.after) for f in change.fields] == [("timezone", "Europe/Berlin", "UTC")]


def test_another_kind_of_schedule_shows_both_kinds() -> None:
    before, after = declared(), declared(schedule=NOON_BERLIN)
    (change,) = make_plan(desired(after), observed(row(before), inventory=(owned(before),)), request()).changes
    assert [(f.field, f.before, f.after) for f in change.fields] == [
        ("interval", "1h", None),
        ("crontab", None, "0 12 * * *"),
        ("timezone", None, "Europe/Berlin"),
    ]


class TestEnabled:
    def test_if_left_out_a_pause_by_hand_stays_and_is_shown(self) -> None:
        schedule = declared()
        plan = make_plan(
            desired(schedule), observed(row(schedule, enabled=False), inventory=(owned(schedule),)), request()
        )
        assert plan.changes == ()
        assert plan.conditions == (("nightly", Condition.PAUSED),)
        assert plan.unchanged == 1

    @pytest.mark.parametrize("switch", [True, False])
    def test_if_declared_it_is_enforced(self, switch: bool) -> None:
        schedule = declared(enabled=switch)
        current = observed(row(schedule, enabled=not switch), inventory=(owned(schedule),))
        (change,) = make_plan(desired(schedule), current, request()).changes
        assert [(f.field, f.after, f.cause) for f in change.fields] == [("enabled", switch, Cause.DRIFT)]

    def test_a_value_that_the_file_no_longer_sets_falls_back_to_enabled(self) -> None:
        off, left_out = declared(enabled=False), declared()
        (change,) = make_plan(desired(left_out), observed(row(off), inventory=(owned(off),)), request()).changes
        assert [(f.field, f.after, f.cause) for f in change.fields] == [("enabled", True, Cause.SPEC)]

    def test_an_update_of_another_field_does_not_end_a_pause(self) -> None:
        before, after = declared(), declared(queue="fast")
        current = observed(row(before, enabled=False), inventory=(owned(before),))
        (change,) = make_plan(desired(after), current, request()).changes
        assert [f.field for f in change.fields] == ["queue"]
        assert change.target is not None
        assert change.target.enabled is False


class TestIgnore:
    policy = Policy(ignore=("queue", "crontab"))

    def test_drift_in_an_ignored_field_is_left_alone(self) -> None:
        schedule = declared(queue="a", policy=self.policy)
        plan = make_plan(desired(schedule), observed(row(schedule, queue="b"), inventory=(owned(schedule),)), request())
        assert plan.changes == ()

    def test_a_change_in_the_file_is_written_to_an_ignored_field(self) -> None:
        before, after = declared(queue="a", policy=self.policy), declared(queue="c", policy=self.policy)
        (change,) = make_plan(
            desired(after), observed(row(before, queue="b"), inventory=(owned(before),)), request()
        ).changes
        assert [(f.field, f.before, f.after) for f in change.fields] == [("queue", "b", "c")]

    def test_a_schedule_is_ignored_as_a_whole(self) -> None:
        schedule = declared(schedule=NOON_BERLIN, policy=self.policy)
        drifted = row(schedule, schedule=NOON_BERLIN._replace(hour="3", timezone="UTC"))
        assert make_plan(desired(schedule), observed(drifted, inventory=(owned(schedule),)), request()).changes == ()


class TestCompleted:
    soon = NOW + timedelta(days=1)
    gone = NOW - timedelta(days=1)

    def test_a_one_off_that_beat_disabled_is_completed(self) -> None:
        schedule = declared(schedule=Clocked(self.gone), one_off=True, enabled=True)
        plan = make_plan(
            desired(schedule), observed(row(schedule, enabled=False), inventory=(owned(schedule),)), request()
        )
        assert plan.changes == ()
        assert plan.conditions == (("nightly", Condition.COMPLETED),)

    def test_a_row_past_its_expiry_is_completed(self) -> None:
        schedule = declared(expires=self.gone, enabled=True)
        plan = make_plan(
            desired(schedule), observed(row(schedule, enabled=False), inventory=(owned(schedule),)), request()
        )
        assert plan.conditions == (("nightly", Condition.COMPLETED),)

    def test_new_arguments_do_not_run_a_completed_row_again(self) -> None:
        before = declared(schedule=Clocked(self.gone), one_off=True)
        after = declared(schedule=Clocked(self.gone), one_off=True, kwargs='{"a": 1}')
        current = observed(row(before, enabled=False), inventory=(owned(before),))
        (change,) = make_plan(desired(after), current, request()).changes
        assert [f.field for f in change.fields] == ["kwargs"]

    def test_a_new_time_enables_a_completed_row_again(self) -> None:
        before = declared(schedule=Clocked(self.gone), one_off=True)
        after = declared(schedule=Clocked(self.soon), one_off=True)
        current = observed(row(before, enabled=False), inventory=(owned(before),))
        (change,) = make_plan(desired(after), current, request()).changes
        assert [(f.field, f.after) for f in change.fields] == [("clocked", self.soon.isoformat()), ("enabled", True)]

    def test_a_later_expiry_enables_a_completed_row_again(self) -> None:
        before, after = declared(expires=self.gone), declared(expires=self.soon)
        current = observed(row(before, enabled=False), inventory=(owned(before),))
        (change,) = make_plan(desired(after), current, request()).changes
        assert [f.field for f in change.fields] == ["expires", "enabled"]

    def test_a_new_clocked_time_that_has_passed_is_skipped(self) -> None:
        schedule = declared(schedule=Clocked(self.gone), one_off=True)
        plan = make_plan(desired(schedule, declared("other")), observed(), request())
        assert [(d.code, d.severity) for d in plan.diagnostics] == [("clocked-past", Severity.WARNING)]
        assert [change.name for change in plan.changes] == ["other"]

    def test_a_clocked_time_moved_into_the_past_leaves_the_row_unchanged(self) -> None:
        before, after = (declared(schedule=Clocked(at), one_off=True) for at in (self.soon, self.gone))
        current = observed(row(before), inventory=(owned(before),))
        plan = make_plan(desired(after), current, request())
        assert ([d.code for d in plan.diagnostics], plan.changes, plan.records) == (["clocked-past"], (), ())

    @pytest.mark.parametrize("catch_up", [False, True])
    def test_a_new_schedule_past_its_expiry_is_refused(self, *, catch_up: bool) -> None:
        plan = make_plan(desired(declared(expires=self.gone)), observed(), request(catch_up=catch_up))
        assert [(d.code, d.severity) for d in plan.diagnostics] == [("expires-past", Severity.ERROR)]
        assert plan.changes == ()

    def test_an_expiry_that_has_passed_is_refused_where_the_file_enables_the_row_again(self) -> None:
        before, after = declared(expires=self.gone), declared(expires=self.gone, schedule=NOON_BERLIN)
        current = observed(row(before, enabled=False), inventory=(owned(before),))
        plan = make_plan(desired(after), current, request())
        assert ([d.code for d in plan.diagnostics], plan.changes) == (["expires-past"], ())

    def test_an_expiry_that_has_passed_stops_a_running_row(self) -> None:
        before, after = declared(), declared(expires=self.gone)
        (change,) = make_plan(desired(after), observed(row(before), inventory=(owned(before),)), request()).changes
        assert [f.field for f in change.fields] == ["expires"]

    def test_a_disabled_schedule_may_have_expired(self) -> None:
        plan = make_plan(desired(declared(expires=self.gone, enabled=False)), observed(), request())
        assert ([c.action for c in plan.changes], plan.diagnostics) == ([Action.CREATE], ())

    def test_an_expired_row_that_was_deleted_is_not_created_again(self) -> None:
        schedule = declared(expires=self.gone)
        plan = make_plan(desired(schedule), observed(inventory=(owned(schedule),)), request())
        assert (plan.changes, plan.diagnostics) == ((), ())
        assert plan.conditions == (("nightly", Condition.COMPLETED),)

    def test_catch_up_runs_it_and_the_change_shows_it(self) -> None:
        schedule = declared(schedule=Clocked(self.gone), one_off=True)
        (change,) = make_plan(desired(schedule), observed(), request(catch_up=True)).changes
        assert change.fires_at_once

    def test_a_completed_one_off_that_becomes_a_crontab_is_enabled(self) -> None:
        before = declared(schedule=Clocked(self.gone), one_off=True)
        current = observed(row(before, enabled=False), inventory=(owned(before),))
        (change,) = make_plan(desired(declared(schedule=NOON_BERLIN)), current, request()).changes
        assert {f.field: f.after for f in change.fields}["enabled"] is True

    @pytest.mark.parametrize("enabled", [True, None])
    def test_a_drifted_expiry_is_restored_in_one_sync(self, enabled: bool | None) -> None:
        schedule = declared(enabled=True) if enabled else declared()
        drifted = row(schedule, enabled=False, expires=self.gone)
        plan = make_plan(desired(schedule), observed(drifted, inventory=(owned(schedule),)), request())
        (change,) = plan.changes
        assert [f.field for f in change.fields] == (["expires", "enabled"] if enabled else ["expires"])
        assert change.target is not None
        healed = row(schedule, enabled=change.target.enabled)
        assert make_plan(desired(schedule), observed(healed, inventory=(owned(schedule),)), request()).changes == ()

    def test_a_completed_row_that_was_deleted_is_not_created_again(self) -> None:
        schedule = declared(schedule=Clocked(self.gone), one_off=True)
        plan = make_plan(desired(schedule), observed(inventory=(owned(schedule),)), request())
        assert (plan.changes, plan.diagnostics) == ((), ())
        assert plan.conditions == (("nightly", Condition.COMPLETED),)


class TestOwnership:
    def test_an_unowned_row_of_the_name_blocks_and_the_hint_names_adopt(self) -> None:
        schedule = declared()
        plan = make_plan(desired(schedule), observed(row(schedule)), request())
        assert [(b.code, b.names) for b in plan.blocked] == [("conflict", ("nightly",))]
        assert "--adopt" in (plan.blocked[0].hint or "")
        assert plan.changes == ()

    def test_a_spec_can_adopt_its_own_name_only(self) -> None:
        mine = declared(policy=Policy(adopt=True))
        other = declared("other")
        plan = make_plan(desired(mine, other), observed(row(mine, 1), row(other, 2)), request())
        assert [(change.action, change.name) for change in plan.changes] == [(Action.ADOPT, "nightly")]
        assert [blocked.names for blocked in plan.blocked] == [("other",)]
        assert [record.policy.adopt for record in plan.records] == [False]
        owned_now = observed(row(mine), inventory=(owned(declared()),))
        assert make_plan(desired(mine), owned_now, request()).does_something is False

    def test_adopt_takes_the_row_over_with_the_fields_that_differ(self) -> None:
        schedule = declared()
        plan = make_plan(desired(schedule), observed(row(schedule, queue="x", enabled=False)), request(adopt=True))
        (change,) = plan.changes
        assert change.action is Action.ADOPT
        assert [(f.field, f.cause) for f in change.fields] == [("queue", Cause.SPEC)]
        assert plan.records[0].row_id == 1

    def test_a_row_of_another_source_is_never_touched(self) -> None:
        schedule = declared()
        plan = make_plan(
            desired(schedule),
            observed(row(schedule), owners={"nightly": Claim("billing", 1, "b.yaml")}),
            request(adopt=True),
        )
        assert [b.code for b in plan.blocked] == ["owned-elsewhere"]
        assert "billing" in plan.blocked[0].message
        assert plan.changes == ()

    def test_both_files_that_declare_a_name_are_named(self) -> None:
        schedule = declared()
        current = observed(row(schedule), owners={"nightly": Claim("billing", 1, "theirs/b.yaml")})
        (blocked,) = make_plan(desired(schedule), current, request()).blocked
        assert "a.yaml:3:3" in blocked.message
        assert "theirs/b.yaml" in blocked.message

    @pytest.mark.parametrize("renamed_from", [None, "theirs"])
    def test_a_renamed_row_of_another_source_is_still_owned_by_it(self, renamed_from: str | None) -> None:
        claim = {"theirs": Claim("billing", 7, "b.yaml")}
        schedule = declared(policy=Policy(renamed_from=renamed_from))
        plan = make_plan(desired(schedule), observed(row(declared(), 7), owners=claim), request(adopt=True))
        assert ([b.code for b in plan.blocked], plan.changes) == (["owned-elsewhere"], ())

    def test_a_deleted_row_that_another_source_owns_now_is_not_deleted_again(self) -> None:
        back = row(declared("back"), 8)
        current = observed(back, tombstones=(Tombstone("back", 8),), owners={"back": Claim("billing", 8, "b.yaml")})
        assert make_plan(desired(), current, request()).changes == ()

    def test_a_name_in_beat_schedule_blocks(self) -> None:
        plan = make_plan(desired(declared()), observed(beat_schedule=frozenset({"nightly"})), request())
        assert [b.code for b in plan.blocked] == ["beat-schedule"]

    @pytest.mark.parametrize(
        ("other", "rules"),
        [
            ("NIGHTLY", [NameRule.CASE_INSENSITIVE, NameRule.LETTERS]),
            ("nightly  ", [NameRule.CASE_INSENSITIVE, NameRule.LETTERS]),
            ("nìghtlý", [NameRule.LETTERS]),
            ("night-ly", []),
        ],
    )
    def test_names_that_the_collation_takes_for_one_collide(self, other: str, rules: list[NameRule]) -> None:
        stranger = row(declared(other), 7)
        for rule in NameRule:
            plan = make_plan(desired(declared()), observed(stranger, name_rule=rule), request())
            assert [b.code for b in plan.blocked] == (["name-collision"] if rule in rules else [])

    @pytest.mark.parametrize(
        "policy", [Policy(protect=True), Policy(on_remove=OnRemove.DISABLE), Policy(on_remove=OnRemove.KEEP)]
    )
    def test_another_spelling_of_a_name_whose_row_stays_is_a_collision(self, policy: Policy) -> None:
        old, new = declared("Nightly", policy=policy), declared("nightly")
        current = observed(row(old), inventory=(owned(old),), name_rule=NameRule.CASE_INSENSITIVE)
        assert [b.code for b in make_plan(desired(new), current, request()).blocked] == ["name-collision"]

    def test_a_row_may_be_renamed_to_another_spelling(self) -> None:
        old, new = (
            declared("Nightly", policy=Policy(protect=True)),
            declared("nightly", policy=Policy(renamed_from="Nightly")),
        )
        current = observed(row(old), inventory=(owned(old),), name_rule=NameRule.LETTERS)
        (change,) = make_plan(desired(new), current, request()).changes
        assert [(f.field, f.after) for f in change.fields] == [("name", "nightly")]

    def test_another_spelling_may_replace_a_name_that_the_plan_deletes(self) -> None:
        old, new = declared("Nightly"), declared("nightly")
        current = observed(row(old), inventory=(owned(old),), name_rule=NameRule.CASE_INSENSITIVE)
        plan = make_plan(desired(new), current, request())
        assert plan.blocked == ()
        assert [(c.name, c.action) for c in plan.changes] == [("Nightly", Action.DELETE), ("nightly", Action.CREATE)]

    def test_unowned_rows_are_ignored(self) -> None:
        plan = make_plan(desired(), observed(row(declared("celery.backend_cleanup"))), request())
        assert (plan.changes, plan.blocked, plan.unchanged) == ((), (), 0)

    def test_a_deleted_row_is_created_again_as_drift(self) -> None:
        schedule = declared()
        (change,) = make_plan(desired(schedule), observed(inventory=(owned(schedule),)), request()).changes
        assert (change.action, change.cause) == (Action.CREATE, Cause.DRIFT)
        assert "deleted" in (change.note or "")

    def test_a_row_that_was_deleted_and_recreated_is_recorded(self) -> None:
        schedule = declared()
        plan = make_plan(desired(schedule), observed(row(schedule, 42), inventory=(owned(schedule, 1),)), request())
        assert plan.changes == ()
        assert plan.records[0].row_id == 42

    def test_a_renamed_row_gets_its_name_back(self) -> None:
        schedule = declared()
        (change,) = make_plan(
            desired(schedule), observed(row(schedule, name="mine"), inventory=(owned(schedule),)), request()
        ).changes
        assert [(f.field, f.before, f.after, f.cause) for f in change.fields] == [
            ("name", "mine", "nightly", Cause.DRIFT)
        ]

    def test_a_renamed_row_whose_name_another_row_has_is_a_conflict(self) -> None:
        schedule = declared()
        current = observed(row(schedule, 1, name="mine"), row(schedule, 2), inventory=(owned(schedule),))
        plan = make_plan(desired(schedule), current, request())
        assert [b.code for b in plan.blocked] == ["conflict"]


class TestRename:
    def test_the_row_keeps_its_key(self) -> None:
        old = declared("old")
        new = declared("new", policy=Policy(renamed_from="old"))
        plan = make_plan(desired(new), observed(row(old, 5), inventory=(owned(old, 5),)), request())
        (change,) = plan.changes
        assert (change.action, change.row_id, change.note) == (Action.UPDATE, 5, "renamed from old")
        assert [(f.field, f.before, f.after) for f in change.fields] == [("name", "old", "new")]
        assert plan.records[0].previous_name == "old"

    def test_a_finished_rename_changes_nothing(self) -> None:
        new = declared("new", policy=Policy(renamed_from="old"))
        plan = make_plan(desired(new), observed(row(new), inventory=(owned(new),)), request())
        assert (plan.changes, plan.records) == ((), ())

    def test_renamed_from_an_unknown_name_is_a_create(self) -> None:
        new = declared("new", policy=Policy(renamed_from="old"))
        assert make_plan(desired(new), observed(), request()).changes[0].action is Action.CREATE

    def test_an_unowned_row_needs_adopt(self) -> None:
        new = declared("new", policy=Policy(renamed_from="old"))
        current = observed(row(declared("old"), 5))
        assert [b.code for b in make_plan(desired(new), current, request()).blocked] == ["conflict"]
        (change,) = make_plan(desired(new), current, request(adopt=True)).changes
        assert (change.action, change.row_id) == (Action.ADOPT, 5)


class TestPrune:
    @pytest.mark.parametrize(
        ("on_remove", "action"),
        [(OnRemove.DELETE, Action.DELETE), (OnRemove.DISABLE, Action.DISABLE), (OnRemove.KEEP, Action.FORGET)],
    )
    def test_a_removed_schedule_ends_as_on_remove_says(self, on_remove: OnRemove, action: Action) -> None:
        gone, stays = declared("gone", policy=Policy(on_remove=on_remove)), declared("stays")
        current = observed(row(gone, 1), row(stays, 2), inventory=(owned(gone, 1), owned(stays, 2)))
        (change,) = make_plan(desired(stays), current, request()).changes
        assert (change.action, change.name) == (action, "gone")

    def test_a_retired_row_stays_and_is_enabled_when_it_is_declared_again(self) -> None:
        gone, stays = declared("gone", policy=Policy(on_remove=OnRemove.DISABLE)), declared("stays")
        inventory = (owned(gone, 1, retired=True), owned(stays, 2))
        current = observed(row(gone, 1, enabled=False), row(stays, 2), inventory=inventory)
        plan = make_plan(desired(stays), current, request())
        assert (plan.changes, plan.conditions) == ((), (("gone", Condition.RETIRED),))
        (back,) = make_plan(desired(stays, gone), current, request()).changes
        assert [(f.field, f.after) for f in back.fields] == [("enabled", True)]

    def test_a_protected_row_stays_in_the_inventory(self) -> None:
        gone, stays = declared("gone", policy=Policy(protect=True)), declared("stays")
        current = observed(row(gone, 1), row(stays, 2), inventory=(owned(gone, 1), owned(stays, 2)))
        plan = make_plan(desired(stays), current, request())
        assert (plan.changes, plan.conditions) == ((), (("gone", Condition.PROTECTED),))

    def test_leaving_protect_out_of_the_file_does_not_end_the_protection(self) -> None:
        was, silent = declared(policy=Policy(protect=True)), declared()
        plan = make_plan(desired(silent), observed(row(was), inventory=(owned(was),)), request())
        assert (plan.changes, plan.records) == ((), ())

    def test_only_an_explicit_false_ends_the_protection(self) -> None:
        was, lifted = declared(policy=Policy(protect=True)), declared(policy=Policy(protect=False))
        plan = make_plan(desired(lifted), observed(row(was), inventory=(owned(was),)), request())
        assert plan.records[0].policy.protect is False

    def test_a_new_row_of_a_removed_name_is_not_deleted(self) -> None:
        gone, stays = declared("gone"), declared("stays")
        current = observed(row(gone, 99), row(stays, 2), inventory=(owned(gone, 1), owned(stays, 2)))
        (change,) = make_plan(desired(stays), current, request()).changes
        assert (change.action, change.row_id) == (Action.FORGET, None)

    @pytest.mark.parametrize("enabled", [True, False])
    def test_a_row_that_beat_restored_is_deleted_again(self, enabled: bool) -> None:
        back = row(declared("back"), 8, enabled=enabled)
        current = observed(back, tombstones=(Tombstone("back", 8),))
        (change,) = make_plan(desired(), current, request()).changes
        assert (change.action, change.row_id) == (Action.DELETE, 8)

    @pytest.mark.parametrize(("row_id", "name"), [(9, "back"), (8, "front")])
    def test_a_row_that_was_created_after_the_deletion_is_not_deleted(self, row_id: int, name: str) -> None:
        current = observed(row(declared(name), row_id), tombstones=(Tombstone("back", 8),))
        assert make_plan(desired(), current, request()).changes == ()


class TestInvalidFiles:
    broken = Diagnostic(Severity.ERROR, "yaml-syntax", "broken", Location("b.yaml", 1, 1))

    def test_rows_that_an_invalid_file_last_declared_are_frozen(self) -> None:
        here, there = declared("here", path="a.yaml"), declared("there", path="b.yaml")
        current = observed(
            row(here, 1, queue="x"), row(there, 2, queue="x"), inventory=(owned(here, 1), owned(there, 2))
        )
        plan = make_plan(desired(here, diagnostics=(self.broken,)), current, request(isolate=True))
        assert [(c.name, c.action) for c in plan.changes] == [("here", Action.UPDATE)]
        assert plan.conditions == (("there", Condition.FROZEN),)

    def test_a_schedule_removed_from_a_valid_file_may_have_moved_into_the_invalid_one(self) -> None:
        moved, stays = declared("moved", path="a.yaml"), declared("stays", path="a.yaml")
        current = observed(row(moved, 1), row(stays, 2), inventory=(owned(moved, 1), owned(stays, 2)))
        plan = make_plan(desired(stays, diagnostics=(self.broken,)), current, request(isolate=True))
        assert plan.changes == ()

    @pytest.mark.parametrize("renamed_from", [None, "there"])
    def test_a_frozen_row_that_a_valid_file_declares_too_is_not_updated(self, renamed_from: str | None) -> None:
        there = declared("there", path="b.yaml")
        name = "anew" if renamed_from else "there"
        again = declared(name, path="a.yaml", queue="x", policy=Policy(renamed_from=renamed_from))
        current = observed(row(there), inventory=(owned(there),))
        plan = make_plan(desired(again, diagnostics=(self.broken,)), current, request(isolate=True))
        assert (plan.changes, plan.conditions) == ((), (("there", Condition.FROZEN),))

    def test_the_readable_schedules_of_an_invalid_file_are_not_applied(self) -> None:
        plan = make_plan(
            desired(declared(path="b.yaml"), diagnostics=(self.broken,)), observed(), request(isolate=True)
        )
        assert plan.changes == ()


def test_plans_are_sorted_and_different_plans_have_different_checksums() -> None:
    schedule, two = declared("a"), declared("b", queue="x")
    plan = make_plan(desired(two, schedule), observed(), request())
    assert [change.name for change in plan.changes] == ["a", "b"]
    assert plan.checksum == make_plan(desired(schedule, two), observed(), request()).checksum
    assert plan.checksum != make_plan(desired(schedule), observed(), request()).checksum
    assert plan.checksum != make_plan(desired(schedule, declared("b", queue="y")), observed(), request()).checksum


@pytest.mark.parametrize(
    "after",
    [
        declared(policy=Policy(protect=False)),
        declared(policy=Policy(on_remove=OnRemove.KEEP, protect=True)),
        declared(policy=Policy(ignore=("queue",), protect=True)),
        declared(enabled=True, policy=Policy(protect=True)),
    ],
    ids=["protect", "on_remove", "ignore", "enabled"],
)
def test_the_checksum_covers_what_only_the_inventory_records(after: Declared) -> None:
    before = declared(policy=Policy(protect=True))
    current = observed(row(before), inventory=(owned(before),))
    reviewed, now = (make_plan(desired(schedule), current, request()) for schedule in (before, after))
    assert (reviewed.changes, now.changes) == ((), ())
    assert reviewed.checksum != now.checksum


def test_the_checksum_covers_each_part_of_the_policy() -> None:
    before = declared()
    current = observed(row(before), inventory=(owned(before),))
    treatments = [
        Policy(on_remove=OnRemove.KEEP), Policy(on_remove=OnRemove.DISABLE), Policy(protect=True),
        Policy(ignore=("queue",)), Policy(ignore=("task",)), Policy(sensitive=("kwargs.a",)),
    ]  # fmt: skip
    plans = [make_plan(desired(declared(policy=policy)), current, request()) for policy in treatments]
    assert all(len(plan.records) == 1 and not plan.changes for plan in plans)
    assert len({plan.checksum for plan in plans}) == len(treatments)


def test_the_checksum_covers_whether_a_change_fires_at_once() -> None:
    before, after = declared(schedule=NOON_BERLIN), declared(schedule=NOON_BERLIN._replace(hour="13"))
    ran = row(before, last_run_at=NOW - timedelta(hours=2))
    current = observed(ran, inventory=(owned(before),))
    early, late = (
        make_plan(desired(after), current, request(catch_up=True, now=NOW - timedelta(hours=back)))
        for back in (1.5, 0.5)
    )
    assert [plan.changes[0].fires_at_once for plan in (early, late)] == [False, True]
    assert early.checksum != late.checksum
