"""Every citation of a measured fact resolves, and no file cites a document that is not in the repository."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "facts.md"
NUMBER = r"\d+(?:(?:, | and )\d+)*"


def repository_files() -> list[Path]:
    """Return the text files of the repository; generated lists of packages are left out."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    return [ROOT / name for name in listed if Path(name).suffix not in {".txt", ".png"} and (ROOT / name).is_file()]


def texts() -> Iterator[tuple[str, str]]:
    for path in repository_files():
        if path != Path(__file__):
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8", errors="replace")


def headings() -> list[int]:
    return [
        int(number) for number in re.findall(r'^### <a id="\d+"></a>(\d+)\. ', PAGE.read_text("utf-8"), re.MULTILINE)
    ]


def cited(text: str) -> set[int]:
    """Return the numbers in `docs/facts.md, 1 and 26` and in links to `facts.md#1`; lines may be wrapped."""
    joined = re.sub(r"\s+(?:(?:#|--) )?", " ", text)
    listed = re.findall(rf"docs/facts\.md,? ({NUMBER})", joined)
    linked = re.findall(r"facts\.md#(\d+)", joined)
    return {int(number) for numbers in (*listed, *linked) for number in re.findall(r"\d+", numbers)}


def test_each_fact_has_one_number_and_the_anchor_of_that_number() -> None:
    assert headings() == list(range(1, len(headings()) + 1))
    anchors = re.findall(r'<a id="(\d+)"></a>(\d+)\.', PAGE.read_text("utf-8"))
    assert [(number, number) for number in map(str, headings())] == anchors


def test_links_within_the_page_resolve() -> None:
    linked = {int(number) for number in re.findall(r"\(#(\d+)\)", PAGE.read_text("utf-8"))}
    assert linked <= set(headings())


def test_a_citation_is_recognised_in_prose_lists_and_links() -> None:
    assert cited("(docs/facts.md, 26)") == {26}
    assert cited("# beat saves whole rows (docs/facts.md,\n    # 1 and 26)") == {1, 26}
    assert cited("[facts](facts.md#24)") == {24}


def test_every_citation_of_a_fact_resolves() -> None:
    known = set(headings())
    unresolved = {name: cited(text) - known for name, text in texts() if cited(text) - known}
    assert not unresolved, "add the fact to docs/facts.md, or correct the number"


def test_the_facts_are_cited() -> None:
    assert sum(bool(cited(text)) for name, text in texts() if not name.startswith("docs/facts")) > 3


@pytest.mark.parametrize(
    ("pattern", "advice"),
    [
        (r"\bFACTS\b", "cite docs/facts.md, N"),
        (r"\bDESIGN\b", "state the rule itself, or cite docs/architecture.md"),
    ],
)
def test_no_file_cites_a_document_that_is_not_in_the_repository(pattern: str, advice: str) -> None:
    citing = [name for name, text in texts() if re.search(pattern, text)]
    assert not citing, advice
