"""Flags, their environment variables, their precedence, and the choice of the database."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click
import pytest
from _pytest.mark import ParameterSet
from django.db.models import CharField

from beatsync import __version__
from beatsync.cli import main
from beatsync.cli.group import COMMANDS, group
from beatsync.cli.options import LONGEST_ENVIRONMENT
from beatsync.models import Source
from beatsync.published import read_schema
from tests.cli.commanding import CommandResult, InProcess, Project, Shell, clean_environment

SPEC = """\
schedules:
  nightly: {task: shop.bill, crontab: "0 2 * * *"}
  live: {task: shop.live, interval: 1h, only: [live]}
"""
WORDS = {
    "--max-deletes": "7%",
    "--limit": "7",
    "--count": "7",
    "--show": "7",
    "--timezone": "Asia/Tokyo",
    "--listen": "[::1]:80",
    "--source-url": "https://git.example/{path}",
} | dict.fromkeys(("--lock-timeout", "--for", "--grace", "--resync", "--since", "--wait"), "90s")
"""Values of the flags that do not accept any word."""
REST = {
    "release": ["a-name"],
    "pause": ["a-name"],
    "unpause": ["a-name"],
    "show": ["a-name"],
    "suspend": ["a-source"],
    "resume": ["a-source"],
    "rename-source": ["a-source", "another"],
}
"""The required arguments of a command."""


def commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield name, command


def flags() -> Iterator[ParameterSet]:
    for name, command in commands():
        for option in command.params:
            if isinstance(option, click.Option):
                flag = next(opt for opt in option.opts if opt.startswith("--"))
                yield pytest.param(command, option, flag, id=f"{name} {flag}")


def params(command: click.Command, *words: str) -> dict[str, Any]:
    """Return the parameters that a command parses from its words and its environment."""
    # A command caches its first help option, whose names come from the settings of the group.
    above = click.Context(group, **group.context_settings)
    with command.make_context(str(command.name), list(words), parent=above) as context:
        return context.params


class TestEnvironment:
    @pytest.mark.parametrize(("command", "option", "flag"), list(flags()))
    def test_each_flag_has_a_variable_with_the_same_effect(
        self, monkeypatch: pytest.MonkeyPatch, command: click.Command, option: click.Option, flag: str
    ) -> None:
        clean_environment(monkeypatch)
        variable = "BEATSYNC_" + flag.removeprefix("--").replace("-", "_").upper()
        word = option.type.choices[-1] if isinstance(option.type, click.Choice) else WORDS.get(flag, "word")
        rest = REST.get(str(command.name), [])

        def parsed(*words: str) -> object:
            assert option.name is not None
            return params(command, *words, *rest)[option.name]

        default = parsed()
        words = [] if option.is_flag else [word] * option.nargs
        value = parsed(flag, *words)
        assert value != default
        monkeypatch.setenv(variable, " ".join(words) or "1")
        assert parsed() == value
        # An empty variable counts as missing: the author of an environment cannot always omit it.
        monkeypatch.setenv(variable, "")
        assert parsed() == default
        if option.is_flag:
            monkeypatch.setenv(variable, "0")
            assert not parsed()

    def test_each_command_has_a_module_and_a_help_text(self, here: InProcess) -> None:
        modules = {path.stem for path in Path(main.__code__.co_filename).parent.glob("*.py")}
        assert {name.replace("-", "_") for name in COMMANDS} <= modules
        for name, command in commands():
            result = here(name, "--help")
            assert (result.code, result.err) == (0, "")
            assert result.out.startswith(f"Usage: beatsync {name} ")
            assert result == here(name, "-h")
            for option in command.params:
                assert not isinstance(option, click.Option) or option.help, (name, option.name)

    @pytest.mark.parametrize(
        ("variable", "value", "message"),
        [
            ("BEATSYNC_ADOPT", "perhaps", "'perhaps' is not a valid boolean"),
            ("BEATSYNC_ENV", "\udcff", "the value is not UTF-8 text"),
            ("BEATSYNC_ENV", "x" * 101, "the name of an environment has at most 100 characters"),
            ("BEATSYNC_MAX_DELETES", "few", "'few' is neither a number of rows nor a percentage"),
            ("BEATSYNC_FORMAT", "yaml", "'yaml' is not one of 'text', 'json', 'markdown'"),
        ],
    )
    def test_an_invalid_value_is_wrong_usage(
        self, here: InProcess, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
    ) -> None:
        here.spec(SPEC)
        monkeypatch.setenv(variable, value)
        result = here("sync")
        assert (result.code, result.out) == (64, "")
        assert message in result.err
        assert f"hint: the value comes from the environment variable {variable}\n" in result.err

    def test_the_name_of_a_directory_may_be_any_bytes(self, here: InProcess) -> None:
        here.spec(SPEC, "d\udcff/tasks.yaml")
        for command in ("validate", "sync", "plan"):
            assert here(command, "d\udcff").code == 0
        assert list(here.rows()) == ["nightly"]

    def test_the_longest_environment_name_is_that_of_the_format(self) -> None:
        names = read_schema("beatsync")["$defs"]["schedule"]["properties"]["environments"]["propertyNames"]
        column = Source._meta.get_field("environment")
        assert isinstance(column, CharField)
        assert names["maxLength"] == LONGEST_ENVIRONMENT == column.max_length

    def test_the_error_of_a_typed_value_names_no_variable(self, here: InProcess) -> None:
        result = here("sync", "--max-deletes", "few")
        assert result.code == 64
        assert "environment variable" not in result.err

    def test_an_empty_url_does_not_choose_the_embedded_database(self, shell: Shell) -> None:
        shell.spec(SPEC)
        result = shell("sync", env={"BEATSYNC_DATABASE_URL": ""})
        assert (result.code, result.out) == (64, "")
        assert "BEATSYNC_DATABASE_URL is set but empty" in result.err
        assert not (shell.path / "beatsync.sqlite3").exists()


class TestPrecedence:
    @pytest.fixture
    def ready(self, here: InProcess) -> InProcess:
        here.spec(SPEC)
        for name in ("by-flag", "by-variable", "by-settings"):
            here.spec(SPEC + f"  {name}: {{task: t, interval: 1h}}\n", f"{name}/tasks.yaml")
        return here

    def test_the_source(self, ready: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
        def source(*words: str, **settings: str) -> object:
            return ready("plan", "--format", "json", *words, settings=settings).json["source"]

        assert source() == "default"
        assert source(SOURCE="by-settings") == "by-settings"
        monkeypatch.setenv("BEATSYNC_SOURCE", "by-variable")
        assert source(SOURCE="by-settings") == "by-variable"
        assert source("--source", "by-flag", SOURCE="by-settings") == "by-flag"

    def test_the_environment(self, ready: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
        def environment(*words: str, **settings: str) -> object:
            return ready("plan", "--format", "json", *words, settings=settings).json["environment"]

        assert environment() is None
        assert environment(ENVIRONMENT="live") == "live"
        monkeypatch.setenv("BEATSYNC_ENV", "staging")
        assert environment(ENVIRONMENT="live") == "staging"
        assert environment("--env", "test", ENVIRONMENT="live") == "test"

    def test_the_zone(self, ready: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
        def zone(*words: str, **settings: str) -> str:
            out = ready("plan", *words, settings=settings).out
            return next(line.split()[1] for line in out.splitlines() if line.strip().startswith("timezone"))

        assert zone() == "UTC"
        assert zone(TIMEZONE="Asia/Tokyo") == "Asia/Tokyo"
        monkeypatch.setenv("BEATSYNC_TIMEZONE", "Europe/Rome")
        assert zone(TIMEZONE="Asia/Tokyo") == "Europe/Rome"
        assert zone("--timezone", "UTC", TIMEZONE="Asia/Tokyo") == "UTC"

    def test_the_directory(self, ready: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
        def declared(*words: str, **settings: str) -> str:
            changes = ready("plan", "--format", "json", *words, settings=settings).json["changes"]
            places = {change["location"]["path"].partition("/")[0] for change in changes}
            return str(places.pop()) if len(places) == 1 else "?"

        assert declared() == "schedules.d"
        assert declared(DIR="by-settings") == "by-settings"
        monkeypatch.setenv("BEATSYNC_DIR", "by-variable")
        assert declared(DIR="by-settings") == "by-variable"
        assert declared("by-flag", DIR="by-settings") == "by-flag"
        assert "2 schedules" in ready("validate", "by-flag").out

    def test_the_guards(self, here: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
        here.spec("schedules:\n" + "".join(f"  task-{n}: {{task: t, interval: 1h}}\n" for n in range(9)))
        assert here("sync").code == 0
        here.spec("schedules:\n  task-0: {task: t, interval: 1h}\n")
        assert here("plan").code == 4
        assert here("plan", settings={"MAX_DELETES": 8}).code == 0
        monkeypatch.setenv("BEATSYNC_MAX_DELETES", "7")
        assert "the limit is 7" in here("plan", settings={"MAX_DELETES": 8}).out
        assert here("plan", "--max-deletes", "8").code == 0
        here.spec("schedules: [", "schedules.d/broken.yaml")
        assert here("plan", "--max-deletes", "8").code == 3
        assert here("plan", "--max-deletes", "8", settings={"ON_INVALID": "isolate"}).code == 0
        monkeypatch.setenv("BEATSYNC_ON_INVALID", "refuse")
        assert here("plan", "--max-deletes", "8", settings={"ON_INVALID": "isolate"}).code == 3
        assert here("plan", "--max-deletes", "8", "--on-invalid", "isolate").code == 0


class TestWhichDatabase:
    def test_a_url_precedes_its_variable_the_project_and_the_embedded_database(self, migrated: Project) -> None:
        migrated.append_settings(
            "from pathlib import Path\nDATABASES['beat'] = {**DATABASES['default'], 'NAME': 'alias.sqlite3'}"
        )
        for name in ("flag", "variable", "alias"):
            shutil.copy(migrated.path / "db.sqlite3", migrated.path / f"{name}.sqlite3")
        variable = {"BEATSYNC_DATABASE_URL": "sqlite:///variable.sqlite3"}
        django = {"DJANGO_SETTINGS_MODULE": "proj.settings"}

        def chosen(*words: str, env: dict[str, str] | None = None) -> str:
            result = migrated.run("-m", "beatsync", "migrate", *words, env=env)
            assert result.out.endswith(": nothing to do\n"), result
            return Path(result.out.removeprefix("SQLite ").removesuffix(": nothing to do\n")).name

        assert chosen("--database-url", "sqlite:///flag.sqlite3", env=variable | django) == "flag.sqlite3"
        assert chosen(env=variable | django) == "variable.sqlite3"
        assert chosen(env=django) == "db.sqlite3"
        assert chosen("--database", "beat", env=django) == "alias.sqlite3"
        # A URL precedes an alias from the environment.
        assert chosen(env=django | variable | {"BEATSYNC_DATABASE": "beat"}) == "variable.sqlite3"
        (migrated.path / "manage.py").unlink()
        assert not (migrated.path / "beatsync.sqlite3").exists()
        assert chosen("--with-beat") == "beatsync.sqlite3"

    def test_choosing_two_databases_is_wrong_usage(self, here: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
        here.spec(SPEC)
        monkeypatch.setenv("BEATSYNC_DATABASE_URL", "sqlite:///elsewhere.sqlite3")
        result = here("sync", "--database", "default")
        assert (result.code, result.out) == (64, "")
        assert "use only one of the two" in result.err
        assert here.rows() == {}

    def test_an_alias_without_a_project_is_an_error_and_creates_no_database(self, shell: Shell) -> None:
        shell.spec(SPEC)
        result = shell("sync", "--database", "beat")
        assert (result.code, result.out) == (1, "")
        assert "there is no project here: name its settings with --settings or DJANGO_SETTINGS_MODULE" in result.err
        assert not (shell.path / "beatsync.sqlite3").exists()


class TestWrongUsage:
    @pytest.mark.parametrize("name", COMMANDS)
    def test_an_unknown_flag_suggests_the_nearest(self, here: InProcess, name: str) -> None:
        for flag in ("--formt", "--databse-url", "--hlep"):
            result = here(name, flag)
            assert (result.code, result.out) == (64, "")
            assert result.err.startswith(f"Usage: beatsync {name} ")
            assert f"No such option '{flag}'" in result.err
        assert re.search(r"Did you mean .*'--help'.*\?", result.err)

    def test_dry_run_suggests_plan(self, here: InProcess) -> None:
        result = here("sync", "--dry-run")
        assert result.code == 64
        assert "use `beatsync plan`: it shows what a sync would change" in result.err

    @pytest.mark.parametrize(
        "name",
        [
            name
            for name in COMMANDS
            if name not in {"export", "fmt", "load", "next", "pause", "release", "run", "unpause"}
        ],
    )
    def test_an_extra_argument_is_wrong_usage(self, here: InProcess, name: str) -> None:
        first = ["plan"] if name == "schema" else REST.get(name, ["one"])
        result = here(name, *first, "two", "three")
        assert (result.code, result.out) == (64, "")
        assert "Got unexpected extra argument" in result.err

    def test_no_command_shows_the_commands(self, here: InProcess) -> None:
        result = here()
        assert (result.code, result.out) == (64, "")
        for name in COMMANDS:
            assert f"\n  {name} " in result.err

    def test_an_unknown_command_suggests_the_nearest_or_lists_all(self, here: InProcess) -> None:
        assert here("snyc").err.endswith("No such command 'snyc'. Did you mean 'sync'?\n")
        assert f"Available commands: {', '.join(COMMANDS)}." in here("frobnicate").err
        assert here("frobnicate").code == 64


class TestProgram:
    def test_it_is_installed_as_a_command_and_run_as_a_module(self, shell: Shell) -> None:
        [script] = entry_points(group="console_scripts", name="beatsync")
        assert script.load() is main
        value = CommandResult(0, f"beatsync {__version__}\n", "")
        assert shell("--version") == value
        installed = Path(sys.executable).with_name("beatsync")
        process = subprocess.run([installed, "--version"], cwd=shell.path, capture_output=True, text=True, check=False)
        assert CommandResult(process.returncode, process.stdout, process.stderr) == value

    def test_help_is_cheap(self, shell: Shell) -> None:
        program = (
            "import sys\nfrom beatsync.cli import main\nmain(['--help'])\n"
            "print(sorted({'django', 'celery', 'yaml', 'jsonschema'} & sys.modules.keys()), file=sys.stderr)"
        )
        assert shell.run("-c", program).err == "[]\n"


@pytest.mark.parametrize("value", ["by variable", "shop=by variable"])
def test_the_daemon_reads_its_directory_from_the_variable(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from beatsync.cli.run import command

    monkeypatch.setenv("BEATSYNC_DIR", value)
    assert params(command)["directories"] == (value,)
    assert params(command, "a", "b")["directories"] == ("a", "b")
