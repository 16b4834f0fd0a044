"""Which file each schedule is written to."""

from __future__ import annotations

import pytest

from beatsync.convert.files import MAX_SCHEDULES, split
from beatsync.specfile.write import Entry
from tests.builders import spec


@pytest.mark.parametrize(
    ("by", "fields", "path"),
    [
        ("none", {"queue": "q"}, "schedules.yaml"),
        ("queue", {"queue": None}, "schedules.yaml"),
        ("queue", {"queue": "Billing"}, "billing.yaml"),
        ("queue", {"queue": "../../etc/x"}, "etc-x.yaml"),
        ("queue", {"queue": ".."}, "schedules.yaml"),
        ("queue", {"queue": "_hidden"}, "hidden.yaml"),
        ("queue", {"queue": "кот"}, "кот.yaml"),
        ("queue", {"queue": "q" * 200}, f"{'q' * 100}.yaml"),
        ("module", {"task": "billing.tasks.bill"}, "billing.yaml"),
        ("module", {"task": "shop.billing.invoices.send"}, "shop.billing.invoices.yaml"),
        ("module", {"task": "alone"}, "schedules.yaml"),
    ],
)
def test_a_file_is_named_after_what_its_schedules_share(by: str, fields: dict[str, str], path: str) -> None:
    assert list(split([Entry(spec(**fields))], by)) == [path]


def test_both_spellings_of_a_queue_are_one_file_and_names_are_sorted() -> None:
    entries = [Entry(spec(name, queue=queue)) for name, queue in (("b", "Q"), ("a", "q"), ("c", "a"))]
    files = split(entries, "queue")
    assert {path: [entry.spec.name for entry in of_file] for path, of_file in files.items()} == {
        "a.yaml": ["c"],
        "q.yaml": ["a", "b"],
    }


def test_no_file_is_larger_than_a_source_may_have() -> None:
    entries = [Entry(spec(f"s{number:05}")) for number in range(MAX_SCHEDULES + 1)]
    assert {path: len(of_file) for path, of_file in split(entries, "none").items()} == {
        "schedules.yaml": MAX_SCHEDULES,
        "schedules-2.yaml": 1,
    }
    entries.append(Entry(spec("z", queue="schedules-2")))
    assert [len(of_file) for of_file in split(entries, "queue").values()] == [MAX_SCHEDULES, 1, 1]
