"""A file's fingerprint covers everything that its facts depend on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from beatsync.fingerprint import context
from beatsync.specfile.parse import ParseOptions
from beatsync.values import SourceFile

FILE = SourceFile("a.yaml", b"schedules: {}\n")


def fingerprint(file: SourceFile = FILE, options: ParseOptions | None = None) -> str:
    return context.fingerprint(file, context.context_of(options or ParseOptions()))


def other_release(patch: pytest.MonkeyPatch) -> str:
    patch.setattr(context, "__version__", "0.0.0")
    return fingerprint()


def other_celery(patch: pytest.MonkeyPatch) -> str:
    return with_version(patch, "celery")


def other_ephem(patch: pytest.MonkeyPatch) -> str:
    return with_version(patch, "ephem")


def other_holidays(patch: pytest.MonkeyPatch) -> str:
    return with_version(patch, "holidays")


def other_icalendar(patch: pytest.MonkeyPatch) -> str:
    return with_version(patch, "icalendar")


def with_version(patch: pytest.MonkeyPatch, package: str) -> str:
    installed = context._version
    patch.setattr(context, "_version", lambda name: "1.0" if name == package else installed(name))
    return fingerprint()


def other_tzdata(patch: pytest.MonkeyPatch) -> str:
    patch.setattr(context, "_tzdata_version", lambda: "1970a")
    return fingerprint()


CHANGES: dict[str, Callable[[pytest.MonkeyPatch], str]] = {
    "content": lambda _: fingerprint(SourceFile("a.yaml", b"schedules: {} \n")),
    "path": lambda _: fingerprint(SourceFile("b.yaml", FILE.data)),
    "environment": lambda _: fingerprint(options=ParseOptions("staging")),
    "timezone": lambda _: fingerprint(options=ParseOptions(timezone="Europe/Berlin")),
    "release": other_release,
    "celery": other_celery,
    "ephem": other_ephem,
    "holidays": other_holidays,
    "icalendar": other_icalendar,
    "tzdata": other_tzdata,
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_fingerprint_covers_versions_options_path_and_content(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint()
    assert before == fingerprint()
    assert CHANGES[change](monkeypatch) != before


def test_the_installed_versions_are_known() -> None:
    assert context._version("celery")
    assert context._tzdata_version()
