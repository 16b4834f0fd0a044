"""`beatsync fmt`: writes the canonical layout, or shows what it would change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.commanding import CommandResult, InProcess
from tests.specfile.test_spec_imports import beatsync, below

UNTIDY = "schedules:\n    nightly:   # each night\n        crontab:  '0 2 * * *'\n        task: shop.bill\n"
TIDY = 'schedules:\n  nightly:   # each night\n    task: shop.bill\n    crontab: "0 2 * * *"\n'


def test_files_are_formatted_once(here: InProcess) -> None:
    path = here.spec(UNTIDY)
    done = here("fmt")
    assert done == CommandResult(0, "formatted schedules.d/tasks.yaml\n1 file: 1 formatted\n", "")
    assert path.read_text(encoding="utf-8") == TIDY
    assert here("fmt") == CommandResult(0, "1 file: 1 unchanged\n", "")


def test_check_changes_nothing_and_exits_with_2(here: InProcess) -> None:
    path = here.spec(UNTIDY)
    assert here("fmt", "--check") == CommandResult(2, "would change schedules.d/tasks.yaml\n1 file: 1 to format\n", "")
    assert path.read_text(encoding="utf-8") == UNTIDY
    here("fmt", str(path))
    assert here("fmt", "--check", str(path)).code == 0


def test_diff_shows_the_change_without_secrets_and_changes_nothing(here: InProcess) -> None:
    text = (
        f"{UNTIDY}        kwargs:\n            password:\n            - hunter2\n            card: '4111'\n"
        "        sync: {sensitive: [kwargs.card]}\n"
    )
    path = here.spec(text)
    result = here("fmt", "--diff")
    assert result.code == 0
    assert "\n+    task: shop.bill\n" in result.out
    assert "hunter2" not in result.out
    assert "4111" not in result.out
    assert path.read_text(encoding="utf-8") == text
    assert here("fmt", "--diff", "--check").code == 2


def test_a_file_that_is_not_yaml_is_reported_and_the_others_are_formatted(here: InProcess) -> None:
    path = here.spec(UNTIDY)
    here.spec("schedules: [", "schedules.d/broken.yaml")
    result = here("fmt")
    assert (result.code, result.out.splitlines()[-1]) == (3, "2 files: 1 formatted, 1 invalid")
    assert result.err.startswith("schedules.d/broken.yaml:1:")
    assert path.read_text(encoding="utf-8") == TIDY


def test_an_unsupported_file_stays_as_it_is(here: InProcess) -> None:
    text = "schedules:\n    ? a\n    : {task: t, interval: 5m}\n"
    path = here.spec(text)
    result = here("fmt", "--check")
    assert (result.code, result.out) == (0, "1 file: 1 unchanged\n")
    assert result.err == "warning: schedules.d/tasks.yaml stays as it is: it has a key after a question mark\n"
    assert path.read_text(encoding="utf-8") == text


def test_a_byte_order_mark_the_mode_and_a_link_stay(here: InProcess) -> None:
    path = here.spec(UNTIDY, "schedules.d/_real.txt")
    path.write_bytes(b"\xef\xbb\xbf" + UNTIDY.encode())
    path.chmod(0o640)
    link = Path("schedules.d/tasks.yaml")
    link.symlink_to("_real.txt")
    assert here("fmt").code == 0
    assert link.is_symlink()
    assert path.read_bytes() == b"\xef\xbb\xbf" + TIDY.encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert {each.name for each in Path("schedules.d").iterdir()} == {"_real.txt", "tasks.yaml"}


def test_a_pipe_is_not_opened_and_counts_as_invalid(here: InProcess) -> None:
    here.spec(TIDY)
    os.mkfifo("schedules.d/pipe.yaml")
    result = here("fmt", "--check")
    assert (result.code, result.out) == (3, "2 files: 1 unchanged, 1 invalid\n")
    assert "schedules.d/pipe.yaml: error: this is not a regular file [source-not-a-file]" in result.err


def test_a_missing_directory_fails_with_its_name(here: InProcess) -> None:
    result = here("fmt", "nowhere")
    assert result.code == 1
    assert "nowhere" in result.err


@pytest.mark.parametrize("flag", ["--check", "--diff"])
def test_it_imports_neither_django_nor_celery(flag: str) -> None:
    code, _, modules = beatsync("fmt", flag, "schedules.d")
    assert code == 0
    assert not below(modules, "django", "django_celery_beat", "celery", "kombu")
