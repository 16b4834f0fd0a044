"""The pages of the dashboard over each database: what they answer, how they are built, and what they cost."""

from __future__ import annotations

import re
from pathlib import Path
from unittest import mock

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import PeriodicTask

from beatsync.pausing import pause
from beatsync.plan.observed import Pause
from beatsync.reconcile import SyncOptions, sync, utc_now
from beatsync.report.html import history
from beatsync.store import Store, StoreError
from beatsync.store.errors import SchemaMissing
from beatsync.web.dashboard.board import read_board, read_outlook
from beatsync.web.dashboard.file import render
from beatsync.web.dashboard.pages import Dashboard
from beatsync.web.dashboard.routes import ROUTES
from tests.conftest import task_maker
from tests.statements import writes
from tests.web.browsing import Page, crawl, get, open_shop, text_of


@pytest.fixture
def shop(store: Store, tmp_path: Path) -> Dashboard:
    open_shop(store, tmp_path)
    return Dashboard(store)


def test_every_page_is_reached_by_links_and_is_well_built(shop: Dashboard) -> None:
    pages = dict(crawl(shop, "/admin/dashboard/"))
    reached = {address.removeprefix("/admin/dashboard/").partition("/")[0] or "overview" for address in pages}
    assert reached == set(ROUTES)
    for address, response in pages.items():
        assert response.status == 200, address
        Page(response.body).check()
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_each_question_is_answered_by_a_page(shop: Dashboard) -> None:
    def read(address: str) -> str:
        return text_of(get(shop, address).body)

    overview = read("/")
    assert "shop drifted" in overview
    assert "shop.yaml:10:42: warning: celery runs this only on days that match both" in overview
    drift = read("/drift/")
    assert 'nightly shop shop.yaml queue "slow" "fast" unknown' in drift
    assert "gone shop shop.yaml the row deleted outside BeatSync" in drift
    assert "2 drifted schedules" in drift
    pauses = read("/pauses/")
    assert "export shop shop.yaml paused by ann since" in pauses
    assert "ledger migration" in pauses
    assert "by-hand other.task yes unknown" in read("/unowned/")
    assert "beat Every 30s" in read("/timeline/")
    assert "Runs in each hour of the next seven days" in read("/load/")
    entry, *_ = [link for link in Page(get(shop, "/history/?name=nightly").body).links if "id=" in link]
    assert "applied, source shop" in read(entry)
    assert 'nightly create queue "fast"' in read(entry)
    schedule = read("/schedule/?name=nightly")
    assert "State drifted Source shop, synced" in schedule
    assert 'queue "slow" "fast" drifted' in schedule
    assert "Declared shop.yaml:5:3" in schedule
    prices = read("/schedule/?name=prices%232")
    assert "Every office: 1m, otherwise: 15m" in prices
    assert "Fields of all rows" in prices
    assert re.search(r" The [34] rows Row Crontab Clauses Differs Runs prices \* 8-17 .* office: 1m 0 runs", prices)
    assert "none: no source owns this row" in read("/schedule/?name=by-hand")


def test_the_rows_of_a_schedule_are_one_line(shop: Dashboard) -> None:
    tasks = PeriodicTask.objects.using(shop.store.alias).filter(name__startswith="prices")
    tasks.filter(name="prices#2").update(queue="slow", total_run_count=3, last_run_at="2026-01-02T03:04:05Z")
    now = utc_now()
    pause(shop.store, "shop", ["prices"], Pause("ann", "a move", now, None), SyncOptions())

    def read(address: str) -> str:
        return text_of(get(shop, address).body)

    assert 'prices (1 of 3 rows) shop shop.yaml queue "slow" none' in read("/drift/")
    assert "prices (3 rows) shop shop.yaml paused ann since" in read("/pauses/").replace("by ", "")
    assert "2 paused schedules" in read("/pauses/")
    assert "Schedules 6 Drifted 3 Paused 2" in read("/")
    listed = read("/schedules/")
    assert "prices (3 rows) shop.refresh every default no shop 2026-01-02 03:04:05 UTC 3" in listed
    assert "prices#2" not in listed
    page = Page(get(shop, "/history/?name=prices%233").body)
    entry = next(link for link in page.links if "id=" in link)  # the newest is first
    assert "prices update enabled true false 3 rows" in read(entry)
    assert "prices#2 update enabled true false" in read(f"{entry}&rows=1")


def test_arguments_are_shown_only_in_a_file_that_was_asked_for_them_and_secrets_never(shop: Dashboard) -> None:
    for _, response in crawl(shop):
        assert "Lovelace" not in response.body
        assert "Mallory" not in response.body
        assert "hunter2" not in response.body
    assert "Mallory" not in render(shop)
    with_arguments = render(shop, with_arguments=True)
    assert "Mallory" in with_arguments
    assert "hunter2" not in with_arguments


def test_the_file_is_well_built_and_refers_to_nothing_outside(shop: Dashboard) -> None:
    page = Page(render(shop))
    page.check()
    assert {link[1:] for link in page.links} <= set(page.ids)


def test_a_source_that_is_not_synced_is_blocked_with_its_reason(shop: Dashboard, tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text("schedules:\n  by-hand: {task: t, interval: 1h}\n", encoding="utf-8")
    sync(tmp_path, shop.store, SyncOptions("shop"))
    assert "shop blocked" in text_of(get(shop, "/").body)
    assert "Problems of shop" in text_of(get(shop, "/").body)
    assert "shop blocked" in text_of(get(shop, "/blocked/").body)


def test_lists_are_paged_and_searched(store: Store) -> None:
    add = task_maker(store.alias)
    for number in range(230):
        add(f"job-{number:03}", task="Shop.Even" if number % 2 == 0 else "shop.odd")
    add("100%_sure")
    dashboard = Dashboard(store)

    def names(address: str) -> list[str]:
        body = get(dashboard, address).body
        return [link.partition("name=")[2] for link in Page(body).links if "schedule/?name=" in link]

    assert names("/schedules/?page=2")[0] == "job-099"
    assert len(names("/schedules/?page=3")) == 31
    assert names("/schedules/?page=99") == names("/schedules/?page=3")
    assert names("/schedules/?page=x") == names("/schedules/")
    assert len(names("/schedules/?q=shop.even&page=2")) == 15
    assert names("/schedules/?q=job-11") == [f"job-11{number}" for number in range(10)]
    assert names("/unowned/?q=%25_") == ["100%25_sure"]
    assert names("/schedules/?q=J%C3%B6b%F0%9F%8E%89") == []
    assert "q=shop.even" in get(dashboard, "/schedules/?q=shop.even").body


def test_what_does_not_exist_is_not_found(store: Store) -> None:
    dashboard = Dashboard(store)
    names = ("", "?name=nobody", "?name=%00")
    for address in ("/nothing/", *(f"/schedule/{name}" for name in names), "/history/?id=999", "/history/?id=x"):
        response = get(dashboard, address)
        assert response.status == 404, address
        Page(response.body).check()


def test_an_empty_database_has_all_pages(store: Store) -> None:
    for address, response in crawl(Dashboard(store)):
        assert response.status == 200, address
        Page(response.body).check()


def test_an_error_of_the_database_is_an_answer(shop: Dashboard) -> None:
    with mock.patch.object(Store, "list_rows", side_effect=StoreError("the server <went> away")):
        response = get(shop, "/schedules/")
    assert response.status == 503
    assert "the server &lt;went&gt; away" in response.body


def test_missing_tables_are_named_with_the_command_that_makes_them(shop: Dashboard) -> None:
    with (
        mock.patch.object(Store, "list_rows", side_effect=StoreError("no such column: e.operator_fields")),
        mock.patch.object(Store, "check_tables", side_effect=SchemaMissing("run `beatsync migrate`")),
    ):
        response = get(shop, "/schedules/")
    assert response.status == 503
    assert "run `beatsync migrate`" in response.body
    assert "operator_fields" not in response.body


def test_statements_do_not_depend_on_the_number_of_rows_and_none_writes(store: Store, tmp_path: Path) -> None:
    dashboard = Dashboard(store)

    def statements(rows: int) -> dict[str, int]:
        lines = (f'  job-{number}: {{task: t, crontab: "0 3 * * *"}}' for number in range(rows))
        (tmp_path / "a.yaml").write_text("\n".join(["schedules:", *lines]), encoding="utf-8")
        sync(tmp_path, store, SyncOptions())
        PeriodicTask.objects.using(store.alias).update(queue="slow")
        counts = {}
        for page in ROUTES:
            address = f"/{page}/?name=job-1" if page in {"schedule", "history"} else f"/{page}/"
            get(dashboard, address)
            with CaptureQueriesContext(connections[store.alias]) as queries:
                assert get(dashboard, address).status == 200
            counts[page] = len(queries)
            assert not writes(queries.captured_queries)
        for read in (read_board, read_outlook):
            with CaptureQueriesContext(connections[store.alias]) as queries:
                read(store, utc_now())
            counts[read.__name__] = len(queries)
            assert not writes(queries.captured_queries)
        return counts

    few = statements(100)
    assert statements(1_000) == few
    assert max(few.values()) <= 25


def test_a_row_of_a_name_that_a_source_owns_is_not_unowned(shop: Dashboard) -> None:
    task_maker(shop.store.alias)("gone", task="shop.gone")  # its entry has another key
    assert "gone" not in text_of(get(shop, "/unowned/").body)
    assert read_board(shop.store, utc_now()).unowned == 1


def test_the_pages_of_a_schedules_history_follow_its_renames(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "ENTRIES", 1)
    for body in ("old: {task: t", "new: {sync: {renamed_from: old}, task: t", "new: {task: u"):
        (tmp_path / "a.yaml").write_text(f"schedules:\n  {body}, interval: 1h}}\n", encoding="utf-8")
        sync(tmp_path, store, SyncOptions())
    dashboard, texts, address = Dashboard(store), [], "/history/?name=new"
    while address:
        body = get(dashboard, address).body
        texts.append(text_of(body))
        address = next((link for link in Page(body).links if "before=" in link), "")
    assert ["new update task" in texts[0], "name" in texts[1], "old create task" in texts[2]] == [True] * 3
    assert len(texts) == 3
