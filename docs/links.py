"""A hook of mkdocs: links that leave `docs/` become links to the repository, or plain text if `repo_url` is not set."""

from __future__ import annotations

import re
from typing import Any

OUTSIDE = re.compile(r"\[([^\]]*)\]\(\.\./([^)]*)\)")


def on_page_markdown(markdown: str, config: Any, **_: Any) -> str:
    """Return a page whose links all resolve on the site."""
    if not config.repo_url:
        return OUTSIDE.sub(r"\1", markdown)
    return OUTSIDE.sub(rf"[\1]({config.repo_url.rstrip('/')}/blob/main/\2)", markdown)
