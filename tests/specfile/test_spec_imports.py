"""What checking spec files may import: a pre-commit hook and an editor start it many times, and CI has no Django."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from beatsync.published import NAMES
from tests.processes import run
from tests.specfile.corpus import SPECS

ROOT = Path(__file__).parent.parent.parent
VALID = SPECS / "valid"
PROGRAM = """\
import atexit, json, runpy, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

if BLOCKED:
    sys.meta_path.insert(0, Blocked())
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
sys.argv[0] = "beatsync"
runpy.run_module("beatsync", run_name="__main__", alter_sys=True)
"""
DJANGO = ("django", "django_celery_beat", "timezone_field", "psycopg", "pymysql")


def beatsync(*words: str, blocked: tuple[str, ...] = ()) -> tuple[int, str, set[str]]:
    """Return the exit code, the standard output, and which modules were imported at the end."""
    # Settings that cannot be imported: whoever looks for the project fails.
    env = {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "no.such.settings"}
    done = run("-c", f"BLOCKED = {blocked!r}\n{PROGRAM}", *words, cwd=ROOT, env=env)
    *errors, modules = done.stderr.splitlines()
    assert not errors, "\n".join(errors)
    return done.returncode, done.stdout, set(json.loads(modules))


def below(modules: set[str], *packages: str) -> set[str]:
    return {name for name in modules for package in packages if name == package or name.startswith(f"{package}.")}


@pytest.mark.parametrize("name", NAMES)
def test_schema_imports_neither_django_nor_celery(name: str) -> None:
    code, out, modules = beatsync("schema", name)
    assert code == 0
    assert json.loads(out)["$schema"]
    assert "beatsync.cli.schema" in modules
    assert not below(modules, *DJANGO, "celery", "kombu", "jsonschema")


@pytest.mark.parametrize("name", ["every-field", "crontab-names", "interval-text", "solar", "clocked"])
def test_validate_imports_neither_django_nor_celery(name: str) -> None:
    code, out, modules = beatsync("validate", str(VALID / f"{name}.yaml"))
    assert code == 0, out
    assert "beatsync.specfile.interpret" in modules
    assert not below(modules, *DJANGO, "celery", "kombu")


@pytest.mark.parametrize("where", ["schedules.d", str(VALID / "every-field.yaml"), str(SPECS / "invalid")])
def test_validate_never_imports_jsonschema(where: str) -> None:
    assert not below(beatsync("validate", where)[2], "jsonschema")


@pytest.mark.parametrize("words", [("validate", "schedules.d"), ("validate", str(SPECS / "invalid"))])
def test_validate_loads_no_project_and_no_database(words: tuple[str, ...]) -> None:
    _, out, modules = beatsync(*words)
    assert out
    # kombu itself imports a corner of Django where it is installed.
    assert not below(modules, "django.conf", "django.apps", "django.db", *DJANGO[1:])
    assert not below(modules, "beatsync.store", "beatsync.models", "celery.app.task", "celery.loaders.default")


@pytest.mark.parametrize("where", ["schedules.d", str(SPECS / "valid" / "design-example.yaml"), str(SPECS / "invalid")])
def test_validate_reports_the_same_if_django_is_not_installed(where: str) -> None:
    code, out, modules = beatsync("validate", "--format", "json", where, blocked=DJANGO)
    assert not below(modules, *DJANGO)
    assert (code, out) == beatsync("validate", "--format", "json", where)[:2]
    assert json.loads(out)["files"] >= 1
    assert code == (3 if where.endswith("invalid") else 0)
