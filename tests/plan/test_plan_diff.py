from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beatsync.plan.diff import make_plan
from beatsync.plan.match import are_apart, folded
from beatsync.plan.model import Action, Cause, Condition
from beatsync.plan.observed import Claim, NameRule, Tombstone
from beatsync.specfile import cronfield, crontab
from beatsync.values import Clocked, Crontab, Declared, Diagnostic, Interval, Location, OnRemove, Policy, Severity
from tests.builders import HOURLY, NOW, declared, desired, observed, owned, request, row

NOON_BERLIN = Crontab("0", "12", "*", "*", "*", "Europe/Berlin")


@given(
    st.lists(st.text(st.sampled_from("aAéÉe \n\t"), max_size=3), max_size=5),
    st.sampled_from([NameRule.LETTERS, NameRule.CASE_INSENSITIVE]),
)
def test_names_are_apart_where_no_two_fold_to_one(names: list[str], rule: NameRule) -> None:
    assert are_apart(names, rule) is (len({folded(name, rule) for name in names}) == len(names))


def test_a_schedule_without_a_row_is_created_with_what_it_says() -> None:
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


def test_a_row_that_says_what_the_file_says_is_unchanged_and_writes_nothing() -> None:
    one = declared(kwargs='{"a": 1}')
    plan = make_plan(desired(one), observed(row(one), inventory=(owned(one),)), request())
    assert (plan.changes, plan.records, plan.unchanged) == ((), (), 1)


def test_each_field_says_whether_the_file_or_somebody_changed_it() -> None:
    before = declared(queue="slow", priority=3)
    after = declared(queue="fast", priority=3)
    seen = observed(row(before, priority=9), inventory=(owned(before),))
    (change,) = make_plan(desired(after), seen, request()).changes
    assert [(f.field, f.before, f.after, f.cause) for f in change.fields] == [
        ("queue", "slow", "fast", Cause.SPEC),
        ("priority", 9, 3, Cause.DRIFT),
    ]
    assert change.cause is Cause.SPEC


def test_drift_alone_makes_the_change_drift() -> None:
    one = declared()
    (change,) = make_plan(desired(one), observed(row(one, task="other"), inventory=(owned(one),)), request()).changes
    assert (change.action, change.cause) == (Action.UPDATE, Cause.DRIFT)


def test_a_crontab_that_this_celery_reads_otherwise_is_never_written(monkeypatch: pytest.MonkeyPatch) -> None:
    one = declared(schedule=NOON_BERLIN)
    settled = observed(row(one), inventory=(owned(one),))
    moved = observed(row(one, schedule=HOURLY), inventory=(owned(one),))
    monkeypatch.setattr(crontab, "misread", crontab.misread.__wrapped__)
    monkeypatch.setattr(cronfield, "celery_reads", lambda name, text: frozenset(cronfield.members(name, text)) - {12})
    assert not make_plan(desired(one), settled, request()).diagnostics
    for seen in (observed(), moved):
        plan = make_plan(desired(one), seen, request())
        (found,) = plan.diagnostics
        assert (found.code, found.severity, found.location) == ("crontab-celery", Severity.ERROR, one.location)
        assert not plan.changes


def test_a_crontab_and_its_zone_are_two_fields_of_one_schedule() -> None:
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
    def test_left_out_a_pause_by_hand_stays_and_is_said(self) -> None:
        one = declared()
        plan = make_plan(desired(one), observed(row(one, enabled=False), inventory=(owned(one),)), request())
        assert plan.changes == ()
        assert plan.conditions == (("nightly", Condition.PAUSED),)
        assert plan.unchanged == 1

    @pytest.mark.parametrize("switch", [True, False])
    def test_written_out_it_is_enforced(self, switch: bool) -> None:
        one = declared(enabled=switch)
        seen = observed(row(one, enabled=not switch), inventory=(owned(one),))
        (change,) = make_plan(desired(one), seen, request()).changes
        assert [(f.field, f.after, f.cause) for f in change.fields] == [("enabled", switch, Cause.DRIFT)]

    def test_a_switch_that_the_file_no_longer_sets_falls_back_to_on(self) -> None:
        off, left_out = declared(enabled=False), declared()
        (change,) = make_plan(desired(left_out), observed(row(off), inventory=(owned(off),)), request()).changes
        assert [(f.field, f.after, f.cause) for f in change.fields] == [("enabled", True, Cause.SPEC)]

    def test_an_update_beside_a_pause_does_not_resume(self) -> None:
        before, after = declared(), declared(queue="fast")
        seen = observed(row(before, enabled=False), inventory=(owned(before),))
        (change,) = make_plan(desired(after), seen, request()).changes
        assert [f.field for f in change.fields] == ["queue"]
        assert change.target is not None
        assert change.target.enabled is False


class TestIgnore:
    policy = Policy(ignore=("queue", "crontab"))

    def test_drift_in_an_ignored_field_is_left_alone(self) -> None:
        one = declared(queue="a", policy=self.policy)
        plan = make_plan(desired(one), observed(row(one, queue="b"), inventory=(owned(one),)), request())
        assert plan.changes == ()

    def test_the_file_may_still_change_it(self) -> None:
        before, after = declared(queue="a", policy=self.policy), declared(queue="c", policy=self.policy)
        (change,) = make_plan(
            desired(after), observed(row(before, queue="b"), inventory=(owned(before),)), request()
        ).changes
        assert [(f.field, f.before, f.after) for f in change.fields] == [("queue", "b", "c")]

    def test_a_schedule_is_ignored_as_a_whole(self) -> None:
        one = declared(schedule=NOON_BERLIN, policy=self.policy)
        drifted = row(one, schedule=NOON_BERLIN._replace(hour="3", timezone="UTC"))
        assert make_plan(desired(one), observed(drifted, inventory=(owned(one),)), request()).changes == ()


class TestCompleted:
    soon = NOW + timedelta(days=1)
    gone = NOW - timedelta(days=1)

    def test_a_one_off_that_beat_switched_off_rests(self) -> None:
        one = declared(schedule=Clocked(self.gone), one_off=True, enabled=True)
        plan = make_plan(desired(one), observed(row(one, enabled=False), inventory=(owned(one),)), request())
        assert plan.changes == ()
        assert plan.conditions == (("nightly", Condition.COMPLETED),)

    def test_a_row_past_its_expiry_rests(self) -> None:
        one = declared(expires=self.gone, enabled=True)
        plan = make_plan(desired(one), observed(row(one, enabled=False), inventory=(owned(one),)), request())
        assert plan.conditions == (("nightly", Condition.COMPLETED),)

    def test_new_arguments_do_not_run_it_again(self) -> None:
        before = declared(schedule=Clocked(self.gone), one_off=True)
        after = declared(schedule=Clocked(self.gone), one_off=True, kwargs='{"a": 1}')
        seen = observed(row(before, enabled=False), inventory=(owned(before),))
        (change,) = make_plan(desired(after), seen, request()).changes
        assert [f.field for f in change.fields] == ["kwargs"]

    def test_a_new_time_arms_it_again(self) -> None:
        before = declared(schedule=Clocked(self.gone), one_off=True)
        after = declared(schedule=Clocked(self.soon), one_off=True)
        seen = observed(row(before, enabled=False), inventory=(owned(before),))
        (change,) = make_plan(desired(after), seen, request()).changes
        assert [(f.field, f.after) for f in change.fields] == [("clocked", self.soon.isoformat()), ("enabled", True)]

    def test_a_later_expiry_arms_it_again(self) -> None:
        before, after = declared(expires=self.gone), declared(expires=self.soon)
        seen = observed(row(before, enabled=False), inventory=(owned(before),))
        (change,) = make_plan(desired(after), seen, request()).changes
        assert [f.field for f in change.fields] == ["expires", "enabled"]

    def test_a_new_clocked_time_that_has_passed_is_refused(self) -> None:
        one = declared(schedule=Clocked(self.gone), one_off=True)
        plan = make_plan(desired(one), observed(), request())
        assert [d.code for d in plan.diagnostics] == ["clocked-past"]
        assert plan.changes == ()

    def test_catch_up_runs_it_and_says_so(self) -> None:
        one = declared(schedule=Clocked(self.gone), one_off=True)
        (change,) = make_plan(desired(one), observed(), request(catch_up=True)).changes
        assert change.fires_at_once

    def test_no_longer_a_one_off_it_runs_on(self) -> None:
        before = declared(schedule=Clocked(self.gone), one_off=True)
        seen = observed(row(before, enabled=False), inventory=(owned(before),))
        (change,) = make_plan(desired(declared(schedule=NOON_BERLIN)), seen, request()).changes
        assert {f.field: f.after for f in change.fields}["enabled"] is True

    @pytest.mark.parametrize("enabled", [True, None])
    def test_an_expiry_that_somebody_drifted_is_healed_in_one_go(self, enabled: bool | None) -> None:
        one = declared(enabled=True) if enabled else declared()
        drifted = row(one, enabled=False, expires=self.gone)
        plan = make_plan(desired(one), observed(drifted, inventory=(owned(one),)), request())
        (change,) = plan.changes
        assert [f.field for f in change.fields] == (["expires", "enabled"] if enabled else ["expires"])
        assert change.target is not None
        healed = row(one, enabled=change.target.enabled)
        assert make_plan(desired(one), observed(healed, inventory=(owned(one),)), request()).changes == ()

    def test_a_row_that_somebody_tidied_away_is_not_made_anew(self) -> None:
        one = declared(schedule=Clocked(self.gone), one_off=True)
        plan = make_plan(desired(one), observed(inventory=(owned(one),)), request())
        assert (plan.changes, plan.diagnostics) == ((), ())
        assert plan.conditions == (("nightly", Condition.COMPLETED),)


class TestOwnership:
    def test_a_name_that_exists_unowned_blocks_and_names_the_switch(self) -> None:
        one = declared()
        plan = make_plan(desired(one), observed(row(one)), request())
        assert [(b.code, b.names) for b in plan.blocked] == [("conflict", ("nightly",))]
        assert "--adopt" in (plan.blocked[0].hint or "")
        assert plan.changes == ()

    def test_adopt_takes_it_over_with_what_differs(self) -> None:
        one = declared()
        plan = make_plan(desired(one), observed(row(one, queue="x", enabled=False)), request(adopt=True))
        (change,) = plan.changes
        assert change.action is Action.ADOPT
        assert [(f.field, f.cause) for f in change.fields] == [("queue", Cause.SPEC)]
        assert plan.records[0].row_id == 1

    def test_a_row_of_another_source_is_never_touched(self) -> None:
        one = declared()
        plan = make_plan(
            desired(one), observed(row(one), owners={"nightly": Claim("billing", 1, "b.yaml")}), request(adopt=True)
        )
        assert [b.code for b in plan.blocked] == ["owned-elsewhere"]
        assert "billing" in plan.blocked[0].message
        assert plan.changes == ()

    def test_both_places_that_claim_a_name_are_named(self) -> None:
        one = declared()
        seen = observed(row(one), owners={"nightly": Claim("billing", 1, "theirs/b.yaml")})
        (blocked,) = make_plan(desired(one), seen, request()).blocked
        assert "a.yaml:3:3" in blocked.message
        assert "theirs/b.yaml" in blocked.message

    @pytest.mark.parametrize("renamed_from", [None, "theirs"])
    def test_a_row_of_another_source_is_theirs_whatever_its_name_is_now(self, renamed_from: str | None) -> None:
        claim = {"theirs": Claim("billing", 7, "b.yaml")}
        one = declared(policy=Policy(renamed_from=renamed_from))
        plan = make_plan(desired(one), observed(row(declared(), 7), owners=claim), request(adopt=True))
        assert ([b.code for b in plan.blocked], plan.changes) == (["owned-elsewhere"], ())

    def test_a_row_of_ours_that_another_source_took_over_is_not_buried(self) -> None:
        back = row(declared("back"), 8)
        seen = observed(back, tombstones=(Tombstone("back", 8),), owners={"back": Claim("billing", 8, "b.yaml")})
        assert make_plan(desired(), seen, request()).changes == ()

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
    def test_names_that_only_the_collation_takes_for_one(self, other: str, rules: list[NameRule]) -> None:
        stranger = row(declared(other), 7)
        for rule in NameRule:
            plan = make_plan(desired(declared()), observed(stranger, name_rule=rule), request())
            assert [b.code for b in plan.blocked] == (["name-collision"] if rule in rules else [])

    @pytest.mark.parametrize(
        "policy", [Policy(protect=True), Policy(on_remove=OnRemove.DISABLE), Policy(on_remove=OnRemove.KEEP)]
    )
    def test_another_spelling_of_a_name_whose_row_stays_is_a_collision(self, policy: Policy) -> None:
        old, new = declared("Nightly", policy=policy), declared("nightly")
        seen = observed(row(old), inventory=(owned(old),), name_rule=NameRule.CASE_INSENSITIVE)
        assert [b.code for b in make_plan(desired(new), seen, request()).blocked] == ["name-collision"]

    def test_a_row_may_be_renamed_to_another_spelling(self) -> None:
        old, new = (
            declared("Nightly", policy=Policy(protect=True)),
            declared("nightly", policy=Policy(renamed_from="Nightly")),
        )
        seen = observed(row(old), inventory=(owned(old),), name_rule=NameRule.LETTERS)
        (change,) = make_plan(desired(new), seen, request()).changes
        assert [(f.field, f.after) for f in change.fields] == [("name", "nightly")]

    def test_another_spelling_of_a_name_of_ours_takes_its_place(self) -> None:
        old, new = declared("Nightly"), declared("nightly")
        seen = observed(row(old), inventory=(owned(old),), name_rule=NameRule.CASE_INSENSITIVE)
        plan = make_plan(desired(new), seen, request())
        assert plan.blocked == ()
        assert [(c.name, c.action) for c in plan.changes] == [("Nightly", Action.DELETE), ("nightly", Action.CREATE)]

    def test_unowned_rows_are_no_ones_business(self) -> None:
        plan = make_plan(desired(), observed(row(declared("celery.backend_cleanup"))), request())
        assert (plan.changes, plan.blocked, plan.unchanged) == ((), (), 0)

    def test_a_deleted_row_comes_back_as_drift(self) -> None:
        one = declared()
        (change,) = make_plan(desired(one), observed(inventory=(owned(one),)), request()).changes
        assert (change.action, change.cause) == (Action.CREATE, Cause.DRIFT)
        assert "deleted" in (change.note or "")

    def test_a_row_made_anew_under_the_name_is_taken_up_and_recorded(self) -> None:
        one = declared()
        plan = make_plan(desired(one), observed(row(one, 42), inventory=(owned(one, 1),)), request())
        assert plan.changes == ()
        assert plan.records[0].row_id == 42

    def test_a_row_that_somebody_renamed_is_renamed_back(self) -> None:
        one = declared()
        (change,) = make_plan(desired(one), observed(row(one, name="mine"), inventory=(owned(one),)), request()).changes
        assert [(f.field, f.before, f.after, f.cause) for f in change.fields] == [
            ("name", "mine", "nightly", Cause.DRIFT)
        ]

    def test_renamed_and_its_name_taken_is_a_conflict(self) -> None:
        one = declared()
        seen = observed(row(one, 1, name="mine"), row(one, 2), inventory=(owned(one),))
        plan = make_plan(desired(one), seen, request())
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

    def test_a_rename_that_is_done_is_over(self) -> None:
        new = declared("new", policy=Policy(renamed_from="old"))
        plan = make_plan(desired(new), observed(row(new), inventory=(owned(new),)), request())
        assert (plan.changes, plan.records) == ((), ())

    def test_in_a_fresh_database_it_is_created(self) -> None:
        new = declared("new", policy=Policy(renamed_from="old"))
        assert make_plan(desired(new), observed(), request()).changes[0].action is Action.CREATE

    def test_an_unowned_row_needs_adopt(self) -> None:
        new = declared("new", policy=Policy(renamed_from="old"))
        seen = observed(row(declared("old"), 5))
        assert [b.code for b in make_plan(desired(new), seen, request()).blocked] == ["conflict"]
        (change,) = make_plan(desired(new), seen, request(adopt=True)).changes
        assert (change.action, change.row_id) == (Action.ADOPT, 5)


class TestPrune:
    @pytest.mark.parametrize(
        ("on_remove", "action"),
        [(OnRemove.DELETE, Action.DELETE), (OnRemove.DISABLE, Action.DISABLE), (OnRemove.KEEP, Action.FORGET)],
    )
    def test_what_left_the_files(self, on_remove: OnRemove, action: Action) -> None:
        gone, stays = declared("gone", policy=Policy(on_remove=on_remove)), declared("stays")
        seen = observed(row(gone, 1), row(stays, 2), inventory=(owned(gone, 1), owned(stays, 2)))
        (change,) = make_plan(desired(stays), seen, request()).changes
        assert (change.action, change.name) == (action, "gone")

    def test_a_retired_row_is_left_and_comes_back_enabled(self) -> None:
        gone, stays = declared("gone", policy=Policy(on_remove=OnRemove.DISABLE)), declared("stays")
        inventory = (owned(gone, 1, retired=True), owned(stays, 2))
        seen = observed(row(gone, 1, enabled=False), row(stays, 2), inventory=inventory)
        plan = make_plan(desired(stays), seen, request())
        assert (plan.changes, plan.conditions) == ((), (("gone", Condition.RETIRED),))
        (back,) = make_plan(desired(stays, gone), seen, request()).changes
        assert [(f.field, f.after) for f in back.fields] == [("enabled", True)]

    def test_a_protected_row_stays_in_the_inventory(self) -> None:
        gone, stays = declared("gone", policy=Policy(protect=True)), declared("stays")
        seen = observed(row(gone, 1), row(stays, 2), inventory=(owned(gone, 1), owned(stays, 2)))
        plan = make_plan(desired(stays), seen, request())
        assert (plan.changes, plan.conditions) == ((), (("gone", Condition.PROTECTED),))

    def test_leaving_protect_out_of_the_file_does_not_take_it_away(self) -> None:
        was, silent = declared(policy=Policy(protect=True)), declared()
        plan = make_plan(desired(silent), observed(row(was), inventory=(owned(was),)), request())
        assert (plan.changes, plan.records) == ((), ())

    def test_only_an_explicit_false_takes_it_away(self) -> None:
        was, lifted = declared(policy=Policy(protect=True)), declared(policy=Policy(protect=False))
        plan = make_plan(desired(lifted), observed(row(was), inventory=(owned(was),)), request())
        assert plan.records[0].policy.protect is False

    def test_a_namesake_that_somebody_made_is_not_deleted(self) -> None:
        gone, stays = declared("gone"), declared("stays")
        seen = observed(row(gone, 99), row(stays, 2), inventory=(owned(gone, 1), owned(stays, 2)))
        (change,) = make_plan(desired(stays), seen, request()).changes
        assert (change.action, change.row_id) == (Action.FORGET, None)

    @pytest.mark.parametrize("enabled", [True, False])
    def test_what_beat_brings_back_goes_again(self, enabled: bool) -> None:
        back = row(declared("back"), 8, enabled=enabled)
        seen = observed(back, tombstones=(Tombstone("back", 8),))
        (change,) = make_plan(desired(), seen, request()).changes
        assert (change.action, change.row_id) == (Action.DELETE, 8)

    @pytest.mark.parametrize(("row_id", "name"), [(9, "back"), (8, "front")])
    def test_a_row_that_somebody_made_after_the_deletion_is_none_of_ours(self, row_id: int, name: str) -> None:
        seen = observed(row(declared(name), row_id), tombstones=(Tombstone("back", 8),))
        assert make_plan(desired(), seen, request()).changes == ()


class TestInvalidFiles:
    broken = Diagnostic(Severity.ERROR, "yaml-syntax", "broken", Location("b.yaml", 1, 1))

    def test_what_they_last_declared_is_frozen(self) -> None:
        here, there = declared("here", path="a.yaml"), declared("there", path="b.yaml")
        seen = observed(row(here, 1, queue="x"), row(there, 2, queue="x"), inventory=(owned(here, 1), owned(there, 2)))
        plan = make_plan(desired(here, diagnostics=(self.broken,)), seen, request(isolate=True))
        assert [(c.name, c.action) for c in plan.changes] == [("here", Action.UPDATE)]
        assert plan.conditions == (("there", Condition.FROZEN),)

    def test_what_left_a_valid_file_may_have_moved_into_the_broken_one(self) -> None:
        moved, stays = declared("moved", path="a.yaml"), declared("stays", path="a.yaml")
        seen = observed(row(moved, 1), row(stays, 2), inventory=(owned(moved, 1), owned(stays, 2)))
        plan = make_plan(desired(stays, diagnostics=(self.broken,)), seen, request(isolate=True))
        assert plan.changes == ()

    @pytest.mark.parametrize("renamed_from", [None, "there"])
    def test_what_a_valid_file_now_declares_too_is_not_updated(self, renamed_from: str | None) -> None:
        there = declared("there", path="b.yaml")
        name = "anew" if renamed_from else "there"
        again = declared(name, path="a.yaml", queue="x", policy=Policy(renamed_from=renamed_from))
        seen = observed(row(there), inventory=(owned(there),))
        plan = make_plan(desired(again, diagnostics=(self.broken,)), seen, request(isolate=True))
        assert (plan.changes, plan.conditions) == ((), (("there", Condition.FROZEN),))

    def test_what_could_be_read_of_them_is_not_applied(self) -> None:
        plan = make_plan(
            desired(declared(path="b.yaml"), diagnostics=(self.broken,)), observed(), request(isolate=True)
        )
        assert plan.changes == ()


def test_plans_are_sorted_and_their_checksum_tells_them_apart() -> None:
    one, two = declared("a"), declared("b", queue="x")
    plan = make_plan(desired(two, one), observed(), request())
    assert [change.name for change in plan.changes] == ["a", "b"]
    assert plan.checksum == make_plan(desired(one, two), observed(), request()).checksum
    assert plan.checksum != make_plan(desired(one), observed(), request()).checksum
    assert plan.checksum != make_plan(desired(one, declared("b", queue="y")), observed(), request()).checksum


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
def test_what_is_only_remembered_counts_for_a_saved_plan_too(after: Declared) -> None:
    before = declared(policy=Policy(protect=True))
    seen = observed(row(before), inventory=(owned(before),))
    reviewed, now = (make_plan(desired(one), seen, request()) for one in (before, after))
    assert (reviewed.changes, now.changes) == ((), ())
    assert reviewed.checksum != now.checksum


def test_each_way_to_treat_a_row_is_another_plan() -> None:
    before = declared()
    seen = observed(row(before), inventory=(owned(before),))
    treatments = [
        Policy(on_remove=OnRemove.KEEP), Policy(on_remove=OnRemove.DISABLE), Policy(protect=True),
        Policy(ignore=("queue",)), Policy(ignore=("task",)), Policy(sensitive=("kwargs.a",)),
    ]  # fmt: skip
    plans = [make_plan(desired(declared(policy=policy)), seen, request()) for policy in treatments]
    assert all(len(plan.records) == 1 and not plan.changes for plan in plans)
    assert len({plan.checksum for plan in plans}) == len(treatments)


def test_a_plan_that_would_fire_at_once_by_now_is_another_one() -> None:
    before, after = declared(schedule=NOON_BERLIN), declared(schedule=NOON_BERLIN._replace(hour="13"))
    ran = row(before, last_run_at=NOW - timedelta(hours=2))
    seen = observed(ran, inventory=(owned(before),))
    early, late = (
        make_plan(desired(after), seen, request(catch_up=True, now=NOW - timedelta(hours=back))) for back in (1.5, 0.5)
    )
    assert [plan.changes[0].fires_at_once for plan in (early, late)] == [False, True]
    assert early.checksum != late.checksum


def test_a_whole_period_more_in_the_file_does_not_differ() -> None:
    one = declared(schedule=Interval(1, "minutes"))
    assert make_plan(desired(one), observed(row(one), inventory=(owned(one),)), request()).changes == ()
