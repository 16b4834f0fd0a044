"""Several processes say what one says, whatever becomes of them, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from beatsync import workers
from beatsync.cli import exits
from beatsync.specfile import ParsedFile, ParseOptions, combine, parse_file
from beatsync.specfile.packed import pack, unpack
from beatsync.values import SourceFile
from benchmarks import sources
from tests.processes import run, until
from tests.specfile.corpus import cases

ROOT = Path(__file__).parent.parent.parent
CORPUS = [
    SourceFile(f"{case.name}/{file.path}", file.data)
    for folder in ("valid", "invalid")
    for case in cases(folder)
    for file in case.files()
]
GENERATED = [
    SourceFile(f"z/{start}.yaml", sources.text(range(start, start + 9)).encode()) for start in range(0, 900, 9)
]
FILES = [*CORPUS, *GENERATED]
OPTIONS = (ParseOptions(), ParseOptions("staging", "Europe/Berlin"))
DIES = {
    "at once": "raise SystemExit",
    "while it reads": "import sys; sys.stdin.buffer.read(3000); raise SystemExit(1)",
    "in the middle of an answer": "import sys; sys.stdin.buffer.read(1); sys.stdout.buffer.write(b'\\0' * 7 + b'\\x09abc')",
    "after an answer": workers._PROGRAM.replace("serve()", "").replace("import serve", "import *")
    + "import beatsync.workers as w, os; real = w._write\n"
    + "def once(*given): real(*given); os.kill(os.getpid(), 9)\n"
    + "w._write = once; w.serve()",
}  # fmt: skip


def alone(files: list[SourceFile], options: ParseOptions) -> list[ParsedFile]:
    return [parse_file(file, options) for file in files]


def together(files: list[SourceFile], options: ParseOptions, jobs: int | None) -> list[ParsedFile]:
    return workers.parse_files(files, options, jobs, lambda _: None)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_BATCH", 4000)


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What workers answered."""
    answers: list[bytes] = []

    def noted(data: bytes, *shared: Any) -> Iterator[ParsedFile]:
        answers.append(data)
        return unpack(data, *shared)

    monkeypatch.setattr(workers, "unpack", noted)
    return answers


@pytest.mark.parametrize("options", OPTIONS)
def test_what_is_packed_comes_out_the_same(options: ParseOptions) -> None:
    parsed = alone(FILES, options)
    found = list(unpack(pack(parsed), {}))
    assert found == parsed
    # True is not 1 either.
    assert repr([one.schedules for one in found]) == repr([one.schedules for one in parsed])


def test_equal_schedules_are_one_object_across_packages() -> None:
    parsed = alone(GENERATED[:2], OPTIONS[0])
    known: dict[Any, Any] = {}
    first, second = (next(unpack(pack(parsed[:1]), known)) for _ in range(2))
    assert first == second
    assert all(
        one.spec.schedule is two.spec.schedule for one, two in zip(first.schedules, second.schedules, strict=True)
    )


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.usefixtures("small_batches")
def test_several_processes_say_what_one_says(options: ParseOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    real, answered = workers._read, Event()

    def noted(stream: Any) -> bytes | None:
        answer = real(stream)
        answered.set()
        return answer

    monkeypatch.setattr(workers, "_read", noted)
    # After our first batch we wait, so that however busy the machine is, a worker has its share.
    found = workers.parse_files(FILES, options, 3, lambda _: until(answered.is_set, 60, "no worker answered"))
    assert repr(combine(found, options)) == repr(combine(alone(FILES, options), options))


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("program", DIES.values(), ids=DIES)
def test_a_worker_that_dies_leaves_its_share_to_us(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_PROGRAM", program)
    found = together(FILES, OPTIONS[0], 3)
    # In which order one file's problems are found is nobody's promise before they are combined.
    assert repr(combine(found, OPTIONS[0])) == repr(combine(alone(FILES, OPTIONS[0]), OPTIONS[0]))


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("name", ["", "/usr/sbin/uwsgi", "/no/such/python3"])
def test_without_an_interpreter_there_is_one_process(
    name: str, monkeypatch: pytest.MonkeyPatch, answered: list[bytes]
) -> None:
    monkeypatch.setattr(sys, "executable", name)
    assert together(GENERATED, OPTIONS[0], 3) == alone(GENERATED, OPTIONS[0])
    assert not answered


@pytest.mark.usefixtures("small_batches")
def test_where_no_more_processes_may_be_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise BlockingIOError

    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert together(GENERATED, OPTIONS[0], 3) == alone(GENERATED, OPTIONS[0])


@pytest.mark.usefixtures("small_batches")
def test_a_small_source_and_one_job_start_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_Worker", None)
    assert together(GENERATED, OPTIONS[0], None) == alone(GENERATED, OPTIONS[0])
    assert together(GENERATED, OPTIONS[0], 1) == alone(GENERATED, OPTIONS[0])
    assert together([], OPTIONS[0], 5) == []


def test_a_large_source_starts_as_many_as_there_are_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_WORTH_IT", 10)
    monkeypatch.setattr(workers, "processors", lambda: 3)
    assert workers._worth_starting([(0, GENERATED)]) == 3
    monkeypatch.setattr(workers, "processors", lambda: 64)
    assert workers._worth_starting([(0, GENERATED)]) == workers._MOST
    assert workers._worth_starting([]) == 1
    assert workers.processors()


def test_nobodys_main_runs_again(tmp_path: Path) -> None:
    # As a manage.py that runs whatever imports it.
    (tmp_path / "manage.py").write_text(
        "print('main')\n"
        "from beatsync import workers\n"
        "from beatsync.specfile import ParseOptions\n"
        "from beatsync.values import SourceFile\n"
        "workers._BATCH = 10\n"
        "files = [SourceFile(f'{n}.yaml', b'schedules: {a: {task: t, interval: 1h}}') for n in range(9)]\n"
        "parsed = workers.parse_files(files, ParseOptions(), 3, lambda _: None)\n"
        "print([len(one.schedules) for one in parsed])\n"
    )
    done = run("manage.py", cwd=tmp_path, env={"PYTHONPATH": str(ROOT)})
    assert (done.stdout, done.stderr) == ("main\n[1, 1, 1, 1, 1, 1, 1, 1, 1]\n", "")


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are looked up in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_the_command(number: signal.Signals, tmp_path: Path) -> None:
    sources.write(tmp_path / "schedules.d", 30_000, 100)
    command = subprocess.Popen(
        [sys.executable, "-m", "beatsync", "validate", "--jobs", "2"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    children = Path(f"/proc/{command.pid}/task/{command.pid}/children")
    (worker,) = until(lambda: children.read_text().split(), 60, "no worker was started")
    command.send_signal(number)
    code = command.wait(60)
    assert code == (exits.INTERRUPTED if number == signal.SIGINT else -number)
    until(lambda: not Path(f"/proc/{worker}").exists(), 60, "the worker lives on")
