"""Rows → observed, on every database: no row raises an error, and more rows take no more queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections

from beatsync.fingerprint import Scope
from beatsync.plan.observed import Claim, NameRule
from beatsync.store import Failure, Store, StoreError
from beatsync.store.dialects import base, mysql
from beatsync.values import Clocked, Crontab, Interval, Policy, Solar
from tests.store.storing import NOW, apply, create, create_all, delete, dialect, plan, queries, record, run
from tests.store.test_store_apply import hourly

TASKS = "django_celery_beat_periodictask"


def crontab(store: Store, **fields: str) -> Any:
    """Make a crontab row past every check of the model."""
    from django_celery_beat.models import CrontabSchedule

    row = CrontabSchedule.objects.using(store.alias).bulk_create([CrontabSchedule(timezone="UTC")])[0]
    for column, value in fields.items():
        run(store, f"UPDATE django_celery_beat_crontabschedule SET {column} = %s WHERE id = %s", value, row.pk)
    return row


def test_every_kind_of_schedule_is_read(store: Store, make_task: Any) -> None:
    from django_celery_beat.models import ClockedSchedule, SolarSchedule

    instant = datetime(2027, 1, 5, 2, 0, 0, 17, tzinfo=timezone.utc)
    solar = SolarSchedule(event="sunset", latitude=Decimal("-33.9"), longitude=Decimal("18.4"))
    clocked = ClockedSchedule(clocked_time=instant)
    make_task("solar", solar=SolarSchedule.objects.using(store.alias).bulk_create([solar])[0])
    make_task("clocked", clocked=ClockedSchedule.objects.using(store.alias).bulk_create([clocked])[0], one_off=True)
    make_task("crontab", crontab=crontab(store, minute="5", timezone="Asia/Tokyo"))
    make_task("interval")
    read = {name: row.spec.schedule for name, row in store.observe("shop").rows.items()}
    assert read == {
        "solar": Solar("sunset", Decimal("-33.900000"), Decimal("18.400000")),
        "clocked": Clocked(instant),
        "crontab": Crontab("5", "*", "*", "*", "*", "Asia/Tokyo"),
        "interval": Interval(1, "hours"),
    }


def test_enabled_rows_are_counted_by_crontab(store: Store, make_task: Any) -> None:
    shared = crontab(store, minute="5")
    for name in ("a", "b"):
        make_task(name, crontab=shared)
    make_task("same", crontab=crontab(store, minute="5"))
    make_task("off", crontab=shared, enabled=False)
    make_task("once", crontab=shared, one_off=True)
    make_task("damaged", crontab=crontab(store, minute="99"))
    make_task("interval")
    five, damaged = (Crontab(minute, "*", "*", "*", "*", "UTC") for minute in ("5", "99"))
    assert store.crontab_counts() == {five: 3, damaged: 1}


@pytest.mark.parametrize(
    "fields",
    [
        {"minute": ""},
        {"minute": "*/"},
        {"minute": "1,,2"},
        {"hour": "25"},
        {"hour": "a"},
        {"day_of_week": "7"},
        {"day_of_month": "30", "month_of_year": "2"},
        {"timezone": "Not/AZone"},
        {"timezone": ""},
    ],
    ids=str,
)
def test_a_crontab_that_beat_cannot_read_is_observed(store: Store, make_task: Any, fields: Mapping[str, str]) -> None:
    make_task("bad", crontab=crontab(store, **fields))
    make_task("good")
    rows = store.observe("shop").rows
    assert rows["good"].spec.schedule == Interval(1, "hours")
    bad = rows["bad"].spec.schedule
    assert bad is None or isinstance(bad, Crontab)


@pytest.mark.parametrize(("every", "period"), [(0, "seconds"), (-5, "days"), (2_000_000_000, "days"), (3, "fortnight")])
def test_an_interval_that_beat_cannot_read_is_observed(store: Store, make_task: Any, every: int, period: str) -> None:
    task = make_task("bad")
    sql = "UPDATE django_celery_beat_intervalschedule SET every = %s, period = %s WHERE id = %s"
    run(store, sql, every, period, task.interval_id)
    assert "bad" in store.observe("shop").rows


@pytest.mark.parametrize(
    ("column", "text", "read"),
    [
        ("headers", "", "{}"),
        ("headers", "[1]", "[1]"),
        ("headers", "{oops", "{oops"),
        ("args", "", "[]"),
        ("args", "not json", "not json"),
        ("args", '[ 1 , "a" ]', '[1, "a"]'),
        ("kwargs", '{"b": 1, "a": 2}', '{"a": 2, "b": 1}'),
        ("kwargs", "[[[[[[", "[[[[[["),
        ("queue", "", None),
        ("exchange", "", None),
        ("routing_key", "", None),
    ],
)
def test_texts_are_read_in_normal_form_or_as_they_are(
    store: Store, make_task: Any, column: str, text: str, read: str | None
) -> None:
    make_task("bad")
    run(store, f"UPDATE {TASKS} SET {column} = %s", text)
    assert getattr(store.observe("shop").rows["bad"].spec, column) == read


ODD = "\x01 \x1f \x7f \t \r\n \\ \\\\ ' \" '' \\' `%s` %% ; -- /* \u2028 \xa0 e\u0301 \U0001f600 \U0010ffff"


def test_odd_characters_are_read_as_they_are(store: Store, make_task: Any) -> None:
    text = ODD if connections[store.alias].vendor == "postgresql" else f"\0{ODD}\0"
    make_task("odd")
    run(store, f"UPDATE {TASKS} SET description = %s, queue = %s, args = %s", text, text, text)
    spec = store.observe("shop").rows["odd"].spec
    assert (spec.description, spec.queue, spec.args) == (text, text, text)
    assert store.observe("shop", Scope(names=frozenset({"odd"}))).rows["odd"].spec == spec
    assert store.read_rows({"odd"})["odd"].spec == spec


def test_odd_characters_are_written_as_they_are(store: Store) -> None:
    text = ODD if connections[store.alias].vendor == "postgresql" else f"\0{ODD}\0"
    new = hourly(description=text, queue=text)
    after = apply(store, plan(create(new), records=[record(new, path=text)]))
    assert after.rows["hourly"].spec == new
    assert after.inventory["hourly"].path == text


def test_a_row_that_is_larger_than_what_a_server_says_in_json_is_read(store: Store, make_task: Any) -> None:
    text = "\x01" * 3_000_000  # six times as much as JSON, and a packet is 16 MB
    make_task("large")
    make_task("small")
    run(store, f"UPDATE {TASKS} SET description = %s WHERE name = 'large'", text)
    rows = store.observe("shop").rows
    assert (rows["large"].spec.description, rows["small"].spec.description) == (text, "")


def test_a_stream_that_is_not_read_to_the_end_blocks_no_later_statement(
    store: Store, make_task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "FETCH_SIZE", 1)
    monkeypatch.setattr(mysql, "FETCH_SIZE", 1)
    names = {make_task(f"task {number}").name for number in range(3)}
    db = dialect(store)
    rows = db.stream(["name"], f"FROM {TASKS}")
    first = next(rows)
    rows.close()
    assert first[0] in names
    assert {name for (name,) in db.fetch(f"SELECT name FROM {TASKS}")} == names


def test_a_row_without_a_schedule_or_with_two_has_none_that_counts(store: Store, make_task: Any) -> None:
    make_task("none", interval=None)
    two = make_task("two")
    run(store, f"UPDATE {TASKS} SET crontab_id = %s WHERE id = %s", crontab(store).pk, two.pk)
    rows = store.observe("shop").rows
    assert [(rows[name].spec.schedule, rows[name].schedule_id) for name in ("none", "two")] == [(None, None)] * 2


def test_a_text_that_is_no_datetime_is_read_as_none(store: Store, make_task: Any) -> None:
    """SQLite stores any text in a datetime's place, PostgreSQL has an infinite datetime."""
    text = {"sqlite": "2026-13-45 99:00", "postgresql": "infinity"}.get(connections[store.alias].vendor)
    if text is None:
        pytest.skip("MariaDB refuses such a text")
    make_task("bad")
    run(store, f"UPDATE {TASKS} SET expires = %s", text)
    assert store.observe("shop").rows["bad"].spec.expires is None


def test_a_text_that_is_not_utf8_is_named_by_its_row_and_never_shown(sqlite_backend: Any) -> None:
    """SQLite takes any bytes for a text, and its driver shows what it cannot read: a secret, in a log."""
    store = Store(sqlite_backend.alias)
    create_all(store, hourly())
    run(store, f"UPDATE {TASKS} SET kwargs = CAST(%s AS TEXT)", b'{"token": "hunter2\xff"}')
    ((key,),) = dialect(store).fetch(f"SELECT id FROM {TASKS}")
    for ask in (store.observe, store.row_fingerprints):
        with pytest.raises(StoreError) as caught:
            ask("shop")
        assert f"kwargs of the row with id {key} in {TASKS} is not UTF-8 text" in str(caught.value)
        assert "hunter2" not in str(caught.value)


def test_what_only_beat_writes_is_read(store: Store, make_task: Any) -> None:
    ran = datetime(2026, 3, 29, 1, 30, 0, 999999, tzinfo=timezone.utc)
    task = make_task("ran", last_run_at=ran, total_run_count=12)
    row = store.observe("shop").rows["ran"]
    assert (row.row_id, row.schedule_id) == (task.pk, task.interval_id)
    assert (row.last_run_at, row.total_run_count) == (ran, 12)
    assert row.date_changed is not None


def test_the_inventory_is_read_as_it_was_written(store: Store) -> None:
    policy = Policy(ignore=("queue", "priority"), protect=True, sensitive=("kwargs.pin",))
    spec = hourly()
    after = apply(store, plan(create(spec), records=[record(spec, policy=policy, path="a/ü.yaml")]))
    entry = after.inventory["hourly"]
    assert (entry.policy, entry.path, entry.retired) == (policy, "a/ü.yaml", False)
    assert entry.applied == record(spec).applied


def test_a_source_that_never_synced_owns_nothing(store: Store) -> None:
    create_all(store, hourly(), source="theirs")
    seen = store.observe("mine")
    assert (seen.inventory, seen.origin, seen.revision) == ({}, None, None)
    assert seen.owners == {"hourly": Claim("theirs", seen.rows["hourly"].row_id, "a.yaml")}


def test_more_rows_are_not_more_queries_and_none_of_them_writes(store: Store) -> None:
    def count() -> int:
        with queries(store) as log:
            store.observe("shop")
        read = [query["sql"] for query in log if query["sql"] not in {"BEGIN", "COMMIT"}]
        assert all(sql.startswith(("SELECT", "DECLARE")) for sql in read), "a cursor that is declared reads"
        return len(read)

    count()
    few = count()
    rows = create_all(store, *(hourly(f"task {n}", description=str(n)) for n in range(500))).rows
    apply(store, plan(*(delete(rows[f"task {n}"]) for n in range(5))))
    assert count() == few <= 6


def test_how_names_are_told_apart_is_asked_of_the_database(store: Store) -> None:
    wanted = NameRule.LETTERS if connections[store.alias].vendor == "mysql" else NameRule.EXACT
    assert store.observe("shop").name_rule is wanted


def test_names_in_the_projects_beat_schedule_are_seen(
    backend: Any, settings_with_beat_schedule: frozenset[str]
) -> None:
    project = Store(backend.alias)
    assert project.observe("shop").beat_schedule == settings_with_beat_schedule
    assert Store(backend.alias, project_settings=False).observe("shop").beat_schedule == frozenset()


@pytest.fixture
def settings_with_beat_schedule() -> Any:
    from django.test import override_settings

    with override_settings(CELERY_BEAT_SCHEDULE={"from-settings": {}}, CELERY_TIMEZONE="Europe/Vienna"):
        yield frozenset({"from-settings"})


@pytest.mark.usefixtures("settings_with_beat_schedule")
def test_the_projects_zone(sqlite_backend: Any) -> None:
    assert Store(sqlite_backend.alias).celery_timezone() == "Europe/Vienna"
    assert Store(sqlite_backend.alias, project_settings=False).celery_timezone() is None


def scope(*names: str, row_ids: frozenset[int] = frozenset()) -> Scope:
    return Scope(names=frozenset(names), row_ids=row_ids)


def test_a_scope_reads_its_names_with_their_rows_and_entries_only(store: Store, make_task: Any) -> None:
    create_all(store, hourly("a"), hourly("b"))
    create_all(store, hourly("theirs"), source="theirs")
    unowned = make_task("unowned")
    everything = store.observe("shop")
    seen = store.observe("shop", scope("a", "theirs", "missing"))
    assert seen.rows == {name: everything.rows[name] for name in ("a", "theirs")}
    assert (seen.inventory, seen.owners) == ({"a": everything.inventory["a"]}, everything.owners)
    assert set(store.observe("shop", scope(row_ids=frozenset({unowned.pk}))).rows) == {"unowned"}


def test_an_empty_scope_reads_the_source_and_its_tombstones(store: Store) -> None:
    rows = create_all(store, hourly("a"), hourly("b")).rows
    full = apply(store, plan(delete(rows["a"]), origin="here", environment="prod"))
    with queries(store) as log:
        seen = store.observe("shop", scope())
    assert seen == replace(full, rows={}, inventory={}, owners={})
    assert len(log) == 2


def test_a_renamed_row_is_in_scope_with_its_entry_and_the_row_that_took_its_name(store: Store, make_task: Any) -> None:
    row = create_all(store, hourly("a"), hourly("other")).rows["a"]
    run(store, f"UPDATE {TASKS} SET name = 'renamed' WHERE id = %s", row.row_id)
    make_task("a")
    for names in (("a",), ("renamed",)):
        seen = store.observe("shop", scope(*names))
        assert set(seen.rows) == {"a", "renamed"}, names
        assert set(seen.inventory) == {"a"}, names
        assert seen.rows["renamed"].row_id == seen.inventory["a"].row_id
    assert set(store.observe("shop", scope(row_ids=frozenset({row.row_id}))).rows) == {"a", "renamed"}


def test_a_row_in_scope_brings_the_claim_of_another_source_on_it(store: Store) -> None:
    row = create_all(store, hourly("theirs"), source="theirs").rows["theirs"]
    run(store, f"UPDATE {TASKS} SET name = 'renamed' WHERE id = %s", row.row_id)
    seen = store.observe("shop", scope("renamed"))
    assert seen.owners == {"theirs": Claim("theirs", row.row_id, "a.yaml")}


def test_names_in_scope_are_compared_as_the_database_compares_them(store: Store) -> None:
    create_all(store, hourly("Nightly"))
    seen = store.observe("shop", scope("nightly"))
    assert set(seen.rows) == set(seen.inventory) == ({"Nightly"} if seen.name_rule is NameRule.LETTERS else set())


def test_the_outcome_of_the_last_sync_is_observed(store: Store) -> None:
    assert store.observe("shop").outcome == ""
    assert create_all(store, hourly()).outcome == "applied"
    assert store.record_failure("shop", Failure("blocked", "too many deletes", NOW))
    assert store.observe("shop", scope()).outcome == "blocked"
