"""The other guides of docs/moving-in.md, each followed command by command on PostgreSQL to the first plan that has nothing to do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.cli.commanding import clean_environment
from tests.conftest import Server
from tests.moving.bazaar import Bazaar, Guide, changed

pytestmark = pytest.mark.lab


@pytest.fixture
def bazaar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Callable[[str], Server]) -> Bazaar:
    """The project with the rows of its data migration and of the admin; its code has no schedules."""
    clean_environment(monkeypatch)
    project = Bazaar(tmp_path / "bazaar", server("postgresql").create())
    project.remove_schedules_from_code()
    project.build()
    return project


def test_rows_of_the_admin_then_data_migrations_in_a_fresh_environment(
    bazaar: Bazaar, server: Callable[[str], Server]
) -> None:
    start = bazaar.rows()
    guide = Guide("Rows of the admin", bazaar)
    assert "21 rows without a source\n" in guide("status").out
    guide("export")
    bazaar.fill_in_secrets()
    guide("validate")
    assert guide("plan").out.endswith("\n18 to adopt, 0 unchanged.\n")
    guide("sync")
    assert guide("plan").out == "Nothing to do: 18 unchanged.\n"
    guide.end()
    assert changed(start, bazaar.rows()) == []

    # A new database, in which the data migration makes its rows again.
    bazaar.env["PROJECT_DATABASE_URL"] = server("postgresql").create()
    bazaar.run("manage.py", "migrate", "--verbosity=0")
    fresh = Guide("A fresh environment", bazaar)
    fresh("validate")
    assert fresh("plan", code=4).out.count("[conflict]") == 5
    text = bazaar.specs.read_text(encoding="utf-8")
    assert "defaults:\n" in text
    bazaar.specs.write_text(text.replace("defaults:\n", "defaults:\n  sync: {adopt: true}\n"), encoding="utf-8")
    assert "18 unchanged" not in fresh("sync").out
    assert fresh("plan").out == "Nothing to do: 18 unchanged.\n"
    fresh.end()
    off = {row["name"] for row in bazaar.rows()["PeriodicTask"] if not row["enabled"]}
    assert off == {"paused poll", "paused purge", "paused call", "migration.off"}


def test_several_services_on_one_database(bazaar: Bazaar) -> None:
    bazaar.run("-c", _OTHER_SERVICE)
    start = bazaar.rows()
    guide = Guide("Several services on one database", partial(bazaar.beside, source="billing"))
    guide("migrate")
    guide("export")
    guide("validate")
    assert guide("plan").out.endswith("\n2 to adopt, 0 unchanged.\n")
    guide("sync")
    assert guide("plan").out == "Nothing to do: 2 unchanged.\n"
    assert "\n21 rows without a source\n" in guide("status").out
    guide.end()
    assert changed(start, bazaar.rows()) == []


_OTHER_SERVICE = """
import django
django.setup()
from django_celery_beat.models import IntervalSchedule, PeriodicTask
hour = IntervalSchedule.objects.create(every=1, period="hours")
for name in ("invoices", "dunning"):
    PeriodicTask.objects.create(name=name, task=f"billing.{name}", interval=hour)
"""


def test_several_teams_in_one_repository(bazaar: Bazaar) -> None:
    guide = Guide("Several teams in one repository", bazaar)
    guide("export")
    bazaar.specs = bazaar.path / "schedules.d" / "bazaar.yaml"
    bazaar.fill_in_secrets()
    guide("validate")
    guide("plan")
    guide("sync")
    assert guide("plan").out == "Nothing to do: 18 unchanged.\n"
