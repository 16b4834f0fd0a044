"""`report --html`, and the flags of `run` that serve the same pages."""

from __future__ import annotations

import pytest
from django_celery_beat.models import PeriodicTask

from tests.cli.commanding import InProcess

SPEC = """schedules:
  nightly: {task: t, crontab: "0 2 * * *", queue: fast, kwargs: {customer: Lovelace, token: hunter2}}
"""


@pytest.fixture
def drifted(here: InProcess) -> InProcess:
    here.spec(SPEC)
    assert here("sync").code == 0
    PeriodicTask.objects.using(here.alias).filter(name="nightly").update(queue="slow")
    return here


def test_a_report_is_one_file(drifted: InProcess) -> None:
    result = drifted("report", "--html", "report.html")
    assert (result.code, result.out) == (0, "")
    page = (drifted.path / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert page.count("<h1>") == 1
    assert "<code>&quot;slow&quot;</code>" in page
    assert "Lovelace" not in page
    assert "hunter2" not in page


def test_a_report_goes_to_standard_output_with_arguments(drifted: InProcess) -> None:
    result = drifted("report", "--html", "-", "--with-arguments")
    assert result.code == 0
    assert result.out.startswith("<!DOCTYPE html>")
    assert "Lovelace" in result.out
    assert "hunter2" not in result.out


def test_a_report_that_cannot_be_written_is_an_error(drifted: InProcess) -> None:
    result = drifted("report", "--html", "missing/report.html")
    assert (result.code, "missing/report.html cannot be written: No such file" in result.err) == (1, True)
    assert drifted("report").code == 64


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--listen", "0.0.0.0:9808"], "needs --token (BEATSYNC_TOKEN), because the address is not loopback"),
        (["--listen", "[::]:9808"], "needs --token (BEATSYNC_TOKEN)"),
        (["--listen", "none"], "cannot be used with --listen none"),
    ],
)
def test_a_dashboard_that_others_could_read_needs_a_token(here: InProcess, words: list[str], message: str) -> None:
    here.spec(SPEC)
    result = here("run", "--dashboard", *words)
    assert (result.code, message in " ".join(result.err.split())) == (64, True)
