"""The pictures of README and docs exist, are small, are used, have a text alternative, and request nothing."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "docs" / "pictures"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PICTURES = sorted(FOLDER.iterdir())
MAX_BYTES = 200_000
MAX_TOTAL = 1_000_000
MIN_WORDS = 8
"""Of a text alternative that says what a picture shows."""
SVG = "{http://www.w3.org/2000/svg}"


def shown(page: Path) -> dict[Path, str]:
    """Return the text alternative of each picture on a page."""
    images = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    return {(page.parent / target).resolve(): alternative for alternative, target in images}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_picture_of_a_page_exists_and_has_a_text_alternative(page: Path) -> None:
    for path, alternative in shown(page).items():
        assert path.is_file(), f"{path} is missing: run python docs/pictures.py"
        assert len(alternative.split()) >= MIN_WORDS, f"say what {path.name} shows"
    assert not re.search(r"<img\b", page.read_text(encoding="utf-8"))


def test_the_readme_shows_two_pictures_at_most() -> None:
    assert 0 < len(shown(ROOT / "README.md")) <= 2


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_shown_and_small(path: Path) -> None:
    assert path in {picture for page in PAGES for picture in shown(page)}, "no page shows it: remove it"
    assert path.suffix in {".png", ".svg"}
    assert path.stat().st_size <= MAX_BYTES


def test_all_pictures_are_small() -> None:
    assert sum(path.stat().st_size for path in PICTURES) <= MAX_TOTAL


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.svg")), ids=lambda path: path.name)
def test_an_svg_is_well_formed_describes_itself_and_names_nothing_outside(path: Path) -> None:
    root = ET.parse(path).getroot()
    for name in ("title", "desc"):
        described = root.find(f"{SVG}{name}")
        assert described is not None
        assert described.text
    for element in root.iter():
        assert element.tag.removeprefix(SVG) not in {"image", "use", "script", "foreignObject", "a"}
        assert not [name for name in element.attrib if name.rpartition("}")[2] in {"href", "src"}]
        style = f"{element.text if element.tag == f'{SVG}style' else ''}{element.get('style', '')}"
        assert not re.search(r"url\(|@import", style)
