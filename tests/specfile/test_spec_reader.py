from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from beatsync.specfile import reader
from beatsync.specfile.parse import ParseOptions, parse_file
from beatsync.specfile.problems import Mark, Problem
from beatsync.specfile.problems import Path as YamlPath
from beatsync.specfile.reader import read
from beatsync.specfile.scalars import Ambiguous
from beatsync.specfile.yamltext import MAX_BYTES, MAX_DEPTH
from beatsync.values import SourceFile
from tests.processes import run
from tests.specfile.corpus import Case, cases

ROOT = Path(__file__).parent.parent.parent


def everywhere(path: YamlPath) -> bool:
    """Record every position that has a path."""
    return bool(path)


CORPUS = cases("valid") + cases("invalid")


def placed(text: str) -> tuple[dict[tuple[str | int, ...], Mark], dict[tuple[str | int, ...], Mark]]:
    """Where the keys and the values of the first document stand."""
    reading = read(text.encode(), everywhere)
    assert reading.complete
    return (
        {path[1:]: mark for path, mark in reading.keys.items() if path[0] == 0},
        {path[1:]: mark for path, mark in reading.values.items() if path[0] == 0},
    )


def only_problem(data: str | bytes) -> Problem:
    reading = read(data.encode() if isinstance(data, str) else data)
    (problem,) = reading.problems
    return problem


def marks(data: str | bytes, code: str) -> list[Mark]:
    reading = read(data.encode() if isinstance(data, str) else data)
    assert {problem.code for problem in reading.problems} == {code}
    return [problem.mark for problem in reading.problems if problem.mark]


# Positions


def test_block_style() -> None:
    keys, values = placed("a:\n  b: 1\n  c:\n    - x\n    -   y\n")
    assert keys == {("a",): (1, 1), ("a", "b"): (2, 3), ("a", "c"): (3, 3)}
    assert values == {
        (): (1, 1),
        ("a",): (2, 3),
        ("a", "b"): (2, 6),
        ("a", "c"): (4, 5),
        ("a", "c", 0): (4, 7),
        ("a", "c", 1): (5, 9),
    }


def test_flow_style() -> None:
    keys, values = placed("a: {b: 1,\n  c: [x,  y]}\n")
    assert keys == {("a",): (1, 1), ("a", "b"): (1, 5), ("a", "c"): (2, 3)}
    assert values[("a", "b")] == (1, 8)
    assert [values[("a", "c", index)] for index in (0, 1)] == [(2, 7), (2, 11)]


def test_columns_count_characters_and_not_bytes() -> None:
    keys, values = placed("é: {ключ: ['日本', {🎉: 👩‍👧, z: 1}]}\n")
    assert keys == {
        ("é",): (1, 1),
        ("é", "ключ"): (1, 5),
        ("é", "ключ", 1, "🎉"): (1, 19),
        ("é", "ключ", 1, "z"): (1, 27),
    }
    assert values[("é", "ключ", 0)] == (1, 12)
    assert values[("é", "ключ", 1, "z")] == (1, 30)


def test_a_byte_order_mark_takes_no_column() -> None:
    assert placed("\ufeffa: b\n") == ({("a",): (1, 1)}, {(): (1, 1), ("a",): (1, 4)})


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_on_any_system(end: str) -> None:
    keys, values = placed(end.join(["# é", "a:", "  b: |", "    text", "  c: d", ""]))
    assert keys == {("a",): (2, 1), ("a", "b"): (3, 3), ("a", "c"): (5, 3)}
    assert values[("a", "b")] == (3, 6)


def test_each_document_has_its_own_paths_on_the_files_own_lines() -> None:
    reading = read(b"a: 1\n---\n# two\na: 2\n--- {a: 3}\n", everywhere)
    assert reading.documents == [{"a": 1}, {"a": 2}, {"a": 3}]
    assert [reading.keys[(number, "a")] for number in range(3)] == [(1, 1), (4, 1), (5, 6)]


def test_an_alias_and_its_content_have_the_position_of_the_alias() -> None:
    reading = read(b"one: &x {deep: 1}\ntwo: *x\n", everywhere)
    assert reading.position((0, "one", "deep")) == (1, 16)
    assert reading.position((0, "two")) == (2, 6)
    assert reading.position((0, "two", "deep")) == (2, 6)


def test_anchors_and_tags_belong_to_the_value() -> None:
    _, values = placed("a: &x 1\nb: !!str 2\nc: &y !!map {d: 1}\n")
    assert [values[(key,)] for key in "abc"] == [(1, 4), (2, 4), (3, 4)]


def test_quoted_and_block_scalars_have_the_position_of_their_first_character() -> None:
    _, values = placed("a: 'x\n  y'\nb: |-\n  text\nc: >\n\n  text\nd: x\n  y\ne: z\n")
    assert [values[(key,)] for key in "abcde"] == [(1, 4), (3, 4), (5, 4), (8, 4), (10, 4)]


def test_an_explicit_key_has_the_position_after_its_question_mark() -> None:
    assert placed("? a\n: b\n") == ({("a",): (1, 3)}, {(): (1, 1), ("a",): (2, 3)})


def test_an_empty_value_is_on_the_line_of_its_key() -> None:
    _, values = placed("a:\nb: 1\n")
    assert values[("a",)] == (1, 3)


def test_merged_keys_have_the_position_of_the_mapping_that_merges_them() -> None:
    reading = read(b"x: &x {m: 1}\na:\n  <<: *x\n  b: 2\n", everywhere)
    assert reading.documents[0]["a"] == {"m": 1, "b": 2}
    assert reading.position((0, "a", "b")) == (4, 6)
    assert reading.position((0, "a", "m"), on_key=True) == (3, 3)


def test_a_path_without_a_position_has_that_of_the_nearest_node_above() -> None:
    reading = read(b"a:\n  b: 1\n", everywhere)
    assert reading.position((0, "a", "z"), on_key=True) == (2, 3)
    assert reading.position((0, "y", "z")) == (1, 1)
    assert reading.position(()) == (1, 1)
    assert reading.position((0, "a"), on_key=True) == (1, 1)


def test_names_of_schedules_always_have_positions() -> None:
    text = b"schedules:\n  a: {task: t}\n---\nschedules: {b: {schedules: {c: 1}}}\nother: {d: 1}\n"
    names = [{"a": (2, 3)}, {"b": (4, 13)}]
    assert read(text).names == names
    assert read(text + b"x-anchor: &not plain\n").names == names


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_recording_positions_changes_nothing_else(case: Case) -> None:
    for file in case.files():
        plain, positions = read(file.data), read(file.data, everywhere)
        assert (plain.documents, plain.names, list(plain.problems), plain.complete) == (
            positions.documents,
            positions.names,
            list(positions.problems),
            positions.complete,
        )
        for number, names in enumerate(plain.names):
            marks = {(number, "schedules", name): mark for name, mark in names.items()}
            assert not plain.complete or marks.items() <= positions.keys.items()


# Keys


def test_a_repeated_key_is_reported_at_each_place_and_its_first_value_counts() -> None:
    reading = read("é: {a: 1, a: 2,\n  a: 3}\n".encode())
    assert [problem.mark for problem in reading.problems] == [(1, 5), (1, 11), (2, 3)]
    assert [problem.message.split("also at ")[1] for problem in reading.problems] == [
        "1:11, 2:3",
        "1:5, 2:3",
        "1:5, 1:11",
    ]
    assert reading.documents == [{"é": {"a": 1}}]
    assert reading.complete


def test_many_repetitions_are_reported_in_linear_space() -> None:
    reading = read(b"a: 1\n" * 100)
    assert len(reading.problems) == 100
    messages = [problem.message for problem in reading.problems]
    assert messages[0].endswith("also at 2:1, 3:1, 4:1 and 96 more")
    assert messages[50].endswith("also at 1:1, 2:1, 3:1 and 96 more")


def test_the_merge_key_is_no_repeated_key() -> None:
    reading = read(b"x: &x {a: 1}\ny: {'<<': 1, <<: *x, <<: {b: 2}}\n")
    assert not reading.problems
    assert reading.documents[0]["y"] == {"a": 1, "b": 2, "<<": 1}


@pytest.mark.parametrize("text", ["a: 1\n'a': 2\n", 'a: 1\n"\\x61": 2\n', "a: 1\n!!str a: 2\n", "{a: 1,\na: 2}\n"])
def test_keys_are_equal_however_they_are_written(text: str) -> None:
    assert len(marks(text, "yaml-duplicate-key")) == 2


def test_the_same_key_elsewhere_is_another() -> None:
    assert not read(b"a: {a: 1}\nb: {a: 2}\n---\na: 3\n").problems
    assert not read(b"x: &x {a: 1}\ny: {<<: *x, a: 2}\nz: {<<: *x, <<: {a: 3}}\n").problems


def test_repeated_keys_in_a_dropped_value_are_reported_as_well() -> None:
    assert marks("a: 1\na: {b: 1, b: 2}\n", "yaml-duplicate-key") == [(2, 5), (2, 11), (1, 1), (2, 1)]


def test_an_alias_can_refer_to_an_anchor_on_a_key() -> None:
    reading = read(b"&a key: 1\nother: *a\n")
    assert not reading.problems
    assert reading.documents == [{"key": 1, "other": "key"}]


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("1: a\n", (1, 1)),
        ("a: {~: 1}\n", (1, 5)),
        ("a:\n  on: 1\n", (2, 3)),
        ("? [a]\n: b\n", (1, 3)),
        ("{a: 1}: b\n", (1, 1)),
    ],
)
def test_a_key_is_a_string(text: str, mark: Mark) -> None:
    assert only_problem(text).code == "yaml-key"
    assert only_problem(text).mark == mark


# Values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("true", True),
        ("12", 12),
        ("-0", 0),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("2027-01-05", "2027-01-05"),
        ("no", Ambiguous("no", truth=False)),
        ("On", Ambiguous("On", truth=True)),
        ("12:30", Ambiguous("12:30")),
        ("010", Ambiguous("010")),
        ("0x1F", Ambiguous("0x1F")),
        ("1_000", Ambiguous("1_000")),
        (".inf", Ambiguous(".inf")),
        (".NaN", Ambiguous(".NaN")),
        ("y", "y"),
        ("'no'", "no"),
        ("!!str no", "no"),
        ("!!str", ""),
        ("!!int 5", 5),
        ("!!float 5", 5.0),
        ("!!float 1.5", 1.5),
        ("0.271_000", Ambiguous("0.271_000")),
        (".5_0", Ambiguous(".5_0")),
        ("-1_0.5e3", Ambiguous("-1_0.5e3")),
        ("_1", "_1"),
        ("1_a", "1_a"),
        ("!!null ~", None),
        ("!!bool false", False),
        ("!!seq []", []),
        ("!!map {}", {}),
        ("!<tag:yaml.org,2002:str> 5", "5"),
        ("1" * 1000, int("1" * 1000)),
        ("1" * 1001, Ambiguous("1" * 1001)),
        ("-0." + "1" * 1001, Ambiguous("-0." + "1" * 1001)),
        ("-" * 1001, "-" * 1001),
        ("1" * 1001 + "x", "1" * 1001 + "x"),
    ],
)
def test_values(text: str, value: object) -> None:
    reading = read(f"a: {text}\n".encode())
    assert not reading.problems
    assert reading.documents == [{"a": value}]
    assert type(reading.documents[0]["a"]) is type(value)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("!!python/object/apply:os.system [id]", "!!python/object/apply:os.system"),
        ("!!python/name:os.system ''", "!!python/name:os.system"),
        ("!!timestamp 2027-01-05", "!!timestamp"),
        ("!!binary aGk=", "!!binary"),
        ("!!set {a}", "!!set"),
        ("!!omap [a: 1]", "!!omap"),
        ("!!merge x", "!!merge"),
        ("!env HOME", "!env"),
        ("!!str [a]", "!!str"),
        ("!!seq {a: 1}", "!!seq"),
        ("!!map [a]", "!!map"),
        ("!!seq text", "!!seq"),
    ],
)
def test_other_tags_are_refused(text: str, tag: str) -> None:
    problem = only_problem(f"é: 1\na: {text}\n")
    assert (problem.code, problem.mark) == ("yaml-tag", (2, 4))
    assert f"the tag {tag} is not supported" in problem.message


@pytest.mark.parametrize(
    "text", ["!!int x", "!!int true", "!!float no", "!!bool 1", "!!null 0", "!!int 1.5", "!!bool yes", f"!!float {10**400}"]
)  # fmt: skip
def test_a_tag_that_the_value_is_not_is_refused(text: str) -> None:
    assert only_problem(f"a: {text}\n").code == "yaml-tag"


def test_a_tags_own_handle_is_no_way_around() -> None:
    assert only_problem("%TAG !s! tag:yaml.org,2002:python/\n---\na: !s!name:os.system ''\n").code == "yaml-tag"


# Encodings


@pytest.mark.parametrize(
    ("data", "mark"),
    [
        ("a: é".encode("latin-1"), (1, 4)),
        (b"a: 1\n\xc3\xa9\xc3\xa9: \xff\n", (2, 5)),
        (b"\xef\xbb\xbfa: \xff\n", (1, 4)),
        (b"a: 1\r\nb: \xff\r\n", (2, 4)),
        (b"a: 1\rb: \xff\r", (2, 4)),
        (b"a: \xed\xa0\x80\n", (1, 4)),
        (b"a: \xc0\x80\n", (1, 4)),
        (b"a: \xe2\x82", (1, 4)),
        ("a: 1\n".encode("utf-16"), (1, 1)),
    ],
)
def test_bytes_that_are_not_utf_8_are_reported_at_their_position(data: bytes, mark: Mark) -> None:
    assert marks(data, "yaml-encoding") == [mark]


@pytest.mark.parametrize(
    ("data", "mark"),
    [
        (b"a: \0\n", (1, 4)),
        (b"# ok\na: x\x07\n", (2, 5)),
        (b"a: 1\r\nb: \x1b\r\n", (2, 4)),
        (b"a: 1\rb: \x7f\r", (2, 4)),
        ("é: 日\0".encode(), (1, 5)),
        ("\ufeffa: \0".encode(), (1, 4)),
        ("a: \uffff".encode(), (1, 4)),
        ("a: 1\n".encode("utf-16-le"), (1, 2)),
        ("a: 1\n".encode("utf-32-be"), (1, 1)),
    ],
)
def test_a_character_that_yaml_forbids_is_reported_at_its_position(data: bytes, mark: Mark) -> None:
    assert marks(data, "yaml-character") == [mark]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_line_that_is_shown_is_the_one_at_fault(end: str) -> None:
    for broken in ("b: \0", "b: \udcff"):
        data = end.join(["# é", broken, ""]).encode(errors="surrogateescape")
        (result,) = parse_file(SourceFile("a.yaml", data), ParseOptions()).diagnostics
        assert (result.location.line, result.location.column) == (2, 4)
        assert (result.excerpt or "").startswith("b: ")


@pytest.mark.parametrize("data", [b"", b"\n", b"# only a comment", b"\xef\xbb\xbf", b"   \n\n"])
def test_nothing_is_no_document(data: bytes) -> None:
    reading = read(data)
    assert (reading.documents, len(reading.problems), reading.complete) == ([], 0, True)


# Limits


def test_a_file_may_be_large_and_no_larger() -> None:
    text = b"a: 1\n#"
    assert not read(text.ljust(MAX_BYTES, b"x")).problems
    assert marks(text.ljust(MAX_BYTES + 1, b"x"), "yaml-size") == [(1, 1)]


def test_a_value_may_be_deep_and_no_deeper() -> None:
    def nested(levels: int) -> str:
        return "[" * levels + "]" * levels

    assert not read(nested(MAX_DEPTH).encode()).problems
    assert marks(nested(MAX_DEPTH + 1), "yaml-depth") == [(1, MAX_DEPTH + 1)]
    # Since 6.0.4, PyYAML's scanner has a limit too, and reaches it before the reader's count reaches ours.
    for text in ("[" * 100_000, "{a: " * 100_000, "- " * 10_000):
        assert marks(text, "yaml-depth")


def test_an_alias_counts_as_many_nodes_as_it_refers_to(monkeypatch: pytest.MonkeyPatch) -> None:
    # The document, its list, the anchored list of three, and an alias of as many and its own.
    text = b"a: [&x [1, 2, 3], *x]\n"
    monkeypatch.setattr(reader, "MAX_NODES", 11)
    assert not read(text).problems
    monkeypatch.setattr(reader, "MAX_NODES", 10)
    assert marks(text, "yaml-size") == [(1, 19)]


def test_nodes_are_counted_over_all_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_NODES", 5)
    assert not read(b"a: 1\n---\nb: 1\n").problems
    assert marks("a: 1\n---\nb: 1\n---\nc: 1\n", "yaml-size") == [(5, 4)]


@pytest.mark.parametrize("last", ["i: *h", "i: {<<: *h}"])
def test_an_alias_bomb_does_not_go_off(last: str) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{name}: &{name} [{', '.join([f'*{above}'] * 9)}]" for above, name in zip("abcdefg", "bcdefgh", strict=True)
    ]
    (mark,) = marks("\n".join([*lines, last]), "yaml-size")
    assert mark[0] in {6, 7}


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("a: *x\n", (1, 4)),
        ("a: &x 1\n---\nb: *x\n", (3, 4)),
        ("a: &x [*x]\n", (1, 8)),
        ("a: &x {b: {c: *x}}\n", (1, 15)),
        ("a: &x\n  <<: *x\n", (2, 7)),
    ],
)
def test_aliases_that_lead_nowhere_or_in_a_circle(text: str, mark: Mark) -> None:
    assert marks(text, "yaml-alias") == [mark]


@pytest.mark.parametrize("text", ["<<: 1\n", "<<: [{a: 1}, b]\n", "<<:\n", "<<: 'text'\n"])
def test_only_mappings_merge(text: str) -> None:
    assert only_problem(text).code == "yaml-merge"


def test_the_documents_before_an_error_are_not_the_whole_file() -> None:
    for text in (b"a: 1\n---\nb: *x\n", b"a: 1\n---\nb: [\n", b"a: 1\n---\nb: !x y\n"):
        reading = read(text)
        assert reading.problems
        assert not reading.complete


# The two loaders of PyYAML


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML is here without its C loader")
@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_both_loaders_read_the_same(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in case.files():
        monkeypatch.setattr(reader, "_LOADER", yaml.CSafeLoader)
        with_c, parsed_with_c = read(file.data, everywhere), parse_file(file, ParseOptions())
        monkeypatch.setattr(reader, "_LOADER", yaml.SafeLoader)
        pure, parsed_pure = read(file.data, everywhere), parse_file(file, ParseOptions())
        assert parsed_with_c.schedules == parsed_pure.schedules
        # Syntax errors each of them words in its own way, and half a surrogate pair only the C loader refuses itself.
        assert [each.location.line for each in parsed_with_c.diagnostics] == [
            each.location.line for each in parsed_pure.diagnostics
        ]
        if with_c.complete and pure.complete:
            assert with_c == pure
            assert parsed_with_c == parsed_pure


def test_without_the_c_loader_the_pure_one_reads() -> None:
    program = (
        "import sys; sys.modules['yaml._yaml'] = None\n"
        "import yaml; from beatsync.specfile import reader\n"
        "print(reader._LOADER is yaml.SafeLoader, reader.read(b'a: [1, {b: c}]').documents)"
    )
    done = run("-c", program, cwd=ROOT)
    assert (done.stdout, done.stderr) == ("True [{'a': [1, {'b': 'c'}]}]\n", "")


def test_here_the_c_loader_reads() -> None:
    assert reader._LOADER is getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    assert sys.modules["yaml"].__with_libyaml__ == (reader._LOADER is not yaml.SafeLoader)
