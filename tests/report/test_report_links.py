"""Links to lines on code hosts."""

from __future__ import annotations

import pytest

from beatsync.report.links import source_url
from beatsync.source.git import normalize_remote

COMMIT = "3f2a1c94b0de1e27a3c5f0c7d1b6a2e9d8c7b6a5"
LINKS = {
    "git@github.com:shop/ops.git": f"https://github.com/shop/ops/blob/{COMMIT}/specs/a%20b/c%23.yaml#L7",
    "https://token@gitlab.example.org/group/sub/ops.git": f"https://gitlab.example.org/group/sub/ops/-/blob/{COMMIT}/specs/a%20b/c%23.yaml#L7",
    "ssh://git@codeberg.org:22/shop/ops": f"https://codeberg.org/shop/ops/src/commit/{COMMIT}/specs/a%20b/c%23.yaml#L7",
    "https://bitbucket.org/shop/ops": f"https://bitbucket.org/shop/ops/src/{COMMIT}/specs/a%20b/c%23.yaml#lines-7",
    "https://git.example/shop/ops": None,
    "/srv/git/ops": None,
}  # fmt: skip


@pytest.mark.parametrize("remote", LINKS)
def test_the_link_of_a_remote(remote: str) -> None:
    origin = f"{normalize_remote(remote)}#specs"
    assert source_url(origin, f"{COMMIT}-dirty", "a b/c#.yaml", 7, None) == LINKS[remote]


def test_a_template_of_the_project() -> None:
    origin = "git.example/shop/ops#"
    template = "https://{host}/{repository}?h={commit}&f={path}&l={line}"
    assert source_url(origin, "c0ffee", "a.yaml", 7, template) == "https://git.example/shop/ops?h=c0ffee&f=a.yaml&l=7"
    assert source_url(None, None, "a.yaml", None, "http://wiki/{path}") == "http://wiki/a.yaml"


@pytest.mark.parametrize(
    ("origin", "commit", "template"),
    [
        ("github.com/shop/ops#", None, None),
        (None, "c0ffee", None),
        ("github.com/shop/ops#", "c0ffee", "javascript:alert({line})"),
        (None, "c0ffee", "https://x/{repository}"),
        ("github.com/shop/ops#", "c0ffee", "https://x/{commit}/{file}"),
    ],
)
def test_what_is_unknown_is_no_link(origin: str | None, commit: str | None, template: str | None) -> None:
    assert source_url(origin, commit, "a.yaml", 7, template) is None
