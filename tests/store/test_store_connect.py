"""Which database is chosen, and the message if it cannot be used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from beatsync.store import DatabaseChoice, SchemaMissing, StoreError, connect
from beatsync.store.connect import database_settings, mask_url
from beatsync.store.dialects import mysql, postgresql
from tests.conftest import Backend

ROOT = Path(__file__).parents[2]
SETTINGS = """
SECRET_KEY = "x"
INSTALLED_APPS = {apps}
DATABASES = {{
    "default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "project.sqlite3"}},
    "beat": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "beat.sqlite3"}},
}}
DATABASE_ROUTERS = {routers}
USE_TZ = True
CELERY_TIMEZONE = "Europe/Vienna"
CELERY_BEAT_SCHEDULE = {{"from-settings": {{"task": "a", "schedule": 30}}}}
"""
ROUTER = """
class BeatElsewhere:
    def db_for_write(self, model, **hints):
        return "beat" if model._meta.app_label == "django_celery_beat" else None
"""
BOTH = ["django_celery_beat", "beatsync"]


def run(folder: Path, choice: str, then: str = "print(json.dumps(store.alias))") -> object:
    """Connect in a process of its own, where Django is not set up, and return what it prints, or the error's text."""
    code = (
        "import json\nfrom pathlib import Path\nfrom beatsync.store import DatabaseChoice, StoreError, connect\n"
        f"try:\n    store = connect(DatabaseChoice({choice}))\n    {then}\n"
        "except StoreError as error:\n    print(json.dumps({'error': str(error)}))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def project(folder: Path, apps: list[str] = BOTH, routers: list[str] | None = None) -> None:
    (folder / "shop").mkdir()
    (folder / "shop" / "settings.py").write_text(SETTINGS.format(apps=apps, routers=routers or []))
    (folder / "shop" / "routers.py").write_text(ROUTER)


def test_the_embedded_default_makes_its_own_tables(tmp_path: Path) -> None:
    then = "print(json.dumps([store.describe(), store.observe('shop').rows, store.celery_timezone()]))"
    assert run(tmp_path, "", then) == ["SQLite beatsync.sqlite3", {}, None]
    assert (tmp_path / "beatsync.sqlite3").exists()
    assert run(tmp_path, "", then) == ["SQLite beatsync.sqlite3", {}, None]
    run(tmp_path, "embedded=Path('other.sqlite3')")
    assert (tmp_path / "other.sqlite3").exists()


def test_the_projects_settings_are_found_where_one_stands(tmp_path: Path) -> None:
    project(tmp_path)
    then = "print(json.dumps([store.alias, store.celery_timezone(), sorted(store.beat_schedule_names())]))"
    assert run(tmp_path, "settings_module='shop.settings'", then) == ["default", "Europe/Vienna", ["from-settings"]]
    assert run(tmp_path, "settings_module='shop.settings', alias='beat'", then) == [
        "beat",
        "Europe/Vienna",
        ["from-settings"],
    ]


def test_the_projects_routers_are_asked(tmp_path: Path) -> None:
    project(tmp_path, routers=["shop.routers.BeatElsewhere"])
    assert run(tmp_path, "settings_module='shop.settings'") == "beat"
    assert run(tmp_path, "settings_module='shop.settings', alias='default'") == "default"


def test_a_url_goes_before_the_projects_settings(tmp_path: Path) -> None:
    project(tmp_path)
    then = "print(json.dumps([store.describe(), store.celery_timezone()]))"
    choice = "url='sqlite:///here.sqlite3', settings_module='shop.settings'"
    assert run(tmp_path, choice, then) == ["SQLite here.sqlite3", None]


@pytest.mark.parametrize(
    ("apps", "choice", "message"),
    [
        (["django_celery_beat"], "settings_module='shop.settings'", "add 'beatsync' to INSTALLED_APPS"),
        ([], "settings_module='shop.settings'", "add 'django_celery_beat' and 'beatsync' to INSTALLED_APPS"),
        (BOTH, "settings_module='shop.nowhere'", "'shop.nowhere' cannot be loaded: No module named"),
        (
            BOTH,
            "settings_module='shop.settings', alias='nope'",
            "no database 'nope' in DATABASES; it has beat, default",
        ),
        (["missing_app"], "settings_module='shop.settings'", "cannot be loaded: No module named 'missing_app'"),
        (BOTH, "alias='beat'", "the database 'beat' is looked for in a Django project's DATABASES, and there is no"),
    ],
)
def test_what_a_project_lacks_is_said(tmp_path: Path, apps: list[str], choice: str, message: str) -> None:
    project(tmp_path, apps)
    answer = run(tmp_path, choice)
    assert isinstance(answer, dict)
    assert message in answer["error"]


def test_a_url_of_a_file_that_is_not_there_makes_none(tmp_path: Path) -> None:
    then = """from beatsync.store import SchemaMissing
    try:
        store.check_tables()
    except SchemaMissing as error:
        print(json.dumps(str(error)))"""
    answer = run(tmp_path, "url='sqlite:///typo.sqlite3'", then)
    assert answer == "there is no database file typo.sqlite3; `beatsync migrate --with-beat` makes it"
    assert not (tmp_path / "typo.sqlite3").exists()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://joe:s3cret@host/x", r"ftp://joe:\*\*\*@host/x cannot be read"),
        ("postgres://joe:s3#cret@host:port/x", "cannot be read"),
        ("oracle://joe:s3cret@host/x", r"oracle://joe:\*\*\*@host/x cannot be read: it begins with sqlite://"),
        ("postgres:/joe:s3cret@host/x", r"the database URL \*\*\* cannot be read: it begins with sqlite://"),
        ("mysql:joe:s3cret@host/x", r"the database URL \*\*\* cannot be read: it begins with sqlite://"),
        ("nonsense", "cannot be read: it begins with sqlite://, postgres://, mysql:// or mariadb://"),
        ("s3cret", "cannot be read"),
        ("postgres://host:port/x?password=s3cret", "postgres://host:port/x cannot be read: write it as "),
    ],
)
def test_a_url_that_cannot_be_read_is_told_without_its_password(url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message) as caught:
        connect(DatabaseChoice(url=url))
    assert "s3" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("schemes", "engine"),
    [
        ("postgres postgresql POSTGRES postgis pgsql postgresql+psycopg postgresql+psycopg2", "postgresql"),
        ("mysql mariadb mysql2 mysql+pymysql mariadb+mariadbconnector", "mysql"),
    ],
)
def test_the_aliases_of_a_database_choose_it(schemes: str, engine: str) -> None:
    for scheme in schemes.split():
        settings = database_settings(f"{scheme}://joe:pw@host:1234/shop")
        assert (settings["ENGINE"], settings["HOST"], settings["NAME"]) == (
            f"django.db.backends.{engine}",
            "host",
            "shop",
        )


@pytest.mark.parametrize(
    ("module", "url", "extra"),
    [("pymysql", "mariadb://host/x", "mysql"), ("psycopg", "postgres://host/x", "postgres")],
)
def test_a_driver_that_is_missing_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, module: str, url: str, extra: str
) -> None:
    missing = {module, "MySQLdb", "psycopg2"}
    for dialect in (mysql, postgresql):
        monkeypatch.setattr(dialect, "find_spec", lambda name: None if name in missing else object())
    with pytest.raises(StoreError, match=rf"pip install 'beatsync\[{extra}\]'"):
        connect(DatabaseChoice(url=url))


def test_django_that_is_set_up_is_taken_as_it_is(sqlite_backend: Backend) -> None:
    """As under `manage.py`."""
    assert connect(DatabaseChoice(settings_module="ignored.settings")).alias == sqlite_backend.alias


def test_a_url_beside_a_django_that_is_set_up(backend: Backend) -> None:
    store = connect(DatabaseChoice(url=backend.url))
    assert store.alias != backend.alias
    store.check_tables()
    assert connect(DatabaseChoice(url=backend.url)).alias == store.alias
    store.close()


def test_a_bare_url_needs_migrating(bare_url: str) -> None:
    store = connect(DatabaseChoice(url=bare_url.replace("mysql://", "mariadb://")))
    with pytest.raises(SchemaMissing):
        store.check_tables()
    store.close()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgres://joe:pw@host:5432/x", "postgres://joe:***@host:5432/x"),
        ("postgres://joe:p@w@host/x", "postgres://joe:***@host/x"),
        ("postgres://joe@host/x", "postgres://joe@host/x"),
        ("postgres://host/x?password=pw", "postgres://host/x"),
        ("sqlite:///x.db", "sqlite:///x.db"),
        ("pw", "***"),
    ],
)
def test_masked_urls(url: str, shown: str) -> None:
    assert mask_url(url) == shown
