"""README and docs say what is so: their examples, commands, flags, settings, codes and keys are those that there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from beatsync.cli import exits, wiring
from beatsync.cli.group import COMMANDS, group
from beatsync.plan.diff import make_plan
from beatsync.plan.model import Plan
from beatsync.published import NAMES, read_schema
from beatsync.report import plan as report
from beatsync.specfile import ParseOptions, crontab, parse_file
from beatsync.specfile.checks import check
from beatsync.specfile.decoding import MAX_BYTES
from beatsync.specfile.reader import read
from beatsync.specfile.rules import KINDS
from beatsync.values import Interval, Revision, SourceFile
from tests.builders import declared, desired, observed, owned, request, row
from tests.codes import codes

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LATER = {"history", "export", "import", "preview"}
"""Commands that are thought of and not there."""
SCHEMA = read_schema("beatsync")


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


SPECS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(blocks(page, "yaml"))
    if "schedules:" in block
]


def flags(command: click.Command) -> set[str]:
    return {
        name for one in command.params if isinstance(one, click.Option) for name in one.opts if name.startswith("--")
    }


def all_flags() -> dict[str, set[str]]:
    """Return which commands take each flag."""
    found: dict[str, set[str]] = {}
    context = click.Context(group)
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        for flag in flags(command):
            found.setdefault(flag, set()).add(name)
    return found


@pytest.mark.parametrize("spec", SPECS)
def test_each_spec_that_is_shown_is_valid(spec: str) -> None:
    for environment in (None, "staging", "production"):
        found = parse_file(SourceFile("shown.yaml", spec.encode()), ParseOptions(environment))
        assert not found.diagnostics
        assert found.schedules


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_flags_that_are_spoken_of_are_there(page: Path) -> None:
    pieces = re.findall(r"`([^`\n]+)`|^    (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    pieces += [("", line) for block in blocks(page, "sh") for line in block.splitlines()]
    known = set(all_flags()) | {"--help", "--version"}
    for piece in map("".join, pieces):
        code = piece.partition(" # ")[0]
        assert set(re.findall(r"\bbeatsync ([a-z]+)\b", code)) <= set(COMMANDS), (
            f"{code!r} names a command that there is not"
        )
        if not re.search(r"\b(pip|pytest|benchmarks|celery|kubectl|helm|docker|podman)\b", code):
            words = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", code))
            assert words <= known, f"{code!r} speaks of a flag that there is not"


def test_nothing_is_promised_that_is_not_there() -> None:
    everything = "".join(page.read_text(encoding="utf-8") for page in PAGES) + " ".join(COMMANDS.values())
    for name in LATER - set(COMMANDS):
        assert not re.search(rf"beatsync {name}\b|`{name}`", everything)


def test_the_readme_knows_every_command() -> None:
    table = text("README.md").partition("## Commands")[2].partition("\n\n`DIR`")[0]
    assert not [name for name in COMMANDS if not re.search(rf"\b{name}\b", table)]


def test_every_flag_is_explained_with_the_commands_that_take_it() -> None:
    rows = re.findall(r"^\| `(--[a-z-]+)[^`]*` \| ([a-z, ]+) \| .+ \|$", text("docs/commands.md"), re.MULTILINE)
    assert {flag: set(names.split(", ")) for flag, names in rows} == all_flags(), "put docs/commands.md right"
    assert len(rows) == len(dict(rows))


def test_the_exit_codes_are_those_that_there_are() -> None:
    said = {int(code) for code in re.findall(r"^\| (\d+) \| ", text("README.md"), re.MULTILINE)}
    assert said == {getattr(exits, name) for name in ("DONE", "FAILED", "CHANGES", "INVALID", "BLOCKED", "USAGE")}


def test_the_settings_of_a_project_are_all_shown() -> None:
    (block,) = [one for one in blocks(ROOT / "README.md", "python") if one.startswith("BEATSYNC = {")]
    values: dict[str, Any] = {}
    exec(block, {"BASE_DIR": ROOT}, values)
    assert tuple(values["BEATSYNC"]) == wiring.SETTINGS
    assert wiring.Project.read(values["BEATSYNC"]).get("SOURCE") == "shop"


def test_every_published_schema_is_named() -> None:
    assert not [name for name in NAMES if f"`{name}`" not in text("docs/commands.md").partition("## Output")[2]]


def test_every_code_is_explained() -> None:
    rows = re.findall(r"^\| (`[^|]+`) \| .+ \| .+ \|$", text("docs/codes.md"), re.MULTILINE)
    said = [code for row in rows for code in re.findall(r"`([a-z-]+)`", row)]
    assert sorted(said) == sorted(codes()), "put docs/codes.md right: each code once, none that is gone"


def test_every_key_of_the_format_is_explained() -> None:
    page = text("docs/format.md")
    keys = {key for part in (SCHEMA, *SCHEMA["$defs"].values()) for key in part.get("properties", {})} - {
        "periodic_task_name"
    }
    assert not [key for key in keys if not re.search(rf"`{key}`|\b{key}:", page)]
    for name in KINDS:
        assert re.search(rf"^\| `{name}` \| ", page, re.MULTILINE)
    assert f"{MAX_BYTES // 1024 // 1024} MiB" in page


def test_the_defaults_of_the_format_are_the_schemas() -> None:
    assert SCHEMA["$defs"]["sync"]["properties"]["on_remove"]["default"] == "delete"
    assert "(`delete`, the default)" in text("docs/format.md")


def shown_plan() -> Plan:
    """What the README shows, by the plan that it is of."""
    weekdays = crontab.from_expression("30 2 * * mon-fri", "Europe/Berlin")
    live, dry = (f'{{"dry_run": {word}, "tenant": 7}}' for word in ("false", "true"))
    heartbeat = declared("heartbeat", schedule=Interval(30, "seconds"), queue="celery", kwargs=live)
    before = declared("heartbeat", schedule=Interval(1, "minutes"), queue="celery", kwargs=dry)
    same = [declared(f"same-{number:02}") for number in range(12)]
    gone = declared("old-report")
    told = request()
    return make_plan(
        desired(
            declared("nightly-invoices", task="billing.tasks.generate_invoices", schedule=weekdays), heartbeat, *same
        ),
        observed(
            row(before, 1, queue="slow"),
            row(gone, 2),
            *(row(one, number + 3) for number, one in enumerate(same)),
            inventory=(owned(before, 1), owned(gone, 2), *(owned(one, number + 3) for number, one in enumerate(same))),
        ),
        told.__class__("shop", told.now, Revision("0", "3f2a1c94b0de1e27a3c5f0c7d1b6a2e9d8c7b6a5")),
    )


def test_the_plan_that_the_readme_shows_is_one() -> None:
    shown = text("README.md").partition("    $ beatsync plan\n")[2].partition("\n- **")[0]
    assert "\n".join(line.removeprefix("    ") for line in shown.rstrip().splitlines()) == "\n".join(
        report.text_report(shown_plan(), applied=False)
    )


class TestTheShippedExample:
    """`schedules.d` shows every kind and field, on tasks that `examples/shop` has."""

    FILES = sorted((ROOT / "schedules.d").rglob("*.yaml"))

    def test_it_is_valid_without_a_warning(self) -> None:
        for path in self.FILES:
            found = parse_file(SourceFile(path.name, path.read_bytes()), ParseOptions("production"))
            assert not found.diagnostics

    def test_it_shows_every_key_and_every_kind(self) -> None:
        documents = [one for path in self.FILES for one in read(path.read_bytes()).documents]
        assert not [problem for one in documents for problem in check(one, 0)]
        used = set(keys(documents))
        parts = (SCHEMA, *(SCHEMA["$defs"][name] for name in ("schedule", "sync", "interval", "solar")))
        wanted = {key for part in parts for key in part["properties"]}
        assert not wanted - used, "show it in schedules.d"
        assert {"x-polling", "<<"} <= used | set(re.findall(r"<<", self.FILES[-1].read_text(encoding="utf-8")))

    def test_its_tasks_are_those_of_the_example_project(self) -> None:
        documents = [one for path in self.FILES for one in read(path.read_bytes()).documents]
        named = {value.rpartition(".")[2] for value in texts_of("task", documents)}
        assert named <= set(re.findall(r"^def (\w+)", text("examples/shop/shop/tasks.py"), re.MULTILINE))


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from keys(item)


def texts_of(key: str, value: Any) -> Iterator[str]:
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts_of(key, item)
    if isinstance(value, dict) and isinstance(value.get(key), str):
        yield value[key]


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "schedules.d" / "README.md"], ids=lambda page: page.name
)
def test_no_link_leads_nowhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
