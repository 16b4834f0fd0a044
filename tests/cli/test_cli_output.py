"""Standard output holds the result and nothing else; colour and progress depend on the terminal."""

from __future__ import annotations

import contextlib

import click
import pytest

from beatsync.cli.group import COMMANDS, group
from tests.cli.commanding import InProcess, Shell, copy_database, lock_held
from tests.cli.terminal import terminal
from tests.conftest import Backend, task_maker

SPEC = """\
schedules:
  nightly: {task: shop.bill, crontab: "0 2 * * *", timezone: UTC}
  tick: {task: shop.tick, interval: 30s}
"""
ESCAPE = "\x1b["
SCHEMAS = {"validate": "validate", "plan": "plan", "sync": "plan", "status": "status"}
"""The published schema of the JSON output of each command that reads a source and a database."""


def fresh(here: InProcess) -> None:
    here.spec(SPEC)


def unchanged(here: InProcess) -> None:
    here.spec(SPEC)
    here("sync")


def drifted(here: InProcess) -> None:
    from django_celery_beat.models import PeriodicTask

    unchanged(here)
    PeriodicTask.objects.filter(name="nightly").update(queue="slow", enabled=False)
    PeriodicTask.objects.filter(name="tick").delete()


def pruned(here: InProcess) -> None:
    unchanged(here)
    here.spec(SPEC.replace("nightly", "weekly").replace("30s", "1m"))


def invalid(here: InProcess) -> None:
    unchanged(here)
    here.spec("schedules: {bad: {task: t, crontab: '61 * * * *', kwarg: {}}}", "schedules.d/bad.yaml")


def blocked(here: InProcess) -> None:
    task_maker(here.alias)("tick")
    here.spec(SPEC)
    here("sync")


def emptied(here: InProcess) -> None:
    unchanged(here)
    here.spec("schedules: {}")


SCENES = [fresh, unchanged, drifted, pruned, invalid, blocked, emptied]


class TestJSON:
    def test_every_command_with_json_output_is_tested(self) -> None:
        json_commands = set()
        for name in COMMANDS:
            command = group.get_command(click.Context(group), name)
            assert command is not None
            for option in command.params:
                if option.name == "output_format" and isinstance(option.type, click.Choice):
                    assert "json" in option.type.choices
                    json_commands.add(name)
        # Other test files check those of the other commands against their schemas.
        assert json_commands == SCHEMAS.keys() | {"history", "load", "next", "show"}

    @pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
    @pytest.mark.parametrize("command", SCHEMAS)
    def test_json_matches_its_schema_and_is_alone_on_standard_output(
        self, here: InProcess, monkeypatch: pytest.MonkeyPatch, scene: object, command: str
    ) -> None:
        assert callable(scene)
        scene(here)
        verbose = [] if command == "status" else ["--verbose"]
        monkeypatch.setenv("FORCE_COLOR", "1")
        result = here(command, "--format", "json", *verbose)
        result.matching(SCHEMAS[command])
        assert ESCAPE not in result.out
        assert bool(result.err) == bool(verbose)

    def test_an_isolated_invalid_file_is_in_the_json(self, here: InProcess) -> None:
        invalid(here)
        for command in ("plan", "sync"):
            document = here(command, "--on-invalid", "isolate", "--format", "json").matching("plan")
            assert document["diagnostics"]


class TestStreams:
    @pytest.mark.parametrize(
        "words",
        [
            ["validate", "--verbose"],
            ["plan", "--verbose", "--out", "plan.json"],
            ["sync", "--verbose"],
            ["init", "new"],
        ],
        ids=lambda words: words[0],
    )
    def test_everything_but_the_result_goes_to_standard_error(self, here: InProcess, words: list[str]) -> None:
        here.spec(SPEC)
        plain_words = [word for word in words if word != "--verbose"]
        verbose_result = here(*words)
        assert verbose_result.code == 0
        assert verbose_result.err
        if words[0] in {"validate", "plan"}:
            assert here(*plain_words).out == verbose_result.out

    @pytest.mark.parametrize("words", [["plan", "missing"], ["plan", "--nope"], ["release", "x"]], ids=str)
    def test_an_error_goes_to_standard_error(self, here: InProcess, words: list[str]) -> None:
        result = here(*words)
        assert result.out == ""
        assert "rror: " in result.err

    def test_characters_outside_the_encoding_are_escaped(self, shell: Shell) -> None:
        shell.spec("schedules:\n  nächtlich: {task: t, interval: 1h}\n")
        result = shell("plan", env={"PYTHONIOENCODING": "ascii"})
        assert result.code == 0
        assert "  + n\\xe4chtlich\n" in result.out


class TestColour:
    @pytest.mark.parametrize(
        ("env", "coloured"),
        [
            ({}, False),
            ({"FORCE_COLOR": "1"}, True),
            ({"FORCE_COLOR": "1", "CI": "true"}, True),
            ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ],
        ids=str,
    )
    def test_in_a_pipe(
        self, here: InProcess, monkeypatch: pytest.MonkeyPatch, env: dict[str, str], *, coloured: bool
    ) -> None:
        here.spec(SPEC)
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        for words in (["plan"], ["validate"], ["sync"], ["status"]):
            assert (ESCAPE in here(*words).out) is coloured, words
        assert (ESCAPE in here("plan", "missing").err) is coloured
        assert ESCAPE not in here("plan", "--format", "markdown").out
        assert ESCAPE not in here("schema").out

    @pytest.mark.parametrize(
        ("env", "coloured"),
        [
            ({}, True),
            ({"NO_COLOR": "1"}, False),
            ({"NO_COLOR": ""}, True),
            ({"CI": "true"}, False),
            ({"TERM": "dumb"}, False),
            ({"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        ],
        ids=str,
    )
    def test_in_a_terminal(self, shell: Shell, env: dict[str, str], *, coloured: bool) -> None:
        shell.spec(SPEC.replace("30s", "30"))
        with terminal(shell.path, "validate", env=env) as screen:
            assert screen.end() == 3
        assert (ESCAPE in screen.shown) is coloured, screen.shown
        assert "tasks.yaml:3:37" in screen.shown


ERASE = "\r\x1b[2K"
"""Erases the line of progress."""


class TestProgress:
    @pytest.fixture
    def embedded(self, shell: Shell, sqlite_backend: Backend) -> Shell:
        """A directory whose embedded database has its tables."""
        shell.spec(SPEC)
        copy_database(sqlite_backend.url, shell.path / "beatsync.sqlite3")
        return shell

    def test_a_long_step_shows_its_progress_that_is_removed_at_the_end(self, embedded: Shell) -> None:
        url = f"sqlite:///{embedded.path / 'beatsync.sqlite3'}"
        with contextlib.ExitStack() as stack:
            with lock_held(url, "default", "alice"):
                screen = stack.enter_context(terminal(embedded.path, "sync"))
                screen.wait_for("applying")
                assert screen.process.poll() is None
            assert screen.end() == 0
        result = screen.shown.rpartition(ERASE)[2]
        assert "applying" not in result
        assert result.removesuffix("\x1b[0m").endswith("2 created, 0 unchanged.\r\n")

    @pytest.mark.parametrize(
        ("words", "env"), [(["--quiet"], {}), ([], {"CI": "1"}), (["--verbose"], {})], ids=["quiet", "ci", "verbose"]
    )
    def test_no_progress_is_shown(self, embedded: Shell, words: list[str], env: dict[str, str]) -> None:
        url = f"sqlite:///{embedded.path / 'beatsync.sqlite3'}"
        with (
            lock_held(url, "default", "alice"),
            terminal(embedded.path, "sync", "--lock-timeout", "1s", *words, env=env) as screen,
        ):
            assert screen.end() == 4
        assert ERASE not in screen.shown
        assert "alice holds the lock of source 'default'" in screen.shown

    def test_a_short_command_shows_no_progress(self, shell: Shell) -> None:
        shell.spec(SPEC)
        with terminal(shell.path, "validate") as screen:
            assert screen.end() == 0
        assert screen.shown.replace("\x1b[32m", "").replace("\x1b[0m", "") == "1 file, 2 schedules: valid\r\n"
