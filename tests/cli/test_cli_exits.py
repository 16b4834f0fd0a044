"""Exit codes, and failures outside BeatSync: each prints a single clear line, without a traceback or a password."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.cli.commanding import ROOT, CommandResult, InProcess, Shell
from tests.conftest import Backend, Server, missing_service
from tests.processes import wait_until

ONE = "schedules:\n  nightly: {task: shop.bill, interval: 1h}\n"
TWO = "schedules:\n  nightly: {task: shop.bill, interval: 2h}\n"
NEED_A_DATABASE = (["plan"], ["sync"], ["status"], ["release", "nightly"], ["migrate"])
DOWN = "127.0.0.1:1"
"""No server listens there."""


def sh(shell: Shell, line: str, **env: str) -> CommandResult:
    """Run a line of bash in which `beatsync` is the command, with buffered output as in a user's shell."""
    functions = f'set -o pipefail; beatsync() {{ "{sys.executable}" -m beatsync "$@"; }}'
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.run(
        ["bash", "-c", f"{functions}\n{line}"],
        cwd=shell.path,
        env={**clean, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return CommandResult(process.returncode, process.stdout, process.stderr)


def only_error_line(result: CommandResult) -> str:
    """Return the only error line of a failed command; the hint about the embedded database may precede it."""
    assert (result.code, result.out) == (1, ""), result
    *hints, line = result.err.splitlines()
    assert line.startswith("error: ")
    assert all(hint.startswith("hint: no database was chosen") for hint in hints)
    return line + "\n"


class TestEachCode:
    @pytest.mark.parametrize(
        ("lines", "code"),
        [
            ("--help", 0),
            ("--version", 0),
            ("schema", 0),
            ("schema nope", 64),
            ("schema --nope", 64),
            ("init new", 0),
            ("init schedules.d/tasks.yaml", 1),
            ("init --nope", 64),
            ("validate", 0),
            ("validate broken", 3),
            ("validate missing", 1),
            ("validate --env ''", 64),
            ("plan", 0),
            ("plan --detailed-exitcode", 2),
            ("sync -q && plan --detailed-exitcode", 0),
            ("plan broken --detailed-exitcode", 3),
            ("sync -q && plan empty --detailed-exitcode", 4),
            ("plan missing", 1),
            ("plan --timezone Mars", 64),
            ("sync", 0),
            ("sync broken", 3),
            ("sync -q && sync empty", 4),
            ("sync --plan missing.json", 1),
            ("sync --lock-timeout never", 64),
            ("plan --out p -q && sync --plan p && sync --plan p", 0),
            ("status", 0),
            ("status --source nope", 1),
            ("status --format markdown", 64),
            ("sync -q && release nightly", 0),
            ("release nightly", 1),
            ("release", 64),
            ("migrate", 0),
            ("migrate --database nope", 1),
            ("migrate --with-beat=yes", 64),
            ("", 64),
            ("nope", 64),
        ],
    )
    def test_each_command_has_its_exit_code(self, here: InProcess, lines: str, code: int) -> None:
        _files_for_each(here)
        *before, last = lines.split(" && ")
        for line in before:
            assert here(*shlex.split(line)).code == 0, line
        result = here(*shlex.split(last))
        assert result.code == code, result
        assert "Traceback" not in result.err
        # A refusal is printed to one of the two streams.
        assert result.out + result.err

    @pytest.mark.parametrize(
        ("line", "code"),
        [
            ("beatsync plan --detailed-exitcode", 2),
            ("beatsync validate broken", 3),
            ("beatsync plan --timezone Mars", 64),
        ],
    )
    def test_a_shell_sees_the_exit_code(self, shell: Shell, line: str, code: int) -> None:
        _files_for_each(shell)
        result = sh(shell, line)
        assert result.code == code, result
        assert "Traceback" not in result.err
        assert result.out + result.err


def _files_for_each(place: InProcess | Shell) -> None:
    place.spec(ONE)
    place.spec("schedules: [", "broken/tasks.yaml")
    (place.path / "empty").mkdir()


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
@pytest.mark.lab
class TestSignals:
    @pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
    def test_a_waiting_command_ends_on_a_signal(
        self, here: InProcess, backend: Backend, sent: signal.Signals, code: int
    ) -> None:
        here.spec(ONE)
        assert here("sync", "--database-url", backend.url).code == 0
        here.spec(TWO)
        waiting = (
            "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database WHERE NOT granted AND datname = %s"
        )
        with contextlib.ExitStack() as stack:
            # Another session locks the tables, so that every command that needs them waits.
            session = stack.enter_context(psycopg.connect(backend.url))
            session.execute("LOCK TABLE beatsync_source, django_migrations IN ACCESS EXCLUSIVE MODE")
            started = {}
            for words in NEED_A_DATABASE:
                started[words[0]] = process = stack.enter_context(
                    subprocess.Popen(
                        [sys.executable, "-m", "beatsync", *words],
                        cwd=here.path,
                        env={**os.environ, "PYTHONPATH": str(ROOT), "BEATSYNC_DATABASE_URL": backend.url},
                        stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE,
                        text=True,
                    )
                )
                stack.callback(process.kill)
            wait_until(
                lambda: session.execute(waiting, [backend.url.rpartition("/")[2]]).fetchone() == (len(started),),
                60,
                "not all commands are waiting",
            )
            for process in started.values():
                process.send_signal(sent)
            for command, process in started.items():
                out, err = process.communicate(timeout=30)
                assert (process.returncode, out) == (code, ""), (command, err)
                assert "Traceback" not in err
                if code == 130:
                    assert err.strip() == "error: interrupted; changes that were not committed are rolled back", command
        assert "  ~ nightly\n" in here("plan", "--database-url", backend.url).out


@pytest.mark.lab
class TestPipes:
    @pytest.mark.parametrize(
        ("line", "unbuffered"),
        [
            ("beatsync plan --out plan.json", False),
            ("beatsync plan --out plan.json", True),
            ("beatsync sync", False),
            ("beatsync validate many --format json", False),
        ],
    )
    def test_a_closed_pipe_causes_no_traceback(self, shell: Shell, line: str, unbuffered: bool) -> None:
        # More than the buffer of a pipe holds.
        many = "".join(f"  task-{number:05}: {{task: t, interval: 1h, queue: {'q' * 90}}}\n" for number in range(1000))
        shell.spec("schedules:\n" + many)
        shell.spec("schedules:\n" + many.replace("interval: 1h", "interval: 1x"), "many/tasks.yaml")
        env = {"PYTHONUNBUFFERED": "1"} if unbuffered else {}
        if "--out" in line:
            assert sh(shell, "beatsync migrate").code == 0
        result = sh(shell, f"{line} 2>err | head -1; cat err >&2", **env)
        assert result.code == 0
        assert result.out.count("\n") == 1
        assert "Traceback" not in result.err
        assert "BrokenPipe" not in result.err
        if line.endswith("sync"):
            assert sh(shell, "beatsync plan").out == "Nothing to do: 1,000 unchanged.\n"
        if "--out" in line:
            assert sh(shell, "beatsync sync --plan plan.json | tail -1").out == "1,000 created, 0 unchanged.\n"

    def test_a_full_disk_is_reported(self, shell: Shell) -> None:
        if not Path("/dev/full").exists():
            pytest.skip("no /dev/full here")
        line = only_error_line(sh(shell, "beatsync schema > /dev/full"))
        assert line == "error: cannot write to standard output: No space left on device\n"


class TestDatabases:
    @pytest.mark.parametrize("kind", ["postgres", "mysql", "mariadb"])
    @pytest.mark.parametrize("words", NEED_A_DATABASE, ids=lambda words: words[0])
    def test_an_unavailable_server_is_reported_in_a_single_line_without_the_password(
        self, here: InProcess, kind: str, words: list[str]
    ) -> None:
        here.spec(ONE)
        line = only_error_line(here(*words, "--database-url", f"{kind}://joe:hunter2@{DOWN}/shop"))
        assert f"shop on {DOWN}: " in line
        assert "refused" in line
        assert "hunter2" not in line

    def test_verbose_shows_no_password(self, here: InProcess) -> None:
        here.spec(ONE)
        result = here("sync", "--verbose", "--database-url", f"postgres://joe:hunter2@{DOWN}/shop?password=hunter2")
        assert result.code == 1
        assert "hunter2" not in result.out + result.err

    @pytest.mark.parametrize("url", ["hunter2", "joe:hunter2@host/shop", "postgres://joe:hun#ter2@host/shop"])
    def test_an_invalid_url_is_reported_with_the_syntax_of_a_url(self, here: InProcess, url: str) -> None:
        line = only_error_line(here("status", "--database-url", url))
        assert "postgres://" in line
        assert "hun" not in line

    def test_a_file_that_is_not_a_database_is_reported(self, here: InProcess) -> None:
        here.spec(ONE)
        here.spec("not a database\n" * 200, "x.sqlite3")
        for words in NEED_A_DATABASE:
            line = only_error_line(here(*words, "--database-url", "sqlite:///x.sqlite3"))
            assert line == "error: SQLite x.sqlite3: file is not a database\n"

    def test_missing_privileges_are_reported(
        self, here: InProcess, server: Callable[[str], Server], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        url = server("postgresql").create()
        here.spec(ONE)
        assert here("migrate", "--with-beat", "--database-url", url).code == 0
        role = f"reader_{os.getpid()}"
        with psycopg.connect(url, autocommit=True) as session:
            try:
                session.execute(f"CREATE ROLE {role}".encode())
                session.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}".encode())
            except psycopg.Error as error:
                missing_service("privilege to create roles", error)
            try:
                monkeypatch.setenv("BEATSYNC_DATABASE_URL", f"{url}?options=-c%20role%3D{role}")
                assert here("plan", "--detailed-exitcode").code == 2
                assert "permission denied for " in only_error_line(here("sync"))
                assert session.execute("SELECT count(*) FROM beatsync_source").fetchone() == (0,)
            finally:
                session.execute(f"DROP OWNED BY {role}".encode())
                session.execute(f"DROP ROLE {role}".encode())


@contextlib.contextmanager
def mode(path: Path, bits: int) -> Iterator[None]:
    before = path.stat().st_mode
    path.chmod(bits)
    try:
        yield
    finally:
        path.chmod(before)


@pytest.mark.lab
class TestRights:
    @pytest.fixture
    def bound(self, shell: Shell) -> Callable[[str], CommandResult]:
        """Run a line of bash to which file modes apply, even for root."""
        if os.geteuid() != 0:
            return lambda line: sh(shell, line)
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("file modes do not apply to root, and setpriv is missing")
        drop = f"{setpriv} --bounding-set=-dac_override,-dac_read_search --inh-caps=-all"
        bind = f'beatsync() {{ {drop} "{sys.executable}" -m beatsync "$@"; }}'
        return lambda line: sh(shell, f"{bind}\n{line}")

    def test_a_read_only_database_file(self, shell: Shell, bound: Callable[[str], CommandResult]) -> None:
        shell.spec(ONE)
        assert bound("beatsync sync").code == 0
        shell.spec(TWO)
        with mode(shell.path / "beatsync.sqlite3", 0o444):
            planned = bound("beatsync plan")
            assert (planned.code, "attempt to write a readonly database [read-only]" in planned.out) == (4, True)
            assert bound("beatsync status").code == 0
            assert bound("beatsync migrate").code == 0
            for command in ("beatsync sync", "beatsync release nightly"):
                error = only_error_line(bound(command))
                assert error == "error: SQLite beatsync.sqlite3: attempt to write a readonly database\n"
        assert bound("beatsync sync").out.endswith("1 updated, 0 unchanged.\n")

    def test_a_read_only_directory(self, shell: Shell, bound: Callable[[str], CommandResult]) -> None:
        shell.spec(ONE)
        with mode(shell.path, 0o555):
            line = only_error_line(bound("beatsync sync"))
            assert "beatsync.sqlite3: unable to open database file" in line
            assert "no database was chosen by --database-url or --settings" in line
            assert "new cannot be written: Permission denied" in only_error_line(bound("beatsync init new"))
            assert bound("beatsync validate").code == 0
        assert bound("beatsync sync -q").code == 0
        with mode(shell.path, 0o555):
            saving = bound("beatsync plan --out plan.json")
            assert saving.code == 1
            assert saving.err.endswith("error: plan.json cannot be written: Permission denied\n")

    def test_unreadable_files_are_not_treated_as_removed(
        self, shell: Shell, bound: Callable[[str], CommandResult]
    ) -> None:
        path = shell.spec(ONE)
        assert bound("beatsync sync").code == 0
        for closed in (path, path.parent):
            with mode(closed, 0):
                for line in ("beatsync validate", "beatsync plan", "beatsync sync --allow-empty"):
                    assert f"{closed.name} cannot be read: Permission denied" in only_error_line(bound(line))
        assert bound("beatsync plan").out == "Nothing to do: 1 unchanged.\n"
