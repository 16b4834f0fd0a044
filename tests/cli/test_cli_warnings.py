"""Every command that opens the database warns about known problems of the installed django-celery-beat."""

from __future__ import annotations

import pytest
from django.test import override_settings

from beatsync.store import project
from tests.cli.commanding import InProcess

SPEC = 'schedules:\n  nightly: {task: shop.bill, crontab: "0 2 * * *"}\n'


def test_a_release_without_known_problems_causes_no_warning(here: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project, "version", lambda _: "2.8.1")
    here.spec(SPEC)
    assert here("plan").err == ""


@pytest.mark.parametrize("command", ["plan", "sync", "status"])
def test_the_release_that_ignores_time_zones_is_reported_with_the_fix(
    here: InProcess, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(project, "version", lambda _: "2.8.0")
    here.spec(SPEC)
    result = here(command)
    assert result.code == 0
    assert result.err.startswith("warning: django-celery-beat 2.8.0 does not run crontabs that carry another time zone")
    assert "update beat to 2.8.1" in result.err


def test_a_setting_that_ignores_time_zones_is_reported(here: InProcess) -> None:
    here.spec(SPEC)
    with override_settings(DJANGO_CELERY_BEAT_TZ_AWARE=False):
        result = here("plan")
    assert result.code == 0
    assert "warning: DJANGO_CELERY_BEAT_TZ_AWARE is False" in result.err
