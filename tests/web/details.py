"""The pages of the stock admin in detail."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.web.conftest import page

if TYPE_CHECKING:
    from django.test import Client

ROWS = 10_000


def test_a_page_of_the_list_takes_few_queries(client: Client, sync: Callable[[str], None]) -> None:
    lines = [f"  task-{number:05}: {{task: shop.t, interval: {number % 50 + 1}m}}\n" for number in range(ROWS)]
    sync(f"schedules:\n{''.join(lines)}")
    client.get(page())  # what is asked once in a process
    with CaptureQueriesContext(connection) as queries:
        listed = client.get(page())
    assert listed.context["cl"].result_count == ROWS
    for q in queries:
        print(q["sql"][:150], q["time"])
    assert len(queries) <= 10
