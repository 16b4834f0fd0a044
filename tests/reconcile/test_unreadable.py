"""What cannot be read makes a source invalid: nothing is written, whichever command or daemon syncs it."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from django_celery_beat.models import PeriodicTask

from beatsync.plan.request import PlanOptions
from beatsync.reconcile import Outcome, Run, SyncOptions, reconcile, sync, validate
from beatsync.source import Limits, reload
from beatsync.specfile.parse import ParseOptions
from beatsync.store import Store
from beatsync.values import Severity

SPEC = "schedules:\n  a: {task: %s, interval: 1h}\n"


def link_out(root: Path) -> None:
    (root.parent / "secret.yaml").write_text(SPEC % "outside")
    (root / "l.yaml").symlink_to(root.parent / "secret.yaml")


UNREADABLE: dict[str, Callable[[Path], object]] = {
    "a pipe": lambda root: os.mkfifo(root / "f.yaml"),
    "a link that leads out": link_out,
    "a broken link": lambda root: (root / "l.yaml").symlink_to("nothing.yaml"),
    "a name that is not UTF-8": lambda root: Path(os.fsdecode(os.fsencode(root) + b"/x\xff.yaml")).touch(),
    "a directory whose name is not UTF-8": lambda root: Path(os.fsdecode(os.fsencode(root) + b"/x\xff")).mkdir(),
    "a file that is too large": lambda root: (root / "big.yaml").write_bytes(b"#" * 2000),
}  # fmt: skip
LIMITS = Limits(file=1000)


def tasks(store: Store) -> set[str]:
    return set(PeriodicTask.objects.using(store.alias).values_list("task", flat=True))


@pytest.mark.parametrize("what", UNREADABLE)
def test_an_edit_beside_it_is_not_applied(store: Store, tmp_path: Path, what: str) -> None:
    root = tmp_path / "specs"
    root.mkdir()
    (root / "a.yaml").write_text(SPEC % "before")
    options = SyncOptions()
    loaded = reload(root, None, LIMITS)
    first = reconcile(Run(lambda: loaded.snapshot, store, options))
    assert first.outcome is Outcome.APPLIED
    UNREADABLE[what](root)
    (root / "a.yaml").write_text(SPEC % "after")
    # As the daemon loads and remembers, and as a command does.
    again = reload(root, loaded, LIMITS)
    for memory in (first.memory, None):
        result = reconcile(Run(lambda: again.snapshot, store, options), memory=memory)
        assert result.outcome is Outcome.INVALID
    assert tasks(store) == {"before"}
    isolate = SyncOptions(plan=PlanOptions(isolate=True))
    result = reconcile(Run(partial(lambda snapshot: snapshot, again.snapshot), store, isolate))
    assert result.outcome is Outcome.APPLIED
    assert tasks(store) == {"after"}


@pytest.mark.parametrize("what", [name for name in UNREADABLE if "large" not in name])
def test_validate_and_sync_agree(store: Store, tmp_path: Path, what: str) -> None:
    root = tmp_path / "specs"
    root.mkdir()
    (root / "a.yaml").write_text(SPEC % "t")
    UNREADABLE[what](root)
    _, desired = validate(root, ParseOptions())
    assert [each.severity for each in desired.diagnostics] == [Severity.ERROR]
    assert sync(root, store, SyncOptions()).outcome is Outcome.INVALID
    assert tasks(store) == set()


def test_a_file_that_is_not_read_is_only_a_warning(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SPEC % "t")
    (tmp_path / "b.yaml.bak").write_text(SPEC % "t")
    for expected in (Outcome.APPLIED, Outcome.UNCHANGED):
        result = sync(tmp_path, store, SyncOptions())
        assert result.outcome is expected
        assert [each.code for each in result.plan.diagnostics] == ["file-not-read"]


def test_a_suffix_in_another_case_keeps_the_rows(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SPEC % "t")
    assert sync(tmp_path, store, SyncOptions()).outcome is Outcome.APPLIED
    (tmp_path / "a.yaml").rename(tmp_path / "a.YML")
    assert not sync(tmp_path, store, SyncOptions()).plan.changes
    assert tasks(store) == {"t"}
