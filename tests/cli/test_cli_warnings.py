"""What is known against the django-celery-beat that is there is said with every command that opens its tables."""

from __future__ import annotations

import pytest
from django.test import override_settings

from beatsync.store import versions
from tests.cli.commanding import Here

SPEC = 'schedules:\n  nightly: {task: shop.bill, crontab: "0 2 * * *"}\n'


def test_nothing_is_said_of_a_release_and_settings_that_do_as_they_are_told(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "version", lambda _: "2.8.1")
    here.spec(SPEC)
    assert here("plan").err == ""


@pytest.mark.parametrize("command", ["plan", "sync", "status"])
def test_the_release_that_does_not_run_zones_is_named_with_the_mend(
    here: Here, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(versions, "version", lambda _: "2.8.0")
    here.spec(SPEC)
    answer = here(command)
    assert answer.code == 0
    assert answer.err.startswith("warning: django-celery-beat 2.8.0 does not run crontabs that carry another time zone")
    assert "update beat to 2.8.1" in answer.err


def test_a_beat_that_is_told_to_ignore_zones_is_named(here: Here) -> None:
    here.spec(SPEC)
    with override_settings(DJANGO_CELERY_BEAT_TZ_AWARE=False):
        answer = here("plan")
    assert answer.code == 0
    assert "warning: DJANGO_CELERY_BEAT_TZ_AWARE is False" in answer.err
