"""README and docs are correct: their examples, commands, flags, settings, codes and keys exist, and none is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import click
import jsonschema
import pytest
import yaml

from beatsync.cli import exits, wiring
from beatsync.cli.group import COMMANDS, group
from beatsync.cli.options import CliOptions
from beatsync.plan.diff import make_plan
from beatsync.plan.model import Plan
from beatsync.plan.request import Request
from beatsync.published import NAMES, read_schema
from beatsync.report.text import render_plan
from beatsync.specfile import crontab
from beatsync.specfile.parse import ParseOptions, parse_file
from beatsync.specfile.yamltext import MAX_BYTES
from beatsync.values import Interval, Revision, Schedule, SourceFile
from tests.builders import NOW, declared, desired, observed, owned, row
from tests.codes import codes

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LATER = {"preview"}
"""Commands that are planned but do not exist yet."""
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
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    return {name for option in options for name in option.opts if name.startswith("--")}


def all_flags() -> dict[str, set[str]]:
    """Return which commands take each flag."""
    commands: dict[str, set[str]] = {}
    context = click.Context(group)
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        for flag in flags(command):
            commands.setdefault(flag, set()).add(name)
    return commands


@pytest.mark.parametrize("spec", SPECS)
def test_each_example_spec_is_valid(spec: str) -> None:
    for environment in (None, "staging", "production"):
        parsed = parse_file(SourceFile("example.yaml", spec.encode()), ParseOptions(environment))
        assert not parsed.diagnostics
        assert parsed.schedules


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_flags_in_the_docs_exist(page: Path) -> None:
    pieces = re.findall(r"`([^`\n]+)`|^    (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    pieces += [("", line) for block in blocks(page, "sh") for line in block.splitlines()]
    flags_and_help = set(all_flags()) | {"--help", "--version"}
    for piece in map("".join, pieces):
        code = piece.partition(" # ")[0]
        assert set(re.findall(r"(?<!migrate )\bbeatsync ([a-z]+(?:-[a-z]+)*)\b", code)) <= set(COMMANDS), (
            f"{code!r} names a command that does not exist"
        )
        if not re.search(
            r"\b(pip|pytest|benchmarks|celery|chromium|kubectl|docker|podman|buildah|check-jsonschema|zizmor)\b", code
        ):
            words = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", code))
            assert words <= flags_and_help, f"{code!r} names a flag that does not exist"


def test_planned_commands_are_not_documented() -> None:
    everything = "".join(page.read_text(encoding="utf-8") for page in PAGES) + " ".join(COMMANDS.values())
    for name in LATER - set(COMMANDS):
        assert not re.search(rf"beatsync {name}\b|`{name}`", everything)


def test_the_readme_lists_every_command() -> None:
    table = text("README.md").partition("## Commands")[2].partition("\n\n`DIR`")[0]
    assert not [name for name in COMMANDS if not re.search(rf"\b{name}\b", table)]


def test_every_flag_is_documented_with_the_commands_that_take_it() -> None:
    rows = re.findall(r"^\| `(--[a-z-]+)[^`]*` \| ([a-z, -]+) \| .+ \|$", text("docs/commands.md"), re.MULTILINE)
    assert {flag: set(names.split(", ")) for flag, names in rows} == all_flags(), "correct docs/commands.md"
    assert len(rows) == len(dict(rows))


def test_the_readme_lists_every_exit_code() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+) \| ", text("README.md"), re.MULTILINE)}
    assert listed == {getattr(exits, name) for name in ("DONE", "FAILED", "CHANGES", "INVALID", "BLOCKED", "USAGE")}


def test_the_readme_shows_every_project_setting() -> None:
    (block,) = [block for block in blocks(ROOT / "README.md", "python") if block.startswith("BEATSYNC = {")]
    values: dict[str, Any] = {}
    exec(block, {"BASE_DIR": ROOT}, values)
    assert tuple(values["BEATSYNC"]) == tuple(wiring.KEYS)
    assert wiring.with_settings(CliOptions(), values["BEATSYNC"]).source == "shop"


def test_every_published_schema_is_documented() -> None:
    assert not [name for name in NAMES if f"`{name}`" not in text("docs/commands.md").partition("## Output")[2]]


def test_every_code_is_documented() -> None:
    rows = re.findall(r"^\| (`[^|]+`) \| .+ \| .+ \|$", text("docs/codes.md"), re.MULTILINE)
    documented = [code for row in rows for code in re.findall(r"`([a-z-]+)`", row)]
    assert sorted(documented) == sorted(codes()), "correct docs/codes.md: each code once, and no code that was removed"


def test_every_key_of_the_format_is_documented() -> None:
    page = text("docs/format.md")
    keys = {key for part in (SCHEMA, *SCHEMA["$defs"].values()) for key in part.get("properties", {})} - {
        "periodic_task_name"
    }
    assert not [key for key in keys if not re.search(rf"`{key}`|\b{key}:", page)]
    for kind in get_args(Schedule):
        assert re.search(rf"^\| `{kind.__name__.lower()}` \| ", page, re.MULTILINE)
    assert f"{MAX_BYTES // 1024 // 1024} MiB" in page


def test_the_documented_defaults_are_those_of_the_schema() -> None:
    assert SCHEMA["$defs"]["sync"]["properties"]["on_remove"]["default"] == "delete"
    assert "(`delete`, the default)" in text("docs/format.md")


def readme_plan() -> Plan:
    """Return the plan that the README shows."""
    weekdays = crontab.from_expression("30 2 * * mon-fri", "Europe/Berlin")
    live, dry = (f'{{"dry_run": {word}, "tenant": 7}}' for word in ("false", "true"))
    heartbeat = declared("heartbeat", schedule=Interval(30, "seconds"), queue="celery", kwargs=live)
    before = declared("heartbeat", schedule=Interval(1, "minutes"), queue="celery", kwargs=dry)
    same = [declared(f"same-{number:02}") for number in range(12)]
    daily = crontab.from_expression("0 6 * * *", "UTC")
    removed = declared("old-report", task="shop.tasks.report", schedule=daily)
    return make_plan(
        desired(
            declared("nightly-invoices", task="billing.tasks.generate_invoices", schedule=weekdays), heartbeat, *same
        ),
        observed(
            row(before, 1, queue="slow"),
            row(removed, 2, last_run_at=NOW - timedelta(hours=30), total_run_count=9),
            *(row(schedule, number + 3) for number, schedule in enumerate(same)),
            inventory=(
                owned(before, 1),
                owned(removed, 2),
                *(owned(schedule, number + 3) for number, schedule in enumerate(same)),
            ),
        ),
        Request("shop", NOW, Revision("0", "3f2a1c94b0de1e27a3c5f0c7d1b6a2e9d8c7b6a5")),
    )


def test_the_plan_in_the_readme_is_what_the_command_prints() -> None:
    shown = text("README.md").partition("    $ beatsync plan\n")[2].partition("\n- **")[0]
    assert "\n".join(line.removeprefix("    ") for line in shown.rstrip().splitlines()) == "\n".join(
        render_plan(readme_plan(), applied=False)
    )


class _TextLoader(yaml.SafeLoader):
    """Reads times as text, as the published schema expects them."""

    yaml_implicit_resolvers = {  # noqa: RUF012  PyYAML's own attribute
        first: [pair for pair in pairs if not pair[0].endswith(":timestamp")]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class TestTheShippedExample:
    """`schedules.d` shows every kind and field, with the tasks of `examples/shop`."""

    FILES = sorted((ROOT / "schedules.d").rglob("*.yaml"))

    def documents(self) -> list[Any]:
        return [document for path in self.FILES for document in yaml.load_all(path.read_bytes(), _TextLoader)]

    def test_it_is_valid_without_a_warning(self) -> None:
        for path in self.FILES:
            parsed = parse_file(SourceFile(path.name, path.read_bytes()), ParseOptions("production"))
            assert not parsed.diagnostics

    def test_the_published_schema_accepts_it(self) -> None:
        for document in self.documents():
            jsonschema.Draft202012Validator(SCHEMA).validate(document)

    def test_it_shows_every_key_and_every_kind(self) -> None:
        used = set(keys(self.documents()))
        parts = (SCHEMA, *(SCHEMA["$defs"][name] for name in ("schedule", "sync", "interval", "solar")))
        expected = {key for part in parts for key in part["properties"]}
        assert not expected - used, "add it to schedules.d"
        assert "x-polling" in used
        assert "<<: *" in self.FILES[-1].read_text(encoding="utf-8")

    def test_its_tasks_are_those_of_the_example_project(self) -> None:
        tasks = {value.rpartition(".")[2] for value in texts_of("task", self.documents())}
        assert tasks <= set(re.findall(r"^def (\w+)", text("examples/shop/shop/tasks.py"), re.MULTILINE))


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
    "page",
    [*PAGES, *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "schedules.d/README.md"))],
    ids=lambda page: page.name,
)
def test_every_link_to_a_file_resolves(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
