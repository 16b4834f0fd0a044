"""Parses many files in several processes, where that is quicker, and says the same as one would.

Other interpreters are started for it, by their command line: nothing is forked, and nobody's `__main__` runs again. They import
the spec room, and what makes digests. A worker that dies or cannot be started only leaves its share to us; one whose parent dies
ends with its pipe.
"""

from __future__ import annotations

import gc
import marshal
import os
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import IO

from beatsync.plan.digest import parse_with_digests
from beatsync.specfile import ParsedFile, ParseOptions, parse_file
from beatsync.specfile.packed import pack, unpack
from beatsync.values import Schedule, SourceFile

_WORTH_IT = 4 * 1024 * 1024
"""Bytes of YAML below which the start of another interpreter costs more than it saves."""
_BATCH = 384 * 1024
"""Bytes that a worker is handed at once: long enough to be worth the way, short enough that all end together."""
_MOST = 4
"""How many processes there are at most where nobody says how many: more hardly helps, and each has a price in memory."""
_PROGRAM = (
    "import marshal, sys; sys.path[:] = marshal.load(sys.stdin.buffer); from beatsync.workers import serve; serve()"
)
_LENGTH = struct.Struct("!Q")

Batch = tuple[int, Sequence[SourceFile]]


def parse_files(
    files: Iterable[SourceFile],
    options: ParseOptions,
    jobs: int | None,
    watch: Callable[[int], object],
    *,
    digests: bool = False,
) -> list[ParsedFile]:
    """Return all files parsed, in their order; `watch` is told how many are done.

    `jobs` is how many processes take part, this one among them; None is as many as seem to pay. No file is held longer than it takes
    to parse it. With `digests` the schedules of simple files know theirs.
    """
    parse = parse_with_digests if digests else parse_file
    waiting = deque(_batches(files))
    others = 0 if not _can_start() else (_worth_starting(waiting) if jobs is None else jobs) - 1
    found: dict[int, list[ParsedFile]] = {}
    with ExitStack() as stack, _impatient():
        started = [_Worker(options, waiting, digests=digests) for _ in range(min(others, len(waiting) - 1))]
        for worker in started:
            stack.callback(worker.stop)
            worker.start()
        schedules: dict[tuple[object, ...], Schedule] = {}
        while True:
            # Only we can unpack, and others can parse: so that comes first.
            for worker in started:
                found.update(worker.unpacked(schedules))
            watch(sum(map(len, found.values())))
            try:
                number, batch = waiting.popleft()
            except IndexError:
                for worker in started:
                    worker.wait()
                # What a worker left behind has come back.
                if waiting or any(worker.answers for worker in started):
                    continue
                break
            found[number] = [parse(file, options) for file in batch]
    return [one for number in sorted(found) for one in found[number]]


class _Worker:
    """Another interpreter, and the thread that hands it batches from the far end of those that wait."""

    def __init__(self, options: ParseOptions, waiting: deque[Batch], *, digests: bool) -> None:
        self.answers: dict[int, bytes] = {}
        self._digests = digests
        self._options = options
        self._waiting = waiting
        self._thread = Thread(target=self._run, name="beatsync-worker", daemon=True)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; where that cannot be, it does nothing."""
        # In a session of its own, no Ctrl-C in a terminal reaches it: when it is to end is ours to say.
        # Where there may be no more processes or threads, one will do.
        with suppress(OSError, RuntimeError):
            self._process = subprocess.Popen(  # noqa: S603  our own interpreter and our own words
                [sys.executable, "-I", "-c", _PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            self._thread.start()

    def unpacked(self, schedules: dict[tuple[object, ...], Schedule]) -> Iterator[tuple[int, list[ParsedFile]]]:
        """Yield what it has answered by now, by number of the batch."""
        while self.answers:
            number, answer = self.answers.popitem()
            yield number, list(unpack(answer, schedules))

    def wait(self) -> None:
        """Wait until it has answered, or is gone."""
        if self._thread.ident is not None:
            self._thread.join()

    def stop(self) -> None:
        """End it, whatever it is at."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self.wait()
            for stream in (self._process.stdin, self._process.stdout):
                # What was not written to it any more, it will not miss.
                with suppress(OSError):
                    stream.close()  # type: ignore[union-attr]

    def _run(self) -> None:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return
        batch: Batch | None = None
        try:
            process.stdin.write(marshal.dumps([path for path in sys.path if isinstance(path, str)]))
            process.stdin.write(marshal.dumps((self._options.environment, self._options.timezone, self._digests)))
            while self._waiting:
                batch = self._waiting.pop()
                _write(process.stdin, marshal.dumps([(file.path, file.data) for file in batch[1]]))
                answer = _read(process.stdout)
                if answer is None:
                    break
                self.answers[batch[0]] = answer
                batch = None
        except (OSError, ValueError, IndexError):
            pass
        if batch is not None:
            self._waiting.append(batch)


def serve() -> None:
    """Parse what the standard input hands over until it ends; this is all that a worker does."""
    gc.disable()
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    environment, timezone, digests = marshal.load(source)  # noqa: S302  our parent wrote it
    options = ParseOptions(environment, timezone)
    parse = parse_with_digests if digests else parse_file
    # A parent that is gone wants no answer.
    with suppress(BrokenPipeError):
        while (given := _read(source)) is not None:
            files = marshal.loads(given)  # noqa: S302  as above
            _write(sink, pack(parse(SourceFile(path, data), options) for path, data in files))


def processors() -> int:
    """Return how many processors this process may use, a container's share among its limits."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        count = min(count, int(quota) // int(period))
    return max(count, 1)


def _worth_starting(batches: Iterable[Batch]) -> int:
    if sum(len(file.data) for _, batch in batches for file in batch) < _WORTH_IT:
        return 1
    return min(processors(), _MOST)


def _can_start() -> bool:
    # Where Python is embedded, `sys.executable` may be a server.
    return Path(sys.executable or "").name.startswith(("python", "pypy"))


def _batches(files: Iterable[SourceFile]) -> Iterator[Batch]:
    batch: list[SourceFile] = []
    number = size = 0
    for file in files:
        batch.append(file)
        size += len(file.data)
        if size >= _BATCH:
            yield number, batch
            batch, number, size = [], number + 1, 0
    if batch:
        yield number, batch


@contextmanager
def _impatient() -> Iterator[None]:
    """Let threads that hand over batches wait for the parsing thread no longer than a millisecond."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.001)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _write(stream: IO[bytes], data: bytes) -> None:
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def _read(stream: IO[bytes]) -> bytes | None:
    """Return the next piece; None where the other side has ended, in whatever moment."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length)
    return data if len(data) == length else None
