"""Which dialect a connection has, and that nothing outside `store/dialects` asks which database it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connections

from beatsync.store import DatabaseChoice, Store, StoreError, connect
from beatsync.store.connect import database_settings, set_timeouts
from beatsync.store.dialects import dialect_of, dialect_of_engine
from tests.conftest import Server, add_alias
from tests.store.storing import create_all, run
from tests.store.test_store_apply import hourly

PACKAGE = Path(__file__).parents[2] / "beatsync"


@pytest.mark.parametrize("vendor", ["oracle", "microsoft", "cockroachdb", ""])
def test_an_unknown_database_is_refused_by_its_name(vendor: str) -> None:
    connection: Any = SimpleNamespace(vendor=vendor)
    with pytest.raises(StoreError, match=f"does not support the database '{vendor}': use SQLite, PostgreSQL, MariaDB"):
        dialect_of(connection)


def test_an_unknown_database_of_a_project_is_refused_when_it_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(connections["default"]), "vendor", "other")
    with pytest.raises(StoreError, match="does not support the database 'other'"):
        connect(DatabaseChoice(alias="default"))
    with pytest.raises(StoreError, match="does not support the database 'other'"):
        Store("default").observe("shop")


def test_each_engine_has_its_dialect() -> None:
    names = {engine: dialect_of_engine(f"django.db.backends.{engine}") for engine in ("sqlite3", "postgresql", "mysql")}
    assert [dialect and dialect.label for dialect in names.values()] == ["SQLite", "PostgreSQL", "MySQL"]
    assert dialect_of_engine("django.db.backends.oracle") is None


def test_a_server_with_another_date_style_can_be_migrated_and_read(
    server: Callable[[str], Server],
) -> None:
    url = server("postgresql").create()
    store = connect(DatabaseChoice(url=url))
    run(store, f"ALTER DATABASE {urlsplit(url).path[1:]} SET DateStyle TO 'SQL, DMY'")
    store.close()
    assert store.migrate(with_beat=True)
    assert store.migrate(with_beat=True) == []
    expires = datetime(2030, 12, 11, 10, tzinfo=timezone.utc)
    assert create_all(store, hourly(expires=expires)).rows["hourly"].spec.expires == expires
    store.close()


def test_no_other_module_compares_the_name_of_a_database() -> None:
    """If this fails, add a method to `Dialect` and implement it for each database."""
    comparison = re.compile(r"\bvendor\b|[=!]= *[\"'](sqlite|postgresql|postgres|mysql|mariadb)", re.IGNORECASE)
    compared = [
        f"{path.relative_to(PACKAGE)}:{number}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if "dialects" not in path.parts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if comparison.search(line)
    ]
    assert compared == []


@pytest.mark.parametrize(
    ("url", "option"),
    [
        ("sqlite:///x.sqlite3", None),
        ("postgres://app@127.0.0.1:1/app", "tcp_user_timeout"),
        ("mysql://app@127.0.0.1:1/app", "read_timeout"),
    ],
)
def test_a_process_without_an_operator_waits_for_no_silent_server(url: str, option: str | None) -> None:
    add_alias("unattended", url)
    before = dict(database_settings(url).get("OPTIONS") or {})
    set_timeouts("unattended")
    options = connections.settings["unattended"]["OPTIONS"]
    assert options.keys() >= before.keys()
    assert option is None or option in options
    assert options == before if option is None else len(options) > len(before)
