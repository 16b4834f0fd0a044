"""The recipes of CONTRIBUTING and the page on architecture name files and functions that exist; workflows are valid."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
FOLDERS = ("beatsync/", "docs/", "schemas/", "schedules.d/", "tests/", "deploy/", "examples/", ".github/")
RECIPES = ("field", "lint", "diagnostic code", "output format", "command", "database")


def recipe(name: str) -> list[str]:
    """Return the numbered steps of a recipe."""
    section = GUIDE.partition(f"\n### Add a{'n' if name[0] in 'aeiou' else ''} {name}\n")[2].partition("\n##")[0]
    return re.findall(r"^\d+\. .*$", section, re.MULTILINE)


def paths(text: str) -> set[str]:
    """Return the repository paths, globs included, in the code spans of a text."""
    spans = re.findall(r"`([^`\s]+)`", text)
    return {
        span for span in spans if span.startswith(FOLDERS) or re.fullmatch(r"[A-Z]+\.md|[\w.-]+\.(?:toml|yml)", span)
    }


def missing(named: set[str]) -> list[str]:
    return sorted(path for path in named if not any(ROOT.glob(path.rstrip("/"))))


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_lists_files_that_exist(name: str) -> None:
    steps = recipe(name)
    assert len(steps) > 2, f"CONTRIBUTING.md has no recipe for {name!r}"
    assert all(paths(step) for step in steps), "each step names at least one file"
    assert not missing(paths("\n".join(steps))), "correct the recipe in CONTRIBUTING.md"


def test_the_recipes_are_those_that_are_tested() -> None:
    assert set(re.findall(r"^### Add an? (.+)$", GUIDE, re.MULTILINE)) == set(RECIPES)


def test_other_files_that_the_guide_names_exist() -> None:
    assert not missing(paths(GUIDE.partition("## Recipes")[0] + GUIDE.partition("## Releases")[2]))


def test_files_that_the_page_on_architecture_names_exist() -> None:
    assert not missing(paths(ARCHITECTURE)), "correct docs/architecture.md"


def test_packages_in_the_page_on_architecture_are_all_there_are() -> None:
    table = ARCHITECTURE.partition("## Packages")[2].partition("\n\n**The field table**")[0]
    listed = {path.split("/")[1] for path in paths(table)}
    packages = {
        path.parent.name
        for path in (ROOT / "beatsync").glob("*/__init__.py")
        if path.parent.name not in {"migrations", "management"}
    }
    assert packages <= listed, "add the package to docs/architecture.md"


def test_functions_that_follow_a_schedule_exist() -> None:
    walk = ARCHITECTURE.partition("## One schedule, from file to row")[2].partition("\n## ")[0]
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "beatsync").rglob("*.py"))
    named = set(re.findall(r"`(?:Store\.)?([a-z]+(?:_[a-z]+)*)` (?:in|reads|locks|compares|checks|has)", walk))
    named |= set(re.findall(r"`Store\.(\w+)`", walk))
    assert {"load", "scope_source", "parse_file", "observe", "make_plan", "guard", "apply"} <= named
    assert not [name for name in named if not re.search(rf"^ *def {name}\(", code, re.MULTILINE)]
    classes = set(re.findall(r"`([A-Z][A-Za-z]+)`", walk)) - {"None"}
    assert not [name for name in classes if not re.search(rf"^class {name}\b", code, re.MULTILINE)]


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
@pytest.mark.parametrize(
    "command",
    [("check-jsonschema", "--builtin-schema", "vendor.github-workflows"), ("zizmor", "--offline", "--no-progress")],
    ids=lambda command: command[0],
)
def test_a_workflow_is_valid_and_safe(workflow: Path, command: tuple[str, ...]) -> None:
    program = Path(sys.executable).parent / command[0]
    checked = subprocess.run([program, *command[1:], workflow], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_workflows_have_no_more_rights_than_to_read() -> None:
    assert WORKFLOWS
    for workflow in WORKFLOWS:
        text = workflow.read_text(encoding="utf-8")
        assert re.search(r"^permissions:\n  contents: read$", text, re.MULTILINE)
        assert text.count("persist-credentials: false") == text.count("uses: actions/checkout@")
