"""The Django admin with BeatSync: the stock one in detail, and the main pages with each package that changes it.

Which apps are installed cannot change in a process, so each runs in a separate process.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.processes import run
from tests.web.site import SKINS

ROOT = Path(__file__).parents[2]


def run_tests(path: Path, skin: str, *modules: str) -> None:
    """Run the tests of these modules in a project with this package."""
    env = {
        "DJANGO_SETTINGS_MODULE": "tests.web.site",
        "BEATSYNC_TEST_SKIN": skin,
        "BEATSYNC_TEST_SITE": str(path / "site.sqlite3"),
        "PYTEST_ADDOPTS": "",  # they may be for xdist, which a test in a test does not load
    }
    plain = ("-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:randomly", "-W", "default")
    done = run("-m", "pytest", "-q", *plain, *(f"tests/web/{module}.py" for module in modules), cwd=ROOT, env=env)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_stock_admin(tmp_path: Path) -> None:
    run_tests(tmp_path, "", "details", "pages", "staff", "three_am")


@pytest.mark.parametrize("skin", [skin for skin in SKINS if skin])
def test_a_package_that_changes_the_admin(skin: str, tmp_path: Path) -> None:
    run_tests(tmp_path, skin, "pages")
