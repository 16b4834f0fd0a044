"""A database user with the rights of `deploy/sql` and no others, as an administrator makes it."""

from __future__ import annotations

import re
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pymysql

from beatsync.cli import main

ROOT = Path(__file__).parent.parent.parent
SQL, DOCS = ROOT / "deploy" / "sql", ROOT / "docs" / "deploy.md"
# Where a project's tables were made by Django 4.0 or older, keys come from a sequence of their own.
AS_BEFORE_DJANGO_4_1 = """
ALTER TABLE django_celery_beat_periodictask ALTER COLUMN id DROP IDENTITY;
CREATE SEQUENCE django_celery_beat_periodictask_id_seq OWNED BY django_celery_beat_periodictask.id;
ALTER TABLE django_celery_beat_periodictask
  ALTER COLUMN id SET DEFAULT nextval('django_celery_beat_periodictask_id_seq');
"""


@dataclass(frozen=True)
class Account:
    """A migrated database, by its owner's URL and by that of a user with no rights but those granted."""

    owner: str
    url: str
    sql: Callable[[str], list[tuple[str, ...]]]
    """Runs statements as the owner."""
    user: str


@contextmanager
def account(owner: str, *, to_plan_only: bool = False) -> Iterator[Account]:
    """Migrate a new database by its owner's URL, and yield a user with the rights of `deploy/sql`, or with those for plans only."""
    assert main(["migrate", "--with-beat", "--database-url", owner]) == 0
    user = f"beatsync_{uuid.uuid4().hex[:8]}"
    parts = urlsplit(owner)
    port = f":{parts.port}" if parts.port else ""
    url = urlunsplit(parts._replace(netloc=f"{user}:secret@{parts.hostname}{port}"))
    sql = as_user(owner)
    if is_postgresql := parts.scheme.startswith("postgres"):
        sql(AS_BEFORE_DJANGO_4_1)
        sql(f"CREATE ROLE {user} LOGIN PASSWORD 'secret'")
    else:
        sql(f"CREATE USER '{user}'@'%' IDENTIFIED BY 'secret'")
    try:
        for _ in range(2):  # harmless to repeat
            sql(granted("postgresql" if is_postgresql else "mariadb", user, to_plan_only=to_plan_only))
        yield Account(owner, url, sql, user)
    finally:
        sql(f"DROP OWNED BY {user}; DROP ROLE {user}" if is_postgresql else f"DROP USER '{user}'@'%'")


def granted(kind: str, user: str, *, to_plan_only: bool) -> str:
    """Return the statements of `deploy/sql` for a user of another name, for plans as docs/deploy.md makes them of it."""
    text = (SQL / f"{kind}.sql").read_text(encoding="utf-8")
    if to_plan_only:
        (script,) = re.findall(r"^sed -E '(.+)' deploy/sql/postgresql.sql$", DOCS.read_text(), re.MULTILINE)
        text = subprocess.run(["sed", "-E", script], input=text, text=True, check=True, capture_output=True).stdout
        text = text.replace("beatsync_plan", "beatsync")
    text = re.sub(r"\bTO beatsync\b", f"TO {user}", text).replace("'beatsync'@'%'", f"'{user}'@'%'")
    return "\n".join(line for line in text.splitlines() if not line.startswith("--"))


def as_user(url: str) -> Callable[[str], list[tuple[str, ...]]]:
    """Return what runs statements with a URL's login and returns what the last one found."""
    parts = urlsplit(url)

    def postgresql(text: str) -> list[tuple[str, ...]]:
        with psycopg.connect(url.replace("postgres://", "postgresql://", 1), autocommit=True) as session:
            cursor = session.execute(text.encode())
            return cursor.fetchall() if cursor.description else []

    def mariadb(text: str) -> list[tuple[str, ...]]:
        session = pymysql.connect(
            host=parts.hostname, port=parts.port or 3306, user=parts.username, password=parts.password or "",
            database=parts.path[1:], autocommit=True,
        )  # fmt: skip
        with session, session.cursor() as cursor:
            for statement in filter(None, map(str.strip, text.split(";"))):
                cursor.execute(statement)
            return list(cursor.fetchall())

    return postgresql if parts.scheme.startswith("postgres") else mariadb
