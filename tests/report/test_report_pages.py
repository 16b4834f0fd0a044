"""What pages decide by themselves: which runs have passed, and how numbers and levels of a heat map are shown."""

from __future__ import annotations

from datetime import timedelta

import pytest

from beatsync.plan.upcoming import Run
from beatsync.report.board import Outlook
from beatsync.report.html import times
from beatsync.report.html.frame import Site
from beatsync.report.html.markup import Html, element, join
from beatsync.report.html.tables import part_of
from beatsync.report.loadtext import level_of
from tests.builders import HOURLY, NOW

MINUTE = timedelta(minutes=1)


def test_runs_that_passed_since_they_were_read_are_not_listed_but_overdue_ones_are() -> None:
    overdue, passed, next_run = (Run(NOW + number * MINUTE, f"run-{number}", HOURLY) for number in range(3))
    outlook = Outlook(NOW, (overdue, passed, next_run), False, (), None)
    assert times.upcoming_runs(outlook, NOW + 1.5 * MINUTE) == [overdue, next_run]
    assert times.upcoming_runs(outlook, NOW) == [overdue, passed, next_run]


@pytest.mark.parametrize(("runs", "level"), [(20, 1), (28, 1), (29, 2), (60, 5), (99, 9), (100, 9)])
def test_a_heat_map_has_nine_levels_from_the_least_to_the_most_runs(runs: float, level: int) -> None:
    assert level_of(runs, 20, 100, 9) == level


@pytest.mark.parametrize(
    ("runs", "text"), [(0, "0"), (0.25, "0.25"), (999, "999"), (1_000, "1.0k"), (12_345, "12k"), (1_500_000, "1.5M")]
)
def test_a_number_of_runs_is_short(runs: float, text: str) -> None:
    assert times._short(runs) == text


def test_text_is_escaped_once_and_html_never() -> None:
    cell = element("b", "<&'\"", title='"')
    assert cell == '<b title="&quot;">&lt;&amp;&#x27;&quot;</b>'
    assert join("<", [cell, None, Html("<hr>")]) == f"&lt;{cell}<hr>"
    assert element("input", id="q", value=None, disabled=True) == '<input id="q" disabled>'


def test_a_list_has_pages_and_a_wrong_number_is_the_nearest() -> None:
    part = part_of(range(201), 9)
    assert (list(part.items), part.number, part.pages) == ([200], 3, 3)
    assert part_of([], 5).number == 1


def test_an_address_keeps_names_as_they_are() -> None:
    site = Site("/admin/dashboard/", NOW)
    assert site.address("overview") == "/admin/dashboard/"
    assert site.address("schedule", name="a&b #2") == "/admin/dashboard/schedule/?name=a%26b+%232"
    assert site.schedule("postgres://user:hunter2@db/app") == "postgres://user:***@db/app"
