"""The other guides of docs/moving-in.md, each followed command by command on PostgreSQL to the first plan that has nothing to do.

A real beat runs meanwhile: no run is missed and none is doubled.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.cli.commanding import clean_environment
from tests.conftest import Server
from tests.moving.bazaar import Bazaar, Guide
from tests.moving.walk import CONTROL, Walk

pytestmark = pytest.mark.lab

TICKS = ("admin tick", "migration.tick")
"""Each runs once a second, and has another origin."""


@pytest.fixture
def bazaar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Callable[[str], Server]) -> Bazaar:
    """The project on an empty database; its code has no schedules."""
    clean_environment(monkeypatch)
    project = Bazaar(tmp_path / "bazaar", server("postgresql").create())
    project.remove_schedules_from_code()
    return project


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    return partial(record_property, "measured")


def test_rows_of_the_admin(bazaar: Bazaar, measured: Callable[[str], None]) -> None:
    bazaar.build()
    start = bazaar.rows()
    guide = Guide("Rows of the admin", bazaar)
    walk = Walk(bazaar, TICKS)
    with walk.beat():
        assert "21 rows without a source\n" in guide("status").out
        guide("export")
        walk.make_control()
        bazaar.fill_in_secrets()
        guide("validate")
        walk.wait_for_runs(1)
        assert guide("plan").out.endswith("\n18 to adopt, 0 unchanged.\n")
        guide("sync")
        assert guide("plan").out == "Nothing to do: 18 unchanged.\n"
        guide.end()
        walk.wait_for_runs(2)
    measured(walk.check_runs())
    walk.check_rows(start)


def test_data_migrations_in_a_new_database(bazaar: Bazaar, measured: Callable[[str], None]) -> None:
    bazaar.run("manage.py", "migrate", "--verbosity=0")
    bazaar.run("start_beat.py")
    assert bazaar("export", "--out", "schedules.d").code == 0
    text = bazaar.specs.read_text(encoding="utf-8")
    assert text.count("\ndefaults:\n") == 1
    bazaar.specs.write_text(text.replace("defaults:\n", "defaults:\n  sync: {adopt: true}\n"), encoding="utf-8")
    start = bazaar.rows()
    walk = Walk(bazaar, ["migration.tick"])
    with walk.beat():
        walk.make_control()
        walk.wait_for_runs(1)
        assert "5 adopted" in bazaar("sync").out
        assert bazaar("plan").out == "Nothing to do: 5 unchanged.\n"
        walk.wait_for_runs(2)
    measured(walk.check_runs())
    walk.check_rows(start)


def test_several_services_on_one_database(bazaar: Bazaar, measured: Callable[[str], None]) -> None:
    bazaar.build()
    bazaar.run("-c", _OTHER_SERVICE)
    start = bazaar.rows()
    guide = Guide("Several services on one database", partial(bazaar.beside, source="billing"))
    walk = Walk(bazaar, [*TICKS, "invoices"])
    with walk.beat():
        guide("migrate")
        guide("export")
        guide("validate")
        walk.make_control()
        walk.wait_for_runs(1)
        assert guide("plan").out.endswith("\n2 to adopt, 0 unchanged.\n")
        guide("sync")
        assert guide("plan").out == "Nothing to do: 2 unchanged.\n"
        walk.wait_for_runs(2)
    assert "\n22 rows without a source\n" in guide("status").out  # with the control
    guide.end()
    measured(walk.check_runs())
    walk.check_rows(start)


_OTHER_SERVICE = """
import django
django.setup()
from django_celery_beat.models import IntervalSchedule, PeriodicTask
second, _ = IntervalSchedule.objects.get_or_create(every=1, period="seconds")
hour = IntervalSchedule.objects.create(every=1, period="hours")
for name, interval in (("invoices", second), ("dunning", hour)):
    PeriodicTask.objects.create(name=name, task=f"billing.{name}", interval=interval)
"""


def test_several_teams_in_one_repository(bazaar: Bazaar, measured: Callable[[str], None]) -> None:
    bazaar.build()
    start = bazaar.rows()
    guide = Guide("Several teams in one repository", bazaar)
    walk = Walk(bazaar, TICKS)
    with walk.beat():
        guide("export")
        bazaar.specs = bazaar.path / "schedules.d" / "bazaar.yaml"
        bazaar.fill_in_secrets()
        guide("validate")
        walk.make_control()
        walk.wait_for_runs(1)
        guide("plan")
        guide("sync")
        assert guide("plan").out == "Nothing to do: 18 unchanged.\n"
        walk.wait_for_runs(2)
    measured(walk.check_runs())
    walk.check_rows(start)


_STAGING = """\
defaults:
  environments: {staging: {queue: staging}}
schedules:
  first tick: {task: bazaar.tick, interval: 1s}
  second tick: {task: bazaar.tick, interval: 1s, only: [staging]}
  hourly: {task: bazaar.poll, interval: 1h}
  yearly: {task: bazaar.close, crontab: "0 5 1 1 *"}
  paused: {task: bazaar.tick, interval: 1s, enabled: false}
  once: {task: bazaar.call, clocked: 2023-05-01T12:00:00+02:00}
"""


def test_a_fresh_environment(bazaar: Bazaar, measured: Callable[[str], None]) -> None:
    migration = bazaar.path / "bazaar" / "migrations" / "0001_schedules.py"
    code = migration.read_text(encoding="utf-8")
    assert "RunPython(add_schedules, " in code
    # As the guide for data migrations says.
    migration.write_text(code.replace("RunPython(add_schedules, ", "RunPython(migrations.RunPython.noop, "), "utf-8")
    bazaar.run("manage.py", "migrate", "--verbosity=0")
    bazaar.specs.parent.mkdir()
    bazaar.specs.write_text(_STAGING, encoding="utf-8")
    guide = Guide("A fresh environment", bazaar)
    assert "[clocked-past]" in guide("validate").out
    guide("plan")
    guide("sync")
    ticks = ["first tick", "second tick"]
    walk = Walk(bazaar, ticks)
    walk.make_control()
    with walk.beat():
        walk.wait_for_runs(1)
        assert guide("plan").out.endswith("\nNothing to do: 6 unchanged.\n")
        guide.end()
        walk.wait_for_runs(2)
    measured(walk.check_runs())
    assert walk.sent_names() <= {*ticks, CONTROL, "celery.backend_cleanup"}
