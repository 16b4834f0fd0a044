"""Tables: ours are those of the models, and missing ones are named with the command that creates them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, connections, models
from django.db.migrations.executor import MigrationExecutor

from beatsync.models import InventoryEntry, Source
from beatsync.plan.observed import Owned
from beatsync.specfile.fields import ColumnType
from beatsync.store import SchemaMissing, Store, StoreError
from beatsync.store.tables import BEAT_TABLES, OWN_TABLES, Table
from beatsync.values import OnRemove, Policy
from tests.conftest import add_alias
from tests.store.storing import apply, create_all, dialect, plan, queries, record
from tests.store.test_store_apply import hourly

TYPES: dict[type[models.Field[Any, Any]], ColumnType] = {
    models.BooleanField: ColumnType.BOOLEAN,
    models.DateTimeField: ColumnType.DATETIME,
    models.DecimalField: ColumnType.DECIMAL,
    models.IntegerField: ColumnType.INTEGER,
    models.ForeignKey: ColumnType.INTEGER,
    models.FloatField: ColumnType.FLOAT,
}


@pytest.mark.parametrize("table", [*BEAT_TABLES, *OWN_TABLES], ids=lambda table: table.name)
def test_the_tables_are_those_of_the_models(table: Table) -> None:
    """If this fails, change `beatsync.store.tables` as the models have changed."""
    model = next(model for model in apps.get_models() if model._meta.db_table == table.name)
    fields = {field.column: field for field in model._meta.concrete_fields}
    assert fields.keys() == {table.key, *table.columns}
    for column, column_type in table.columns.items():
        types = (column_type for base, column_type in TYPES.items() if isinstance(fields[column], base))
        assert column_type is next(types, ColumnType.TEXT), column


def test_no_migration_is_missing() -> None:
    """If this fails, run `python manage.py makemigrations beatsync`, then read what it wrote."""
    call_command("makemigrations", "beatsync", check=True, dry_run=True, verbosity=0)


def test_no_foreign_key_of_ours_reaches_into_tables_of_others() -> None:
    for model in apps.get_app_config("beatsync").get_models():
        for field in model._meta.concrete_fields:
            assert field.related_model is None or field.related_model._meta.app_label == "beatsync"


def test_tables_that_are_there_are_found_cheaply(store: Store) -> None:
    with queries(store) as log:
        store.check_tables()
    assert len(log) == 2


@pytest.fixture
def bare_store(bare_url: str) -> Iterator[Store]:
    add_alias("bare", bare_url)
    yield Store("bare", project_settings=False)
    connections["bare"].close()


def test_a_bare_database_is_told_what_to_run_first_and_next(bare_store: Store) -> None:
    with pytest.raises(SchemaMissing) as first:
        bare_store.check_tables()
    assert "django_celery_beat.0001_initial and " in str(first.value)
    assert "python manage.py migrate django_celery_beat" in str(first.value)
    assert "beatsync migrate --with-beat" in str(first.value)
    assert bare_store.describe() in str(first.value)

    call_command("migrate", "django_celery_beat", database="bare", verbosity=0)
    with pytest.raises(
        SchemaMissing, match=r"migrations beatsync\.0001_initial and 10 more are not applied\. Run `beatsync migrate`"
    ):
        bare_store.check_tables()

    assert bare_store.migrate(with_beat=False) == [
        "beatsync.0001_initial", "beatsync.0002_lighter_inventory", "beatsync.0003_inventoryentry_digests",
        "beatsync.0004_file_records",
        "beatsync.0005_plan_key", "beatsync.0006_inventoryentry_schedule",
        "beatsync.0007_application_sets", "beatsync.0008_source_timezone",
        "beatsync.0009_syncrecord_run_url", "beatsync.0010_pause",
        "beatsync.0011_inventoryentry_operator_fields",
    ]  # fmt: skip
    bare_store.check_tables()
    assert bare_store.migrate(with_beat=True) == []


def test_a_lighter_inventory_keeps_what_is_owned_and_names_unique(bare_store: Store) -> None:
    call_command("migrate", "django_celery_beat", database="bare", verbosity=0)
    call_command("migrate", "beatsync", "0001", database="bare", verbosity=0)
    old = MigrationExecutor(connections["bare"]).loader.project_state(("beatsync", "0001_initial")).apps
    source = old.get_model("beatsync", "Source").objects.using("bare").create(name="shop")
    entries = old.get_model("beatsync", "InventoryEntry").objects.using("bare")
    entries.create(source=source, name="nightly", row_id=7, applied="{}", on_remove="keep", path="a.yaml")
    assert len(_indexes()) > 3
    with pytest.raises(SchemaMissing, match=r"beatsync\.0002_lighter_inventory and 9 more"):
        bare_store.check_tables()

    assert bare_store.migrate(with_beat=False) == [
        "beatsync.0002_lighter_inventory", "beatsync.0003_inventoryentry_digests",
        "beatsync.0004_file_records",
        "beatsync.0005_plan_key", "beatsync.0006_inventoryentry_schedule",
        "beatsync.0007_application_sets", "beatsync.0008_source_timezone",
        "beatsync.0009_syncrecord_run_url", "beatsync.0010_pause",
        "beatsync.0011_inventoryentry_operator_fields",
    ]  # fmt: skip
    assert sorted(_indexes()) == [("id",), ("name",), ("row_id",)]
    before = bare_store.observe("shop")
    assert before.inventory == {
        "nightly": Owned("nightly", 7, "{}", Policy(OnRemove.KEEP, protect=False), "a.yaml", entry_id=1)
    }
    entry = InventoryEntry.objects.using("bare").get()
    entry.pk = None
    with pytest.raises(IntegrityError):
        entry.save()
    assert bare_store.observe("shop") == before


def _indexes() -> list[tuple[str, ...]]:
    """Return the columns of each index and constraint of the inventory."""
    with connections["bare"].cursor() as cursor:
        constraints = connections["bare"].introspection.get_constraints(cursor, InventoryEntry._meta.db_table)
    return [tuple(constraint["columns"]) for constraint in constraints.values()]


def test_tables_of_an_old_release_are_told_apart_from_none(bare_store: Store) -> None:
    call_command("migrate", "django_celery_beat", "0011", database="bare", verbosity=0)
    with pytest.raises(SchemaMissing, match=r"migrations django_celery_beat\.0012_periodictask_expire_seconds and"):
        bare_store.check_tables()


def test_a_column_that_is_gone_though_migrated_is_named(bare_store: Store) -> None:
    assert len(bare_store.migrate(with_beat=True)) > 10
    with connections["bare"].cursor() as cursor:
        cursor.execute("ALTER TABLE beatsync_source DROP COLUMN origin")
    with pytest.raises(SchemaMissing, match=r"recorded as applied, and yet: .*origin"):
        bare_store.check_tables()


def test_a_migration_that_is_at_work_meanwhile_is_no_fault_of_ours(bare_store: Store, bare_url: str) -> None:
    """A daemon that waits for its tables checks them while they change; the next column may appear at any time."""
    bare_store.migrate(with_beat=True)
    table = "django_celery_beat_periodictask"
    with connections["bare"].cursor() as cursor:
        for column in ("expire_seconds", "priority"):
            cursor.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    add_alias("migrating", bare_url)
    added: list[str] = []

    def migrate(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        result = execute(sql, parameters, many, context)
        if not added and table in f"{sql} {parameters}":
            with connections["migrating"].cursor() as cursor:
                cursor.execute(f"ALTER TABLE {table} ADD COLUMN priority integer")
            added.append("priority")
        return result

    with connections["bare"].execute_wrapper(migrate), pytest.raises(SchemaMissing, match=r"expire_seconds|priority"):
        bare_store.check_tables()
    connections["migrating"].close()
    assert added


def test_a_server_that_is_not_there_is_an_error_for_people() -> None:
    add_alias("nowhere", "postgres://app:s3cret@127.0.0.1:1/app")
    with pytest.raises(StoreError) as caught:
        Store("nowhere").check_tables()
    assert not isinstance(caught.value, SchemaMissing)
    assert str(caught.value).startswith("PostgreSQL app on 127.0.0.1:1: ")
    assert "\n" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_password_that_is_refused_is_not_told() -> None:
    from tests.conftest import MARIADB_URL

    place = MARIADB_URL.rpartition("@")[2]
    add_alias("refused", f"mysql://nobody:s3cret@{place}")
    with pytest.raises(StoreError, match="nobody") as caught:
        Store("refused").observe("shop")
    assert "s3cret" not in str(caught.value)


OLD_ENTRY = (
    "source_id", "name", "row_id", "applied", "on_remove", "ignore", "sensitive", "protect", "path", "retired", "frozen",
    "said", "as_left",
)  # fmt: skip
"""The columns that the release before names when it writes an entry."""


def test_the_release_before_keeps_working_beside_this_one(store: Store) -> None:
    """Its statements name the columns `said` and `as_left`; this release names neither, and empties both."""
    row = create_all(store, hourly()).rows["hourly"]
    db = dialect(store)
    source_id = db.fetch("SELECT id FROM beatsync_source")[0][0]
    old = [
        source_id,
        "old",
        row.row_id + 1,
        "{}",
        "delete",
        "[]",
        "[]",
        True,
        "a.yaml",
        False,
        False,
        "ab" * 16,
        "cd" * 16,
    ]
    values = ", ".join(["%s"] * len(OLD_ENTRY))
    db.execute(f"INSERT INTO beatsync_inventoryentry ({', '.join(map(db.quote, OLD_ENTRY))}) VALUES ({values})", old)
    assert set(store.observe("shop").inventory) == {"hourly", "old"}
    select = "SELECT name, said, as_left FROM beatsync_inventoryentry ORDER BY name"
    assert db.fetch(select) == [("hourly", "", ""), ("old", "ab" * 16, "cd" * 16)]
    db.execute("UPDATE beatsync_inventoryentry SET said = 'x', as_left = 'y' WHERE name = 'hourly'")
    apply(store, plan(records=[record(hourly(), row.row_id)]))
    assert db.fetch(select)[0] == ("hourly", "", "")


def test_what_the_release_before_wrote_into_its_columns_changes_no_digest(store: Store) -> None:
    create_all(store, hourly())
    before = store.row_fingerprints("shop")
    dialect(store).execute("UPDATE beatsync_inventoryentry SET said = 'x', as_left = 'y'")
    assert store.row_fingerprints("shop") == before


def test_a_migration_with_entries_keeps_them(bare_store: Store) -> None:
    call_command("migrate", "django_celery_beat", database="bare", verbosity=0)
    call_command("migrate", "beatsync", "0003", database="bare", verbosity=0)
    old = MigrationExecutor(connections["bare"]).loader.project_state(("beatsync", "0003_inventoryentry_digests")).apps
    source = old.get_model("beatsync", "Source").objects.using("bare").create(name="shop")
    entries = old.get_model("beatsync", "InventoryEntry").objects.using("bare")
    entries.create(
        source_id=source.pk, name="nightly", row_id=7, applied="{}", on_remove="keep", path="a", said="a", as_left="b"
    )
    assert bare_store.migrate(with_beat=False) == [
        "beatsync.0004_file_records", "beatsync.0005_plan_key", "beatsync.0006_inventoryentry_schedule",
        "beatsync.0007_application_sets", "beatsync.0008_source_timezone",
        "beatsync.0009_syncrecord_run_url", "beatsync.0010_pause",
        "beatsync.0011_inventoryentry_operator_fields",
    ]  # fmt: skip
    expected = Owned("nightly", 7, "{}", Policy(OnRemove.KEEP, protect=False), "a", entry_id=1)
    assert bare_store.observe("shop").inventory == {"nightly": expected}
    assert sorted(_indexes()) == [("id",), ("name",), ("row_id",)]
    call_command("migrate", "beatsync", "0003", database="bare", verbosity=0)
    assert entries.get().said in {"", "a"}


def test_the_models_of_the_migration_before_keep_working_on_these_tables(bare_store: Store) -> None:
    """While a deployment is under way, the release before writes without knowing the columns and tables of 0005 and later."""
    call_command("migrate", "django_celery_beat", database="bare", verbosity=0)
    call_command("migrate", "beatsync", "0004", database="bare", verbosity=0)
    old = MigrationExecutor(connections["bare"]).loader.project_state(("beatsync", "0004_file_records")).apps
    sources, entries, files = (
        old.get_model("beatsync", name).objects.using("bare") for name in ("Source", "InventoryEntry", "FileRecord")
    )
    source = sources.create(name="shop", environment="staging")
    assert bare_store.migrate(with_beat=False)[:3] == [
        "beatsync.0005_plan_key", "beatsync.0006_inventoryentry_schedule", "beatsync.0007_application_sets",
    ]  # fmt: skip
    entries.create(source_id=source.pk, name="nightly", row_id=7, applied="{}", on_remove="keep", path="a.yaml")
    files.create(source_id=source.pk, path="a.yaml", path_digest="d", fingerprint="f", facts="{}")
    sources.create(name="billing")
    Source.objects.using("bare").filter(name="shop").update(checksum="ab" * 32)
    source.outcome = "applied"
    source.save(using="bare")

    observed = bare_store.observe("shop")
    expected = Owned("nightly", 7, "{}", Policy(OnRemove.KEEP, protect=False), "a.yaml", entry_id=1)
    assert observed.inventory == {"nightly": expected}
    assert (observed.outcome, observed.environment, observed.checksum) == ("applied", "staging", "ab" * 32)
    assert (bare_store.observe("billing").checksum, len(observed.plan_key)) == (None, 64)
    assert [file.path for file in files.all()] == ["a.yaml"]

    call_command("migrate", "beatsync", "0004", database="bare", verbosity=0)
    assert (sources.get(name="shop").outcome, entries.get().name, files.get().path) == ("applied", "nightly", "a.yaml")
    bare_store.migrate(with_beat=False)
    new_key = Store("bare", project_settings=False).observe("shop").plan_key
    assert (len(new_key), new_key == observed.plan_key) == (64, False)
