"""docs/guarantees.md names a test for each promise: that those tests are there, and run where the page says."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT.parent / "docs" / "guarantees.md"
EACH = {"backend", "store", "any_store", "make_world_anywhere"}
"""Fixtures that bring a test to each of the three databases."""
WHERE = {"each", "servers", "beat", "pure"}


def promises() -> list[tuple[str, str, list[str]]]:
    """Return each promise, where it is said to be held, and the tests that hold it."""
    found = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 3 and cells[0] != "promise" and not cells[0].startswith("---"):
            found.append((cells[0], cells[1], re.findall(r"`([^`]+)`", cells[2])))
    return found


@cache
def known_in(file: str) -> dict[str, set[str]]:
    """Return the arguments of each test of a file, by its name below the file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    found = {}
    for node in tree.body:
        classes = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        for function in classes:
            if isinstance(function, ast.FunctionDef) and function.name.startswith("test"):
                found[prefix + function.name] = {argument.arg for argument in function.args.args}
    return found


@pytest.mark.parametrize(("promise", "where", "tests"), promises())
def test_each_promise_is_held_by_tests_that_are_there(promise: str, where: str, tests: list[str]) -> None:
    assert where in WHERE, f"{promise!r} is held on {where!r}, which is none of {sorted(WHERE)}"
    assert tests, f"name a test that holds {promise!r}"
    arguments = set()
    for test in tests:
        file, _, name = test.partition("::")
        assert (ROOT / file).is_file(), f"there is no tests/{file}: name another test for {promise!r}"
        assert name in known_in(file), f"there is no {name} in tests/{file}: name another test for {promise!r}"
        arguments |= known_in(file)[name]
    assert where not in {"each", "servers"} or arguments & EACH, f"none of its tests holds {promise!r} on each database"


def test_the_page_is_read() -> None:
    assert len(promises()) > 30
