"""docs/guarantees.md names tests for each promise; they exist, and run where the page says."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT.parent / "docs" / "guarantees.md"
EACH = {"backend", "store", "any_store", "loose_store", "make_world_anywhere", "world"}
"""Fixtures that run a test on each of the three databases."""
WHERE = {"each", "servers", "beat", "pure"}


def promises() -> list[tuple[str, str, list[str]]]:
    """Return each promise, the databases that it holds on, and the tests that hold it."""
    rows = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 3 and cells[0] != "promise" and not cells[0].startswith("---"):
            rows.append((cells[0], cells[1], re.findall(r"`([^`]+)`", cells[2])))
    return rows


@cache
def arguments_of(file: str) -> dict[str, set[str]]:
    """Return the arguments of each test of a file, by its node id without the file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    arguments = {}
    for node in tree.body:
        classes = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        for function in classes:
            if isinstance(function, ast.FunctionDef) and function.name.startswith("test"):
                arguments[prefix + function.name] = {argument.arg for argument in function.args.args}
    return arguments


@pytest.mark.parametrize(("promise", "where", "tests"), promises())
def test_each_promise_is_held_by_tests_that_exist(promise: str, where: str, tests: list[str]) -> None:
    assert where in WHERE, f"{promise!r} has the column where {where!r}, which is none of {sorted(WHERE)}"
    assert tests, f"name a test that holds {promise!r}"
    arguments = set()
    for test in tests:
        file, _, name = test.partition("::")
        assert (ROOT / file).is_file(), f"tests/{file} does not exist: name another test for {promise!r}"
        assert name in arguments_of(file), f"tests/{file} has no {name}: name another test for {promise!r}"
        arguments |= arguments_of(file)[name]
    assert where not in {"each", "servers"} or arguments & EACH, f"no test of {promise!r} runs on each database"


def test_the_page_has_promises() -> None:
    assert len(promises()) > 30
