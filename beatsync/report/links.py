"""Links to a line of a spec file on its code host, from what the database knows about a source."""

from __future__ import annotations

import re
from urllib.parse import quote

GITHUB = "https://{host}/{repository}/blob/{commit}/{path}#L{line}"
GITLAB = "https://{host}/{repository}/-/blob/{commit}/{path}#L{line}"
GITEA = "https://{host}/{repository}/src/commit/{commit}/{path}#L{line}"
BITBUCKET = "https://{host}/{repository}/src/{commit}/{path}#lines-{line}"
_HOSTS = {
    "github": GITHUB,
    "gitlab": GITLAB,
    "gitea": GITEA,
    "codeberg": GITEA,
    "forgejo": GITEA,
    "bitbucket": BITBUCKET,
}
PLACEHOLDERS = frozenset({"host", "repository", "commit", "path", "line"})
"""What a template of the setting `SOURCE_URL` may contain, in braces."""


def template_problem(template: str) -> str | None:
    """Return why a template of `source_url` makes no link; None if it does."""
    if not template.startswith(("https://", "http://")):
        return "it does not begin with https:// or http://"
    unknown = sorted(set(re.findall(r"\{(.*?)\}", template)) - PLACEHOLDERS)
    if unknown:
        return f"it has no {{{unknown[0]}}}, only {', '.join(f'{{{name}}}' for name in sorted(PLACEHOLDERS))}"
    return None


def source_url(origin: str | None, commit: str | None, path: str, line: int | None, template: str | None) -> str | None:
    """Return the URL of a line; None if the host is unknown, or if the template needs what is unknown.

    `origin` is `HOST/REPOSITORY#FOLDER`; `path` is relative to that folder. A commit may end with `-dirty`: the link then shows the
    file as it was committed, and the line may be another. A template with a problem (`template_problem`) is no link.
    """
    location, _, folder = (origin or "").partition("#")
    host, _, repository = location.partition("/")
    template = template or _template_of(host)
    if template is None or template_problem(template):
        return None
    values = {
        "host": host,
        "repository": repository,
        "commit": (commit or "").removesuffix("-dirty"),
        "path": "/".join(filter(None, (folder.strip("/"), path))),
        "line": str(line or 1),
    }
    for name, value in values.items():
        placeholder = f"{{{name}}}"
        if placeholder in template and not value:
            return None
        template = template.replace(placeholder, quote(value, safe="/:"))
    return template


def _template_of(host: str) -> str | None:
    """Return the template of a host by a label of its name: `github.com`, `gitlab.example.org`, `git.gitea.example`."""
    return next((_HOSTS[label] for label in host.lower().split(".") if label in _HOSTS), None)
