"""What is reported about one file, and the work that it takes, are bounded and linear: counted, not timed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from beatsync.specfile import parse, problems, reader, times
from beatsync.specfile.combine import combine
from beatsync.specfile.interpret import Interpretation, interpret
from beatsync.specfile.limits import MAX_ERRORS, MAX_SHOWN
from beatsync.specfile.parse import ParsedFile, ParseOptions, parse_file
from beatsync.specfile.reader import MAX_NODES, read
from beatsync.values import Diagnostic, Severity, SourceFile

MANY = 3 * MAX_ERRORS
OPTIONS = ParseOptions()


def schedules(body: str, count: int = MANY, name: str = "a{}") -> bytes:
    lines = [f"  {name.format(number)}: {body.replace('@', str(number))}\n" for number in range(count)]
    return "".join(["schedules:\n", *lines]).encode()


def parsed(data: bytes, path: str = "a.yaml") -> ParsedFile:
    return parse_file(SourceFile(path, data), OPTIONS)


def reported(*data: bytes) -> tuple[Diagnostic, ...]:
    files = [parsed(each, f"{number}.yaml") for number, each in enumerate(data)]
    return combine(files, (), OPTIONS).diagnostics


HOSTILE = {
    "empty schedules": schedules("{}"),
    "null schedules": schedules(""),
    "unknown keys": schedules("{task: t, interval: 1h, tusk@: 1}"),
    "unknown zones": schedules("{task: t, crontab: 0 0 * * *, timezone: Europe/Berlin@}"),
    "one long line": b"schedules: {" + b"".join(b"a%d: {}," % number for number in range(MANY)) + b"}",
    "a key many times": schedules("{}", name="a"),
    "keys many times": schedules("{b: 1, b: 2, b: 3}"),
    "documents of one name": b"---\nschedules: {a: {task: t, interval: 1h}}\n" * MANY,
    "one renamed_from": schedules("{task: t, interval: 1h, sync: {renamed_from: z}}"),
    "renamed_from declared": schedules("{task: t, interval: 1h, sync: {renamed_from: a0}}"),
    "ambiguous arguments": schedules("{task: t, interval: 1h, args: [" + "no," * MANY + "]}", 1),
    "keys that are numbers": schedules("{task: t, interval: 1h, kwargs: {" + "1: 1," * MANY + "}}", 1),
    "keys of one schedule": schedules("{" + "".join(f"k{n}: 1," for n in range(MANY)) + "}", 1),
    "environments": b"schedules:\n  a:\n    environments:\n" + b"".join(b"      e%d: {}\n" % n for n in range(MANY)),
    "an alias of a long text": b"x-a: &x " + b"1," * 5000 + b"\n" + schedules("{task: t, crontab: *x}", 1000),
    "an alias of faults": b"x-a: &x {task: t, zz: 1, yy: 2, priority: 999}\n" + schedules("*x"),
    "names in two cases": schedules("{task: t, interval: 1h}") + schedules("{task: t, interval: 1h}", name="A{}")[11:],
    "warnings": schedules("{task: t, crontab: 0 0 1 * mon}"),
    "templates": schedules("{task: t, interval: 1h, args: ['${A@}']}"),
    "white space": schedules("{task: t, interval: 1h, queue: 'x '}", name="'a{} '"),
    "one broken default": b"defaults: {interval: x}\n" + schedules("{task: t}"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_file_has_at_most_a_hundred_diagnostics_of_one_code_and_one_that_counts_the_rest(what: str) -> None:
    diagnostics = reported(HOSTILE[what])
    counts = Counter(each.code for each in diagnostics)
    rests = counts.pop("more-problems", 0)
    assert diagnostics
    assert max(counts.values()) <= MAX_SHOWN
    assert rests == sum(number == MAX_SHOWN for number in counts.values())
    characters = sum(len(each.message) + len(each.hint or "") + len(each.excerpt or "") for each in diagnostics)
    assert characters < 400 * len(diagnostics)


def test_the_rest_is_counted_exactly_where_the_whole_file_is_checked() -> None:
    (rest,) = [each for each in reported(HOSTILE["warnings"]) if each.code == "more-problems"]
    assert rest.severity is Severity.WARNING
    assert rest.message == f"{MANY - MAX_SHOWN} more problems of this file have the code crontab-and"
    (rest,) = [each for each in reported(HOSTILE["documents of one name"]) if each.code == "more-problems"]
    assert rest.severity is Severity.ERROR
    assert rest.message.startswith(f"{MANY - MAX_SHOWN} more problems")


def test_a_file_with_too_many_errors_is_not_checked_to_its_end_and_keeps_its_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = []

    def counting(name: str, *rest: Any) -> Interpretation:
        names.append(name)
        return interpret(name, *rest)

    monkeypatch.setattr(parse, "interpret", counting)
    file = parsed(schedules("{task: t, interval: x@}"))
    assert len(names) == MAX_ERRORS
    assert [schedule.name for schedule in file.facts.schedules] == [f"a{number}" for number in range(MANY)]
    (rest,) = [each for each in file.diagnostics if each.code == "more-problems"]
    assert rest.message.startswith(f"at least {MAX_ERRORS - MAX_SHOWN} more problems")


def test_every_file_with_an_error_keeps_one() -> None:
    data = schedules("{task: t, interval: 1h}", 300)
    desired = combine([parsed(data, f"{number}.yaml") for number in range(5)], (), OPTIONS)
    assert desired.invalid_paths == {f"{number}.yaml" for number in range(5)}
    assert len(desired.diagnostics) == 5 * (MAX_SHOWN + 1)


def test_only_the_positions_of_problems_are_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = []

    def recording(*args: object) -> reader.Reading:
        readings.append(read(*args))  # type: ignore[arg-type]
        return readings[-1]

    monkeypatch.setattr("beatsync.specfile.excerpts.read", recording)
    parsed(schedules("{task: t, interval: 1h}") + b"  b: {task: t, interval: x}\n")
    (reading,) = readings
    assert len(reading.keys) + len(reading.values) <= 8


@pytest.mark.parametrize(
    "data",
    [
        b"x-a: &x {" + b"".join(b"k%d: 1," % n for n in range(1000)) + b"}\nx-b:\n" + b" - {<<: *x}\n" * 300,
        b"x-a: &x " + b"x" * 100_000 + b"\nx-b:\n" + b" - *x\n" * 300,
        b"x-a: [" + b"a," * (MAX_NODES + 1) + b"]",
        b"x-a: &a [" + b"[" * 40 + b"]" * 40 + b"]\nx-b:\n" + b" - *a\n" * 10_000,
    ],
    ids=["merge keys", "aliases of a long text", "nodes", "aliases of a deep value"],
)
def test_a_file_that_is_too_large_when_written_out_is_refused(data: bytes) -> None:
    assert [problem.code for problem in read(data).problems] == ["yaml-size"]


def test_a_long_word_is_not_compared_with_others() -> None:
    assert problems.nearest("x" * 100_000, ["x" * 99_999]) is None


def test_few_zones_are_compared_with_a_misspelt_one(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def nearest(word: str, words: Iterable[str], cutoff: float) -> str | None:
        compared.append(len(texts := list(words)))
        return problems.nearest(word, texts, cutoff)

    monkeypatch.setattr(times, "nearest", nearest)
    assert times._nearest_zone("Europe/Berln") == "Europe/Berlin"
    assert times._nearest_zone("urope/Berlin") == "Europe/Berlin"
    assert times._nearest_zone("America/New_Yrok") == "America/New_York"
    assert max(compared) < 300, "of about 600"
