"""The pages of the stock admin in detail."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django_celery_beat.admin import PeriodicTaskAdmin
from django_celery_beat.models import CrontabSchedule, PeriodicTask, PeriodicTasks

from beatsync import models
from beatsync.dynamic import schedules
from beatsync.pausing import pause
from beatsync.plan.observed import Pause
from beatsync.reconcile import SyncOptions
from beatsync.store import Store, StoreError
from beatsync.web.admin import ManagedAdminMixin, database
from beatsync.web.admin.wrapping import CHECK_ID, check_wrapped, wrap_all
from tests.web.conftest import SPEC, form_data, page, task

if TYPE_CHECKING:
    from django.test import Client

    Sync = Callable[[str], None]

ROWS = 10_000
EDIT = "?beatsync_edit=1"
EVERY = """
windows:
  office: {days: mon-fri, from: "08:00", to: "18:00"}
schedules:
  prices: {task: shop.refresh, every: {office: 1m, otherwise: 15m}}
  hourly: {task: shop.tidy, interval: 1h}
"""
HOSTILE = "</div><script>alert(1)</script>"


def shown(response: Any) -> str:
    """Return the notice of a form."""
    text: str = response.content.decode()
    return text.partition('class="beatsync-notice"')[2].partition("</div>")[0]


def plain(text: str) -> str:
    """Return HTML without its tags."""
    return re.sub(r"<[^>]+>", "", text)


def unowned(name: str = "by-hand", **fields: Any) -> PeriodicTask:
    every = task("hourly").interval
    return PeriodicTask.objects.create(name=name, task="shop.other", interval=every, **fields)


# The list.


def test_a_page_of_the_list_takes_few_queries(client: Client, sync: Sync) -> None:
    lines = [f"  task-{number:05}: {{task: shop.t, interval: {number % 50 + 1}m}}\n" for number in range(ROWS)]
    sync(f"schedules:\n{''.join(lines)}")
    client.get(page())  # reads what is read once in a process
    with CaptureQueriesContext(connection) as queries:
        listed = client.get(page())
    assert listed.context["cl"].result_count == ROWS
    cells = re.findall(r'<td class="field-beatsync_managed_by">(.*?)</td>', listed.content.decode())
    assert [plain(cell) for cell in cells] == ["default"] * 100
    assert len(queries) <= 10


def test_the_list_shows_drift_and_pauses_and_filters_by_source(client: Client, sync: Sync) -> None:
    sync(SPEC)
    unowned()
    PeriodicTask.objects.filter(name="nightly").update(queue="fast")
    now = datetime.now(timezone.utc)
    pause(Store(), None, ["hourly"], Pause("ann", "the move", now), SyncOptions())
    text = client.get(page()).content.decode()
    assert "drifted: queue" in text
    assert ">paused</span>" in text
    names = {
        value: sorted(row.name for row in client.get(page(query=f"?beatsync_source={value}")).context["cl"].result_list)
        for value in ("in:default", "none")
    }
    assert names == {"in:default": ["hourly", "nightly"], "none": ["by-hand"]}


# The form.


def test_no_nul_of_the_filter_reaches_the_database(client: Client, sync: Sync) -> None:
    sync(SPEC)
    assert client.get(page(query="?beatsync_source=in:%00default")).context["cl"].result_count == 2


def test_a_row_without_a_source_has_the_form_of_its_class(client: Client, sync: Sync) -> None:
    sync(SPEC)
    row = unowned()
    form = client.get(page("change", row) + EDIT)
    assert "beatsync-notice" not in form.content.decode()
    fields = form.context["adminform"].form.fields
    assert not any(field.disabled or name.startswith("beatsync") for name, field in fields.items())
    assert client.post(page("change", row), form_data(form, queue="x")).status_code == 302
    assert task("by-hand").queue == "x"


def test_an_edit_from_a_filtered_list_is_saved(client: Client, sync: Sync) -> None:
    sync(SPEC)
    address = page("change", task("nightly"), "?_changelist_filters=q%3Dnightly%26enabled__exact%3D1")
    opened = client.get(f"{address}&{EDIT[1:]}")
    action = re.search(r'<form action="([^"]+)"[^>]*id="periodictask_form"', opened.content.decode())
    assert action
    saved = client.post(
        page("change", task("nightly")) + unescape(action[1]),
        form_data(opened, queue="fast", beatsync_reason="the worker is down"),
    )
    assert saved["Location"] == page(query="?q=nightly&enabled__exact=1")
    assert task("nightly").queue == "fast"


def test_no_crafted_request_changes_a_locked_field(client: Client, sync: Sync) -> None:
    start = datetime(2026, 10, 25, 0, 30, 0, 123456, tzinfo=timezone.utc)  # the repeated hour in many zones
    sync(
        SPEC.replace(
            "queue: slow", f"queue: slow\n    start_time: {start.isoformat()}\n    expires: 2099-01-01T00:00:00Z"
        )
    )
    before = PeriodicTask.objects.filter(name="nightly").values().get()
    stamp = PeriodicTasks.objects.get().last_update
    form = client.get(page("change", task("nightly")))
    other = CrontabSchedule.objects.create(minute="7")
    data = form_data(form) | {
        "name": "stolen", "task": "evil", "regtask": "evil", "crontab": str(other.pk), "interval": "", "args": "[1]",
        "kwargs": "{}", "queue": "fast", "exchange": "x", "routing_key": "x", "priority": "9", "headers": '{"a": 1}',
        "expires_0": "2030-01-01", "expires_1": "00:00", "expire_seconds": "5", "one_off": "on", "description": "x",
        "start_time_0": "2031-01-01", "start_time_1": "00:00", "enabled": "on",
        "beatsync_reason": "none", "beatsync_leave": "on",
    }  # fmt: skip
    assert client.post(page("change", task("nightly")), data).status_code == 302
    after = PeriodicTask.objects.filter(name="nightly").values().get()
    assert {name for name in before if after[name] != before[name]} <= {"date_changed"}
    assert PeriodicTasks.objects.get().last_update > stamp  # dcb notifies beat once for each save
    assert models.SyncRecord.objects.count() == 1


def test_what_the_file_does_not_enforce_stays_free(client: Client, sync: Sync) -> None:
    sync(SPEC.replace("queue: slow", "queue: slow\n    sync: {ignore: [priority, timezone]}"))
    fields = client.get(page("change", task("nightly"))).context["adminform"].form.fields
    assert {name for name in fields if not fields[name].disabled} == {
        "enabled", "priority", "interval", "crontab", "solar", "clocked",
    }  # fmt: skip
    assert client.get(page("change", task("hourly"))).context["adminform"].form.fields["enabled"].disabled


def test_the_notice_has_drift_pause_runs_and_changes(client: Client, sync: Sync) -> None:
    sync(SPEC)
    PeriodicTask.objects.filter(name="nightly").update(queue="fast", kwargs='{"password": "secret-2"}')
    assert shown(client.get(page("change", task("nightly")))).count("02:30:00 UTC") == 5
    until = datetime.now(timezone.utc) + timedelta(days=2)
    pause(Store(), None, ["nightly"], Pause("ann", HOSTILE, until - timedelta(days=3), until), SyncOptions())
    response = client.get(page("change", task("nightly")))
    assert HOSTILE not in response.content.decode()
    text = response.content.decode().partition('class="beatsync-notice"')[2].partition("</fieldset>")[0]
    assert "queue: &quot;fast&quot;, applied: &quot;slow&quot; (drifted: the next sync restores it)" in text
    assert "secret-2" not in text
    assert "hunter2" not in text
    assert f"by ann since {until - timedelta(days=3):%Y-%m-%d}" in text
    assert f"until {until:%Y-%m-%d}" in text
    assert "Next runs" not in text
    assert "paused" in text.partition("Last changes")[2]


def test_an_edit_is_recorded_with_its_reason_and_restored(client: Client, sync: Sync) -> None:
    sync(SPEC)
    url = page("change", task("nightly")) + EDIT
    form = client.get(url)
    assert form.context["adminform"].form.fields["name"].disabled
    data = form_data(form, queue="fast", beatsync_reason=f"workers down\n{HOSTILE} password=hunter3")
    assert client.post(url, data).status_code == 302
    entry = models.SyncRecord.objects.get(outcome="edited")
    assert entry.actor == "alice"
    assert entry.message.startswith("workers down </div>")
    assert "hunter3" not in entry.message
    [change] = json.loads(entry.changes)
    assert [(field["field"], field["before"], field["after"]) for field in change["fields"]] == [
        ("queue", "slow", "fast")
    ]
    log = LogEntry.objects.get()
    assert log.get_change_message().startswith(
        "Changed Queue Override. Edited although BeatSync manages the row: workers down"
    )
    for place in (page("history", task("nightly")), page("change", task("nightly"))):
        assert HOSTILE not in client.get(place).content.decode()
    assert "by alice" in shown(client.get(page("change", task("nightly"))))
    sync(SPEC)
    assert task("nightly").queue == "slow"


def test_an_edit_can_be_left_to_the_operator(client: Client, sync: Sync, capsys: pytest.CaptureFixture[str]) -> None:
    sync(SPEC)
    url = page("change", task("nightly")) + EDIT
    data = form_data(client.get(url), queue="fast", beatsync_reason="x", beatsync_leave="on")
    assert client.post(url, data).status_code == 302
    sync(SPEC)
    assert task("nightly").queue == "fast"
    form = client.get(page("change", task("nightly")))
    assert "left to the operator" in shown(form)
    for words in (["status"], ["show", "nightly"]):
        call_command("beatsync", *words)
        assert "left to the operator" in capsys.readouterr().out
    assert not form.context["adminform"].form.fields["queue"].disabled
    assert client.get(url).context["adminform"].form.fields["beatsync_leave"].initial is True
    sync(SPEC.replace("slow", "bulk"))
    assert task("nightly").queue == "bulk"


def test_a_user_who_may_only_look_gets_no_way_to_edit(client: Client, sync: Sync) -> None:
    from django.contrib.auth.models import Permission, User

    sync(SPEC)
    bob = User.objects.create_user("bob", is_staff=True)
    bob.user_permissions.add(Permission.objects.get(codename="view_periodictask"))
    client.force_login(bob)
    response = client.get(page("change", task("nightly")) + EDIT)
    assert response.status_code == 200
    assert "BeatSync manages this row" in shown(response)
    assert "Edit anyway" not in shown(response)
    assert client.post(page("change", task("nightly")) + EDIT, {"queue": "fast"}).status_code == 403
    assert client.get("/admin/beatsync/source/").status_code == 403


def test_an_edit_during_a_sync_saves_nothing(client: Client, sync: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
    from beatsync.store import LockHeld, lock

    sync(SPEC)
    url = page("change", task("nightly")) + EDIT
    data = form_data(client.get(url), queue="fast", beatsync_reason="x")

    def held(*_: object) -> None:
        raise LockHeld("default", "a daemon", None)

    monkeypatch.setattr(lock, "take", held)
    response = client.post(url, data, follow=True)
    assert "Nothing was saved: " in response.content.decode()
    assert task("nightly").queue == "slow"


@pytest.mark.parametrize("way", ["change", "delete"])
def test_a_save_that_the_database_rolled_back_for_a_sync_is_reported(
    client: Client, sync: Sync, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    sync(SPEC)
    url = page(way, task("nightly"))
    data = {"post": "yes"} if way == "delete" else form_data(client.get(url), enabled="")

    def deadlock(**_: object) -> None:
        raise OperationalError("deadlock detected")

    monkeypatch.setattr(PeriodicTasks, "update_changed", deadlock)
    with pytest.raises(OperationalError):
        client.post(url, data)
    monkeypatch.setattr(Store, "gave_way", lambda *_: True)
    response = client.post(url, data, follow=True)
    assert "Nothing was saved: another transaction, such as a sync" in response.content.decode()
    assert task("nightly").enabled


def test_the_row_of_an_application_names_its_set(client: Client, sync: Sync) -> None:
    schedules("reports").put("weekly", task="shop.report", interval="7d")
    sync(SPEC)
    text = plain(shown(client.get(page("change", task("weekly")))))
    assert "The application manages this row at run time, in its set reports." in text


def test_a_field_that_the_list_edits_is_locked_too(client: Client, sync: Sync) -> None:
    sync(SPEC)
    model_admin: Any = admin.site.get_model_admin(PeriodicTask) if hasattr(admin.site, "get_model_admin") else None
    model_admin = model_admin or admin.site._registry[PeriodicTask]
    model_admin.list_editable = ("enabled", "one_off")
    try:
        data = {"form-TOTAL_FORMS": "2", "form-INITIAL_FORMS": "2", "form-MIN_NUM_FORMS": "0", "_save": "Save"}
        for number, name in enumerate(("hourly", "nightly")):
            data |= {f"form-{number}-id": str(task(name).pk), f"form-{number}-one_off": "on"}
        assert client.post(page(), data).status_code == 302
    finally:
        model_admin.list_editable = ()
    rows = {row.name: (row.enabled, row.one_off) for row in PeriodicTask.objects.all()}
    assert rows == {"hourly": (True, False), "nightly": (False, False)}


# Deletion, actions and history.


def test_a_deletion_of_managed_rows_says_that_they_come_back(client: Client, sync: Sync) -> None:
    sync(SPEC)
    row = unowned()
    data = {"action": "delete_selected", "_selected_action": [str(each.pk) for each in (task("nightly"), row)]}
    text = client.post(page(), data).content.decode()
    assert "1 row is managed by BeatSync:" in text
    assert "nightly: managed by the source default (a.yaml). The next sync creates it again" in text
    assert PeriodicTask.objects.filter(name="nightly").exists()
    assert "managed by" not in client.get(page("delete", row)).content.decode()
    client.post(page(), {**data, "post": "yes"})
    assert not PeriodicTask.objects.filter(name__in=["nightly", "by-hand"]).exists()


def test_an_action_on_managed_rows_asks_first(client: Client, sync: Sync) -> None:
    sync(SPEC)
    row = unowned()
    selected = {"_selected_action": [str(each.pk) for each in PeriodicTask.objects.all()], "index": "0"}
    text = client.post(page(), {"action": "toggle_tasks", **selected}).content.decode()
    assert "a pause by hand" in text
    assert "restores enabled: true" in text
    assert "by-hand" not in text
    assert PeriodicTask.objects.filter(enabled=True).count() == 3
    asked = client.post(page(), {"action": "disable_tasks", "_selected_action": [str(row.pk)], "index": "0"})
    assert asked.status_code == 302
    assert not task("by-hand").enabled
    now = datetime.now(timezone.utc)
    pause(Store(), None, ["hourly"], Pause("ann", "the move", now), SyncOptions())
    asked = client.post(page(), {"action": "toggle_tasks", **selected})
    assert "this ends its pause" in asked.content.decode()
    # It runs tasks and changes no row; here there is no such task.
    assert client.post(page(), {"action": "run_tasks", **selected}).status_code == 302


def test_a_pause_asks_for_a_reason_and_takes_every_row_of_a_schedule(client: Client, sync: Sync) -> None:
    sync(EVERY)
    unowned()
    first = task("prices")
    selected = {"action": "beatsync_pause", "_selected_action": [str(first.pk), str(task("by-hand").pk)], "index": "0"}
    asked = client.post(page(), selected).content.decode()
    assert "by-hand" not in asked.partition("<table")[2].partition("</table>")[0]
    for wrong in ({"reason": " ", "duration": ""}, {"reason": "x", "duration": "soon"}):
        assert 'role="alert"' in client.post(page(), {**selected, "beatsync_pause": "Pause", **wrong}).content.decode()
    assert models.Pause.objects.count() == 0
    sent = {**selected, "beatsync_pause": "Pause", "reason": f"a move\n{HOSTILE} token=hunter3", "duration": "2d"}
    done = client.post(page(), sent, follow=True).content.decode()
    assert "Schedule prices: paused until " in done
    assert not PeriodicTask.objects.filter(enabled=True, name__startswith="prices").exists()
    assert task("by-hand").enabled
    entry = models.SyncRecord.objects.get(outcome="paused")
    assert (entry.actor, "hunter3" in entry.message) == ("alice", False)
    pauses = models.Pause.objects.all()
    assert {each.paused_by for each in pauses} == {"alice"}
    assert {each.paused_until - each.paused_at for each in pauses if each.paused_until} == {timedelta(days=2)}

    url = page("beatsync-pause", first)
    assert url in shown(client.get(page("change", first)))
    assert HOSTILE not in client.get(url).content.decode()
    assert client.post(url, {"beatsync_unpause": "End the pause"})["Location"] == page("change", first)
    assert not models.Pause.objects.exists()
    assert not PeriodicTask.objects.filter(enabled=False).exists()
    assert (
        "no source owns these rows" in client.get(page("beatsync-pause", task("by-hand")), follow=True).content.decode()
    )


def test_a_pause_needs_the_right_to_change_and_waits_for_no_long_sync(
    client: Client, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.contrib.auth.models import Permission, User

    from beatsync.store import LockHeld, lock

    sync(SPEC)
    url = page("beatsync-pause", task("nightly"))
    sent = {"beatsync_pause": "Pause", "reason": "x"}

    def held(*_: object) -> None:
        raise LockHeld("default", "a daemon", None)

    with monkeypatch.context() as patch:
        patch.setattr(lock, "take", held)
        assert "Nothing was changed in the source default: " in client.post(url, sent, follow=True).content.decode()
    bob = User.objects.create_user("bob", is_staff=True)
    bob.user_permissions.add(Permission.objects.get(codename="view_periodictask"))
    client.force_login(bob)
    listed = client.get(page())
    assert "beatsync_pause" not in listed.content.decode()
    assert url not in client.get(page("change", task("nightly"))).content.decode()
    assert (client.get(url).status_code, client.post(url, sent).status_code) == (403, 403)
    data = {"action": "beatsync_pause", "_selected_action": [str(task("nightly").pk)], "index": "0", **sent}
    client.post(page(), data)
    assert task("nightly").enabled
    client.logout()
    assert client.post(url, sent).status_code == 302
    assert not models.Pause.objects.exists()


def test_a_shared_schedule_is_deleted_by_no_action(client: Client, sync: Sync) -> None:
    sync(SPEC)
    unused = CrontabSchedule.objects.create(minute="7")
    keys = [str(each.pk) for each in CrontabSchedule.objects.all()]
    place = "/admin/django_celery_beat/crontabschedule/"
    data = {"action": "delete_selected", "_selected_action": keys, "post": "yes"}
    assert "tasks that BeatSync manages use this row" in client.post(place, data).content.decode()
    assert PeriodicTask.objects.filter(name="nightly").exists()
    client.post(place, {**data, "_selected_action": [str(unused.pk)]})
    assert not CrontabSchedule.objects.filter(minute="7").exists()
    form = client.get(f"{place}{task('nightly').crontab_id}/change/")
    assert all(field.disabled for field in form.context["adminform"].form.fields.values())


def test_the_history_has_syncs_and_edits_in_order_of_time(client: Client, sync: Sync) -> None:
    sync(SPEC)
    url = page("change", task("nightly")) + EDIT
    client.post(url, form_data(client.get(url), queue="fast", beatsync_reason="down"))
    sync(SPEC)
    logged = LogEntry.objects.count()
    actions = client.get(page("history", task("nightly"))).context["action_list"]
    messages = [action.get_change_message() for action in actions]
    assert [message.partition(":")[0].partition(" at ")[0] for message in messages] == [
        "BeatSync, source default, applied",
        "Changed Queue Override. Edited although BeatSync manages the row",
        "BeatSync, source default, applied",
    ]
    assert 'queue "fast" → "slow"' in messages[2]
    assert LogEntry.objects.count() == logged == 1


def test_the_rows_of_a_schedule_share_their_changes(client: Client, sync: Sync) -> None:
    text = "schedules:\n  prices: {{task: t, every: {{hours: 1m, otherwise: {rest}}}}}\n"
    windows = 'windows: {hours: {from: "08:00", to: "18:00"}}\n'
    sync(windows + text.format(rest="15m"))
    sync(windows + text.format(rest="30m"))
    words = "update (2 rows: ~1): crontab changes in 1 row"
    assert words in plain(shown(client.get(page("change", task("prices")))))
    for name in ("prices", "prices#2"):
        assert words in client.get(page("history", task(name))).content.decode()
    entry = models.SyncRecord.objects.latest("id")
    listed = client.get(f"/admin/beatsync/syncrecord/{entry.pk}/change/").content.decode()
    assert "~ prices (2 rows: ~1)" in listed


# BeatSync's own tables.


def test_the_pages_of_the_tables_show_no_secret_and_change_nothing(client: Client, sync: Sync) -> None:
    sync(SPEC)
    Store().acquire_lease("default", "a daemon", "token-of-the-lease", 60)
    models.Source._default_manager.update(origin="https://ann:hunter2@git.example.org/shop")
    models.InventoryEntry._default_manager.update(path="https://ann:hunter2@git.example.org/a.yaml")
    registered = [model for model in admin.site._registry if model._meta.app_label == "beatsync"]
    assert models.ChecksumKey not in registered
    assert len(registered) == 9
    for model in registered:
        place = f"/admin/beatsync/{model._meta.model_name}/"
        pages = [client.get(place)]
        if (row := model._default_manager.first()) is not None:
            pages.append(client.get(f"{place}{row.pk}/change/"))
            assert client.post(f"{place}{row.pk}/change/", {"name": "x"}).status_code == 403
            assert client.post(f"{place}{row.pk}/delete/", {"post": "yes"}).status_code == 403
        for response in pages:
            assert response.status_code == 200
            assert "hunter2" not in response.content.decode()
            assert "token-of-the-lease" not in response.content.decode()


# Wrapping.


def test_every_site_is_wrapped_once_and_keeps_its_class() -> None:
    class ShopAdmin(PeriodicTaskAdmin):  # type: ignore[misc]
        list_display = ("name", "queue")

    class OwnAdmin(ManagedAdminMixin, PeriodicTaskAdmin):  # type: ignore[misc]
        pass

    shop, own = admin.AdminSite("shop"), admin.AdminSite("own")
    shop.register(PeriodicTask, ShopAdmin)
    own.register(PeriodicTask, OwnAdmin)
    instance = shop._registry[PeriodicTask]
    wrap_all()
    wrapped = type(instance)
    assert (wrapped.__name__, wrapped.__mro__[1:3]) == ("ShopAdmin", (ManagedAdminMixin, ShopAdmin))
    wrap_all()
    assert type(shop._registry[PeriodicTask]) is wrapped
    assert type(own._registry[PeriodicTask]) is OwnAdmin
    assert check_wrapped() == []
    call_command("check")


def test_an_admin_that_cannot_be_wrapped_is_reported_unless_the_admin_is_switched_off() -> None:
    class Odd(PeriodicTaskAdmin):  # type: ignore[misc]
        def __init_subclass__(cls) -> None:
            raise TypeError("it has no subclasses")

    site = admin.AdminSite("odd")
    site.register(PeriodicTask, Odd)
    [warning] = check_wrapped()
    assert warning.id == CHECK_ID
    assert "Odd" in warning.msg
    assert "ManagedAdminMixin" in str(warning.hint)
    with override_settings(BEATSYNC={"ADMIN": False}):
        assert check_wrapped() == []
        other = admin.AdminSite("other")
        other.register(PeriodicTask, PeriodicTaskAdmin)
        wrap_all()
        assert type(other._registry[PeriodicTask]) is PeriodicTaskAdmin


def test_without_the_tables_the_admin_is_that_of_its_class(
    client: Client, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(SPEC)

    def missing(_: Store) -> None:
        raise StoreError("no such table")

    logged: list[str] = []
    monkeypatch.setattr(database, "_CHECKED", set())
    monkeypatch.setattr(Store, "check_tables", missing)
    monkeypatch.setattr(database._logger, "warning", lambda _, error: logged.append(str(error)))
    for place in (page(), page("change", task("nightly")), page("history", task("nightly"))):
        response = client.get(place)
        assert response.status_code == 200
        assert "beatsync-notice" not in response.content.decode()
    assert "beatsync" not in client.get("/admin/").content.decode()
    for name in ("source", "syncrecord"):
        assert client.get(f"/admin/beatsync/{name}/").status_code == 403
    assert logged == ["no such table"]
