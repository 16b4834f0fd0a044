"""The pages of the admin as they must be with each package that changes the admin."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps

from tests.web.conftest import SPEC, form_data, page, task
from tests.web.site import SKIN

if TYPE_CHECKING:
    from django.test import Client

    Sync = Callable[[str], None]


def test_the_list_and_the_form_of_a_managed_row(client: Client, sync: Sync) -> None:
    sync(SPEC)
    nightly = task("nightly")
    listed = client.get(page())
    assert listed.status_code == 200
    assert "default" in listed.content.decode()
    assert "managed by" in listed.content.decode().lower()
    assert client.get(page(query="?beatsync_source=in:default")).context["cl"].result_count == 2
    assert client.get(page(query="?beatsync_source=none")).context["cl"].result_count == 0

    shown = client.get(page("change", nightly))
    text = shown.content.decode()
    assert shown.status_code == 200
    assert "BeatSync manages this row" in text
    assert "a.yaml:2" in text
    assert "Edit anyway" in text
    assert "hunter2" not in text.partition('class="beatsync-notice"')[2].partition("</div>")[0]

    # A locked field cannot be written, `enabled` can.
    refused = client.post(page("change", nightly), form_data(shown, queue="fast", task="evil", enabled=""))
    assert refused.status_code == 302
    after = task("nightly")
    assert (after.queue, after.task, after.enabled) == ("slow", "shop.bill", False)


def test_a_deliberate_edit_and_the_history(client: Client, sync: Sync) -> None:
    sync(SPEC)
    nightly = task("nightly")
    edit = page("change", nightly, "?beatsync_edit=1")
    unlocked = client.get(edit)
    assert "All fields but the name are unlocked" in unlocked.content.decode()
    # From a filtered list, Django names a URL to which the form is sent.
    filtered = client.get(f"{edit}&_changelist_filters=beatsync_source%3Din%253Adefault").content.decode()
    (form,) = re.findall(r'<form[^>]*id="periodictask_form"[^>]*>', filtered)
    assert "beatsync_edit=1" in (re.findall(r'action="([^"]*)"', form) or ["beatsync_edit=1"])[0]
    assert client.post(edit, form_data(unlocked, queue="fast")).status_code == 200  # no reason
    assert task("nightly").queue == "slow"
    saved = client.post(edit, form_data(unlocked, queue="fast", beatsync_reason="the slow workers are down"))
    assert saved.status_code == 302
    assert task("nightly").queue == "fast"

    past = client.get(page("history", nightly))
    assert past.status_code == 200
    if SKIN != "simple_history":  # it has its own page
        text = past.content.decode()
        assert "the slow workers are down" in text
        assert "BeatSync, source default, applied" in text.replace("<strong>", "").replace("</strong>", "")


def test_a_row_is_paused_from_its_form(client: Client, sync: Sync) -> None:
    sync(SPEC)
    url = page("beatsync-pause", task("nightly"))
    assert url in client.get(page("change", task("nightly"))).content.decode()
    asked = client.get(url)
    assert asked.status_code == 200
    assert all(f'name="{name}"' in asked.content.decode() for name in ("reason", "duration", "beatsync_pause"))
    assert client.post(url, {"beatsync_pause": "Pause", "reason": "a move", "duration": ""}).status_code == 302
    assert not task("nightly").enabled
    assert ": a move" in client.get(page("change", task("nightly"))).content.decode()
    assert 'name="beatsync_unpause"' in client.get(url).content.decode()


def test_a_deletion_and_an_action_ask_first(client: Client, sync: Sync) -> None:
    sync(SPEC)
    asked = client.get(page("delete", task("nightly")))
    assert asked.status_code == 200
    assert "The next sync creates it again" in asked.content.decode()

    action = {"action": "disable_tasks", "_selected_action": [str(task("hourly").pk)], "index": "0"}
    asked = client.post(page(), action)
    assert asked.status_code == 200
    assert "the next sync restores enabled: true" in asked.content.decode()
    assert task("hourly").enabled
    assert client.post(page(), {**action, "beatsync_confirmed": "1"}).status_code == 302
    assert not task("hourly").enabled


def test_shared_schedules_are_locked_and_the_tables_have_pages(client: Client, sync: Sync) -> None:
    sync(SPEC)
    crontab = task("nightly").crontab
    assert crontab is not None
    shared = f"/admin/django_celery_beat/crontabschedule/{crontab.pk}"
    text = client.get(f"{shared}/change/").content.decode()
    assert "tasks that BeatSync manages use this row: nightly" in text
    assert client.post(f"{shared}/delete/", {"post": "yes"}).status_code == 403
    assert task("nightly").crontab == crontab

    for name in ("source", "inventoryentry", "syncrecord"):
        rows = client.get(f"/admin/beatsync/{name}/")
        assert rows.status_code == 200
        assert client.get(f"/admin/beatsync/{name}/{rows.context['cl'].result_list[0].pk}/change/").status_code == 200
        assert client.get(f"/admin/beatsync/{name}/add/").status_code == 403


@pytest.mark.skipif(SKIN != "simple_history", reason="only django-simple-history puts old versions into the form")
def test_an_old_version_does_not_return_to_locked_fields(client: Client, sync: Sync) -> None:
    sync(SPEC)
    edit = page("change", task("nightly"), "?beatsync_edit=1")
    client.post(edit, form_data(client.get(edit), queue="fast", beatsync_reason="x"))
    sync(SPEC)
    old: Any = apps.get_app_config("shop").get_model("HistoricalPeriodicTask")._default_manager.latest("history_date")
    assert (old.queue, task("nightly").queue) == ("fast", "slow")
    url = page("history", task("nightly"), f"{old.pk}/")
    client.post(url, form_data(client.get(url)))
    assert task("nightly").queue == "slow"
