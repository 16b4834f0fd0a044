"""`manage.py beatsync COMMAND`: the same commands as `beatsync`, with the project's settings and databases."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr

import pytest
from django.core.management import CommandError, call_command

from beatsync.cli.group import COMMANDS
from beatsync.cli.wiring import KEYS
from beatsync.management.commands.beatsync import Command
from tests.cli.commanding import CommandResult, InProcess, Project

SPEC = """\
schedules:
  nightly: {task: shop.bill, crontab: "0 2 * * *"}
  tick: {task: shop.tick, interval: 30s}
"""

TWO_DATABASES = "DATABASES['beat'] = {'ENGINE': 'django.db.backends.sqlite3', 'NAME': BASE / 'beat.sqlite3'}"
BASE = "from pathlib import Path\nBASE = Path(__file__).parent.parent"
ROUTER = """
class Router:
    def _place(self, model, **hints):
        return "beat" if model._meta.app_label in {"django_celery_beat", "beatsync"} else None
    db_for_read = db_for_write = _place
    def allow_migrate(self, db, app_label, **hints):
        return db == "beat" if app_label in {"django_celery_beat", "beatsync"} else None
"""


def called(*words: str) -> CommandResult:
    """Return the output and the exit code of `call_command`."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command("beatsync", *words, stdout=out, stderr=err)
    except CommandError as error:
        code = error.returncode
    return CommandResult(code, out.getvalue(), err.getvalue())


class TestSameCommands:
    @pytest.mark.parametrize("command", COMMANDS)
    def test_each_command_has_the_same_flags(self, here: InProcess, command: str) -> None:
        by_manage = called(command, "--help")
        in_shell = here(command, "--help")
        assert by_manage.code == 0
        assert by_manage.out.startswith(f"Usage: manage.py beatsync {command} ")
        # Only the line breaks differ, because the program name is longer.
        assert by_manage.out.replace("manage.py ", "").split() == in_shell.out.split()

    def test_manage_py_does_the_same_as_beatsync(self, migrated: Project) -> None:
        migrated.spec(SPEC)
        planned = migrated("plan", "--detailed-exitcode", "--format", "json")
        assert planned.code == 2
        assert planned == migrated.beatsync("plan", "--detailed-exitcode", "--format", "json")
        assert migrated("sync").out.endswith("\n2 created, 0 unchanged.\n")
        assert migrated("release", "tick").code == 0
        conflict = migrated("sync")
        assert (conflict.code, conflict) == (4, migrated.beatsync("sync"))

    def test_call_command_writes_to_the_callers_streams_and_raises_with_the_exit_code(
        self, here: InProcess, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert [called(*words).code for words in (["init", "new"], ["init", "new"], ["migrate"])] == [0, 1, 0]
        assert called("schema", "plan").json["title"]
        here.spec(SPEC)
        planned = called("plan", "--detailed-exitcode", "--format", "json")
        assert (planned.code, planned.matching("plan")["summary"]["create"]) == (2, 2)
        assert called("sync", "--quiet").code == 0
        assert sorted(here.rows()) == ["nightly", "tick"]
        assert called("status", "--format", "json").matching("status")["sources"][0]["schedules"] == 2
        wrong = called("plan", "--allow-emty")
        assert (wrong.code, wrong.out) == (64, "")
        assert "Did you mean '--allow-empty'?" in wrong.err
        assert capsys.readouterr() == ("", "")
        # Without streams of the caller, the output goes to standard output.
        call_command("beatsync", "plan")
        assert capsys.readouterr().out == "Nothing to do: 2 unchanged.\n"

    def test_help_is_the_help_of_beatsync(self, migrated: Project) -> None:
        helped = migrated("--help")
        assert (helped.code, helped.err) == (0, "")
        assert helped.out.startswith("Usage: manage.py beatsync [OPTIONS] COMMAND [ARGS]...\n")
        for command in COMMANDS:
            assert f"\n  {command} " in helped.out
        assert migrated.manage("help", "beatsync") == helped

    def test_the_flags_of_manage_py_are_accepted_with_every_command(self, here: InProcess) -> None:
        here.spec(SPEC)

        def run_from_argv(*words: str) -> CommandResult:
            err = io.StringIO()
            with redirect_stderr(err), pytest.raises(SystemExit) as exited:
                Command().run_from_argv(["manage.py", "beatsync", *words])
            return CommandResult(int(str(exited.value.code)), "", err.getvalue())

        for words in (
            ["validate", "--settings", "proj.settings"],
            ["--settings=proj.settings", "--pythonpath", ".", "plan"],
            ["sync", "--pythonpath=.", "--quiet"],
        ):
            assert run_from_argv(*words).code == 0, words
        # Other words that begin with a dash are passed on.
        assert "'--settingss'" in run_from_argv("validate", "--settingss", "x").err
        assert run_from_argv("release", "--", "--odd").err == "error: the source 'default' does not own '--odd'\n"


class TestSettings:
    def test_each_key_takes_effect(self, migrated: Project) -> None:
        migrated.append_settings(BASE)
        migrated.append_settings(TWO_DATABASES)
        migrated.append_settings(
            "BEATSYNC = {'DIR': BASE / 'specs', 'SOURCE': 'shop', 'ENVIRONMENT': 'live', 'TIMEZONE': 'Asia/Tokyo',"
            " 'DATABASE': 'beat', 'MAX_DELETES': 0, 'ON_INVALID': 'isolate'}"
        )
        migrated.spec(SPEC + "  live: {task: t, interval: 1h, only: [live]}\n", "specs/tasks.yaml")
        migrated.spec("schedules: [", "specs/broken.yaml")
        assert migrated("migrate", "--with-beat").code == 0
        assert migrated("sync").code == 0
        assert migrated.query("SELECT name FROM beatsync_source", "beat.sqlite3") == [("shop",)]
        names = migrated.query("SELECT name FROM django_celery_beat_periodictask ORDER BY name", "beat.sqlite3")
        assert names == [("live",), ("nightly",), ("tick",)]
        zones = migrated.query("SELECT timezone FROM django_celery_beat_crontabschedule", "beat.sqlite3")
        assert zones == [("Asia/Tokyo",)]
        migrated.spec(SPEC, "specs/tasks.yaml")
        (migrated.path / "specs" / "broken.yaml").unlink()
        refused = migrated("sync")
        assert refused.code == 4
        assert "the limit is 0" in refused.out
        # `beatsync` reads the same settings.
        assert migrated.beatsync("sync") == refused
        # A flag takes precedence over each key.
        assert migrated("plan", "--max-deletes", "1").code == 0
        assert migrated("plan", "--database", "default", "--source", "x").out.endswith("2 to create, 0 unchanged.\n")

    def test_without_a_setting_the_zone_is_the_projects(self, migrated: Project) -> None:
        migrated.spec(SPEC)
        assert "timezone  Europe/Berlin" in migrated("plan").out
        migrated.append_settings("CELERY_TIMEZONE = 'Mars/Olympus'\ndel BEATSYNC")
        wrong = migrated("plan")
        assert wrong.code == 64
        assert "the celery application (CELERY_TIMEZONE): there is no time zone 'Mars/Olympus'; use " in wrong.err
        assert migrated("plan", "--timezone", "UTC").code == 0

    @pytest.mark.parametrize("command", ["validate", "plan", "sync", "status", "release"])
    def test_an_unknown_key_is_wrong_usage_and_the_keys_are_listed(self, here: InProcess, command: str) -> None:
        here.spec(SPEC)
        words = ["release", "x"] if command == "release" else [command]
        result = here(*words, settings={"DIRECTORY": "specs"})
        assert (result.code, result.out) == (64, "")
        assert "BEATSYNC in the Django settings has an unknown key 'DIRECTORY'; the keys are " in result.err
        for key in KEYS:
            assert key in result.err

    @pytest.mark.parametrize(
        ("key", "value", "message"),
        [
            ("ENVIRONMENT", "x" * 101, "the name of an environment has at most 100 characters"),
            ("MAX_DELETES", "few", "'few' is neither a number of rows nor a percentage"),
            ("ON_INVALID", "ignore", "the value must be refuse or isolate, not 'ignore'"),
            ("TIMEZONE", "Mars", "there is no time zone 'Mars'; use an IANA name"),
            *((key, "", "the value is empty; omit it to use the default") for key in KEYS),
        ],
    )
    def test_an_invalid_value_is_wrong_usage_and_its_key_is_named(
        self, here: InProcess, key: str, value: str, message: str
    ) -> None:
        here.spec(SPEC)
        before = here.tables()
        result = here("sync", settings={key: value})
        assert (result.code, result.out) == (64, "")
        assert f"Error: BEATSYNC[{key!r}] in the Django settings: {message}" in result.err
        assert here.tables() == before

    def test_none_means_that_the_key_is_missing(self, here: InProcess) -> None:
        here.spec(SPEC)
        assert here("sync", settings=dict.fromkeys(KEYS)).code == 0

    def test_a_setting_that_is_not_a_dict_is_reported(self, migrated: Project) -> None:
        migrated.spec(SPEC)
        migrated.append_settings("BEATSYNC = ['DIR']")
        expected = CommandResult(1, "", "error: BEATSYNC in the Django settings must be a dict, not list\n")
        assert migrated("plan") == migrated.beatsync("plan") == expected


class TestWhichDatabase:
    def test_a_flag_precedes_the_routers_and_they_precede_the_default(self, project: Project) -> None:
        project.append_settings(BASE)
        project.append_settings(TWO_DATABASES)
        project.append_settings("DATABASE_ROUTERS = ['proj.routers.Router']")
        (project.path / "proj" / "routers.py").write_text(ROUTER, encoding="utf-8")
        project.spec(SPEC)
        assert project("migrate", "--with-beat").code == 0
        assert project("sync").code == 0
        assert project.query("SELECT count(*) FROM django_celery_beat_periodictask", "beat.sqlite3") == [(2,)]
        assert not project.tables()
        # The router keeps the tables out although the migrations are recorded: running them again would not help.
        assert project("migrate", "--with-beat", "--database", "default").code == 0
        elsewhere = project("plan", "--database", "default")
        assert elsewhere.code == 1
        assert "recorded as applied, and yet: no such table" in elsewhere.err
        assert "a router's allow_migrate keeps them out of this database" in elsewhere.err
        assert "Run " not in elsewhere.err

    def test_an_unknown_alias_is_reported_with_the_existing_ones(self, migrated: Project) -> None:
        migrated.append_settings("DATABASES['beat'] = DATABASES['default']")
        message = "error: the Django project has no database 'nope' in DATABASES; it has beat, default\n"
        assert migrated("plan", "--database", "nope") == CommandResult(1, "", message)
        migrated.append_settings("BEATSYNC = {'DATABASE': 'nope'}")
        assert migrated("plan") == migrated.beatsync("plan") == CommandResult(1, "", message)


class TestIncompleteProject:
    def test_an_app_that_is_not_installed_is_reported_with_the_fix(self, migrated: Project) -> None:
        migrated.spec(SPEC)
        migrated.append_settings("INSTALLED_APPS = ['beatsync']")
        for command in ("sync", "migrate"):
            result = migrated(command)
            assert (result.code, result.out) == (1, ""), command
            assert result.err.startswith(
                "error: add 'django_celery_beat' to INSTALLED_APPS of the Django project, then run `python manage.py"
            )
        migrated.append_settings("INSTALLED_APPS = ['django_celery_beat']")
        assert migrated.beatsync("plan").err.startswith("error: add 'beatsync' to INSTALLED_APPS ")
        # A command without a database still works.
        assert migrated.beatsync("validate").code == 0

    def test_missing_tables_are_reported_with_the_fix_and_are_not_created(self, project: Project) -> None:
        project.spec(SPEC)
        missing = project("sync")
        assert missing.code == 1
        assert "there is no database file " in missing.err
        assert missing.err.endswith("; `python manage.py migrate` makes it\n")
        assert not (project.path / "db.sqlite3").exists()

        (project.path / "db.sqlite3").touch()
        none = project("sync")
        assert (none.code, none.out) == (1, "")
        assert "migrations django_celery_beat.0001_initial and " in none.err
        assert none.err.endswith("are not applied. Run `python manage.py migrate django_celery_beat`\n")
        assert not project.tables()

        assert project.manage("migrate", "django_celery_beat").code == 0
        own = project("sync")
        assert own.code == 1
        assert "beatsync.0001_initial" in own.err
        assert own.err.endswith(" not applied. Run `python manage.py migrate beatsync`\n")
        assert not [name for name in project.tables() if name.startswith("beatsync_")]
        # The reported commands fix it.
        assert project.manage("migrate", "beatsync").code == 0
        assert project("sync").code == 0

    def test_the_fix_names_a_database_that_is_not_the_default(self, project: Project) -> None:
        project.append_settings(BASE)
        project.append_settings(TWO_DATABASES)
        project.spec(SPEC)
        (project.path / "beat.sqlite3").touch()
        result = project("plan", "--database", "beat")
        assert result.err.endswith("Run `python manage.py migrate django_celery_beat --database beat`\n")

    @pytest.mark.parametrize(
        ("python", "message"),
        [
            ("import os; os.environ['SHOP_KEY']", "KeyError: 'SHOP_KEY' ("),
            ("import nowhere", "No module named 'nowhere'"),
            ("SECRET_KEY = ", "SyntaxError: invalid syntax"),
            ("INSTALLED_APPS += ['nowhere']", "No module named 'nowhere'"),
        ],
    )
    def test_settings_that_cannot_be_loaded_are_reported_in_a_single_line(
        self, project: Project, python: str, message: str
    ) -> None:
        project.append_settings(python)
        result = project.beatsync("plan")
        assert (result.code, result.out) == (1, "")
        assert result.err.startswith("error: the Django settings 'proj.settings' cannot be loaded: ")
        assert message in result.err
        assert result.err.count("\n") == 1

    def test_an_error_in_the_settings_is_reported_with_its_line(self, project: Project) -> None:
        settings = project.path / "proj" / "settings.py"
        project.append_settings("1 / 0")
        line = len(settings.read_text(encoding="utf-8").splitlines())
        assert f"ZeroDivisionError: division by zero ({settings}, line {line})" in project.beatsync("status").err


def test_manage_py_prints_nothing_but_json(migrated: Project) -> None:
    migrated.spec(SPEC)
    assert json.loads(migrated("plan", "--format", "json", "--verbose").out)["summary"]["create"] == 2
