"""The rules of this code base as tests. A failure message says what to change."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import grimp
import pytest
from radon.complexity import cc_visit

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "beatsync"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent.name != "migrations")
MAX_COMPLEXITY = 12
VENDORS = {"sqlite", "postgresql", "mysql", "mariadb"}
AVOIDED = frozenset(
    "told said left settled made given found known whole asked mend moment bell ring quiet glance bury face telling hearing "
    "talking together meaning passes somebody nobody one".split()
)
"""Names that do not say what a value is."""


class Use(NamedTuple):
    """A name, the file that uses it, and the line."""

    path: str
    line: int
    name: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.name}"


def listing(uses: Iterable[object]) -> str:
    return "\n  ".join(["", *map(str, uses)])


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def identifiers(node: ast.AST) -> Iterator[str]:
    """Yield the identifiers that a node itself introduces or uses."""
    for attribute in ("id", "arg", "attr", "name", "asname", "rest"):
        value = getattr(node, attribute, None)
        if isinstance(value, str):
            yield value
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        yield from node.names
    if isinstance(node, ast.MatchClass):
        yield from node.kwd_attrs


def avoided_names(source: ast.AST, path: str) -> list[Use]:
    """Return the avoided names in a file."""
    return sorted(
        Use(path, getattr(node, "lineno", 0), name)
        for node in ast.walk(source)
        for name in identifiers(node)
        if name.strip("_").lower() in AVOIDED
    )


def test_no_identifier_is_an_avoided_name() -> None:
    uses = [use for path in MODULES for use in avoided_names(tree_of(path), path.relative_to(ROOT).as_posix())]
    assert not uses, f"{len(uses)} names do not say what the value is; name the thing (STYLE):{listing(uses)}"


@pytest.mark.parametrize(
    "code",
    [
        "told = 1",
        "def f(*, told): ...",
        "x.told",
        "f(told=1)",
        "class Told: ...",
        "import a as told",
        "def _told(): ...",
    ],
)
def test_an_avoided_name_is_noticed_in_every_kind_of_identifier(code: str) -> None:
    assert [use.name.strip("_").lower() for use in avoided_names(ast.parse(code), "a.py")] == ["told"]


def strongly_connected(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of two or more nodes that reach one another, sorted."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = list(graph[start])
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                waiting += graph[node]
        return seen

    reach = {node: reached(node) for node in graph}
    groups = {
        tuple(sorted({other for other in reach[node] if node in reach[other]})) for node in graph if node in reach[node]
    }
    return sorted(map(list, groups))


def test_no_modules_import_one_another_in_a_cycle() -> None:
    graph = grimp.build_graph("beatsync")
    modules = sorted(module for module in graph.modules if ".migrations" not in module)
    imports = {
        module: {other for other in graph.find_modules_directly_imported_by(module) if ".migrations" not in other}
        for module in modules
    }
    cycles = strongly_connected(imports)
    assert not cycles, "move what these modules share into a separate module:" + listing(map(", ".join, cycles))


def test_a_cycle_is_noticed() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}
    assert strongly_connected(graph) == [["b", "c"]]


def test_no_function_is_too_complex() -> None:
    blocks = [
        (Use(path.relative_to(ROOT).as_posix(), block.lineno, block.fullname), block.complexity)
        for path in MODULES
        for block in cc_visit(path.read_text(encoding="utf-8"))
        if block.letter != "C"  # of a class, radon gives the mean of its methods
    ]
    assert blocks
    complex_blocks = [f"{use} ({complexity})" for use, complexity in blocks if complexity > MAX_COMPLEXITY]
    assert not complex_blocks, (
        f"split these functions; their complexity is over {MAX_COMPLEXITY}:{listing(complex_blocks)}"
    )


def vendor_comparisons(source: ast.AST, path: str) -> list[Use]:
    """Return where a file compares with a database's name or reads `.vendor` of a connection."""
    uses = []
    for node in ast.walk(source):
        if isinstance(node, ast.Attribute) and node.attr == "vendor":
            uses.append(Use(path, node.lineno, ".vendor"))
        constants: list[ast.AST] = []
        if isinstance(node, ast.Compare):
            constants = [item for side in (node.left, *node.comparators) for item in ast.walk(side)]
        elif isinstance(node, ast.MatchValue):
            constants = [node.value]
        elif isinstance(node, ast.Dict):
            constants = [key for key in node.keys if key is not None]
        uses += [
            Use(path, constant.lineno, repr(constant.value))
            for constant in constants
            if isinstance(constant, ast.Constant) and constant.value in VENDORS
        ]
    return uses


def test_only_the_dialects_know_a_database_by_name() -> None:
    dialects = PACKAGE / "store" / "dialects"
    uses = [
        use
        for path in MODULES
        if dialects not in path.parents
        for use in vendor_comparisons(tree_of(path), path.relative_to(ROOT).as_posix())
    ]
    assert not uses, f"make each a method or an attribute of the classes in store/dialects:{listing(uses)}"


@pytest.mark.parametrize(
    "code",
    ["x == 'sqlite'", "x in {'mysql', 'b'}", "y.vendor", "match x:\n case 'mariadb': ...", "{'postgresql': 1}[x]"],
)
def test_a_comparison_with_a_database_name_is_noticed(code: str) -> None:
    assert len(vendor_comparisons(ast.parse(code), "a.py")) == 1


def test_imports_follow_the_contracts() -> None:
    result = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, (
        f"an import breaks a contract of .importlinter; move the code or the import:\n{result.stdout}{result.stderr}"
    )


def test_no_migration_is_missing() -> None:
    from django.core.management import call_command

    try:
        call_command("makemigrations", "beatsync", check=True, dry_run=True, verbosity=0)
    except SystemExit:
        pytest.fail("the models changed; run: python -m django makemigrations beatsync")


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*/__init__.py")), ids=lambda path: path.parent.name)
def test_every_package_has_a_docstring(path: Path) -> None:
    if path.parent.name != "migrations":
        assert ast.get_docstring(tree_of(path)), (
            f"write in {path.relative_to(ROOT)} what the package is responsible for"
        )


def test_no_migration_refers_to_a_table_of_django_celery_beat() -> None:
    migrations = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.glob("migrations/*.py"))
    assert not re.search(r"to=.django_celery_beat|\(.django_celery_beat", migrations), (
        "remove the foreign key or dependency: an application may delete any PeriodicTask"
    )


def test_the_changelog_has_the_current_version() -> None:
    from beatsync import __version__

    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {__version__}" in changelog or "## Unreleased" in changelog, (
        f"add a section for {__version__} to CHANGELOG.md"
    )
