"""No command prints or stores a value whose name looks like a secret, or that is listed as sensitive."""

from __future__ import annotations

from pathlib import Path

import pytest
from django_celery_beat.models import PeriodicTask

from beatsync.models import SyncRecord
from tests.cli.commanding import InProcess

SECRET = "s3cr3t"
VALID = """
schedules:
  one:
    task: t
    interval: 1h
    args: [{password: s3cr3t-1}, [{nested: {ApiKey: s3cr3t-2}}]]
    kwargs:
      token: s3cr3t-3
      db: {credentials: {user: s3cr3t-4}}
      pin: s3cr3t-5
      list_of: [a, s3cr3t-6]
    headers: {Authorization: s3cr3t-7}
    sync: {sensitive: [kwargs.pin, kwargs.list_of.1]}
"""
FAULTS = {
    # Each fault is at or near a secret, which the message, the hint or the quoted line might reveal.
    "the wrong type": "kwargs: {token: s3cr3t, x: 1}\n    args: 1",
    "a secret that is not text": "kwargs: {token: yes, password: 0o17}\n    headers: {secret: s3cr3t, x: 12:30}",
    "a duplicate key": "kwargs:\n      token: s3cr3t\n      token: s3cr3t-again",
    "a tag": "kwargs:\n      token: !!binary s3cr3t",
    "a headers value of another type": "headers: [{cookie: s3cr3t}]",
    "kwargs as text": 'kwargs: \'{"token": "s3cr3t"}\'',
    "listed and ambiguous": "kwargs: {pin: s3cr3t, x: yes}\n    sync: {sensitive: [kwargs.pin]}",
    "an unknown anchor": "kwargs: {token: *s3cr3t}",
    "broken below": "kwargs: {token: s3cr3t\n    queue: [",
    "an unfinished text": 'kwargs:\n      private_key: "first\n        s3cr3t-second\n        s3cr3t-third\n        s3cr3t-fourth',
    "a block that ends too early": "kwargs:\n      private_key: |\n        s3cr3t-first\n        s3cr3t-second\n     s3cr3t-third\n",
    "a control sign in a block": "kwargs:\n      private_key: |\n        s3cr3t-first\n        s3cr3t-second\n        s3cr3t\x07-third\n",
    "a tab in a block": "kwargs:\n      private_key:\n        s3cr3t-first\n        s3cr3t-second\n\ts3cr3t-third: x\n",
    "a NUL": 'kwargs: {token: "s3cr3t\\0", x: 1}\n    description: "\\0"',
    "kombu's own objects": "kwargs: {token: {__type__: datetime, __value__: s3cr3t}}",
    "too large a number": "kwargs: {token: s3cr3t, n: 1e999}",
}


def everything(here: InProcess, *words: str) -> str:
    result = here(*words)
    return result.out + result.err


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("output", ["text", "json", "github", "sarif", "junit"])
def test_validate_masks_secrets(here: InProcess, fault: str, output: str) -> None:
    (here.path / "specs").mkdir()
    text = f"schedules:\n  one:\n    task: t\n    interval: 1h\n    {FAULTS[fault]}\n"
    (here.path / "specs" / "a.yaml").write_text(text, encoding="utf-8")
    result = here("validate", "specs", "--format", output)
    assert SECRET not in result.out + result.err


def test_plan_sync_status_and_the_history_mask_secrets(here: InProcess, tmp_path: Path) -> None:
    (here.path / "specs").mkdir()
    spec = here.path / "specs" / "a.yaml"
    texts = ""
    for number in range(3):
        # Created, then every secret changed, then drifted.
        spec.write_text(VALID.replace(SECRET, f"{SECRET}-{min(number, 1)}"), encoding="utf-8")
        if number == 2:
            PeriodicTask.objects.using(here.alias).update(
                kwargs='{"token": "s3cr3t-drift"}', args='[{"password": "s3cr3t-drift"}]', headers="s3cr3t, not JSON"
            )
            texts += everything(here, "status") + everything(here, "status", "--format", "json")
        for output in ("text", "json", "markdown"):
            texts += everything(here, "plan", "specs", "--format", output, "--verbose")
        texts += everything(here, "plan", "specs", "--out", str(tmp_path / "saved.json"))
        texts += (tmp_path / "saved.json").read_text(encoding="utf-8")
        texts += everything(here, "sync", "specs", "--verbose", "--format", ("text", "json", "markdown")[number])
        texts += everything(here, "status") + everything(here, "status", "--format", "json")
    texts += str(list(SyncRecord.objects.using(here.alias).values()))
    assert SyncRecord.objects.using(here.alias).count() == 3
    assert SECRET not in texts
    assert "***" in texts
    assert SECRET in PeriodicTask.objects.using(here.alias).get().kwargs
