"""Digests, commits and origins, and that reading them runs no configured program."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beatsync.source import load
from beatsync.source.git import normalize_remote
from beatsync.source.load import digest
from beatsync.values import Snapshot, SourceFile

COMMIT = "0123456789abcdef0123456789abcdef01234567"

file_sets = st.dictionaries(
    st.text(st.sampled_from("a/b:1é"), min_size=1, max_size=4), st.binary(max_size=4), max_size=4
)


def files_of(contents: dict[str, bytes]) -> list[SourceFile]:
    return [SourceFile(path, data) for path, data in contents.items()]


class TestDigest:
    @given(file_sets, file_sets)
    def test_it_is_equal_if_and_only_if_the_files_are(self, first: dict[str, bytes], second: dict[str, bytes]) -> None:
        assert (digest(files_of(first)) == digest(files_of(second))) is (first == second)

    @given(file_sets, st.randoms())
    def test_it_does_not_depend_on_the_order(self, contents: dict[str, bytes], random: Random) -> None:
        files = files_of(contents)
        shuffled = list(files)
        random.shuffle(shuffled)
        assert digest(shuffled) == digest(files)

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ({"a": b"bc"}, {"ab": b"c"}),
            ({"a": b"1", "b": b"2"}, {"a": b"2", "b": b"1"}),
            ({"a": b""}, {}),
            ({"a": b"", "b": b""}, {"ab": b""}),
            ({"a": b"x1:0:b"}, {"a": b"x", "b": b""}),
            ({"a/b": b""}, {"a:b": b""}),
        ],
    )
    def test_a_shifted_border_between_name_and_content_changes_it(
        self, first: dict[str, bytes], second: dict[str, bytes]
    ) -> None:
        assert digest(files_of(first)) != digest(files_of(second))

    def test_it_depends_on_the_files_alone_and_not_on_the_root(self, tmp_path: Path) -> None:
        for root, names in {
            "one": ["b.yaml", "a.yaml"],
            "two": ["a.yaml", "b.yaml", "_draft.yaml", "notes.txt"],
        }.items():
            (tmp_path / root).mkdir()
            for name in names:
                (tmp_path / root / name).write_text(name)
        assert load(tmp_path / "one").revision.digest == load(tmp_path / "two").revision.digest

    def test_a_renamed_file_changes_it(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_text("x")
        before = load(tmp_path).revision.digest
        (tmp_path / "a.yaml").rename(tmp_path / "b.yaml")
        assert load(tmp_path).revision.digest != before


class TestOrigin:
    @pytest.mark.parametrize(
        "remote",
        [
            "https://git.example.com/team/schedules",
            "https://git.example.com/team/schedules.git",
            "https://git.example.com/team/schedules.git/",
            "https://GIT.Example.com/team/schedules",
            "http://git.example.com:8080/team/schedules.git",
            "https://user@git.example.com/team/schedules.git",
            "https://user:s3cr3t@git.example.com/team/schedules.git",
            "https://user:s3cr3t@git.example.com:8443/team/schedules.git",
            "https://user:s3cr3t@s3cr3t@git.example.com/team/schedules.git",
            "https://oauth2:s3cr3t@git.example.com//team/schedules",
            "https://git.example.com/team/schedules.git?private_token=s3cr3t",
            "ssh://git@git.example.com/team/schedules.git",
            "ssh://git@git.example.com:2222/team/schedules.git",
            "git+ssh://git@git.example.com/team/schedules.git",
            "SSH://git@git.example.com/team/schedules.git",
            "git://git.example.com/team/schedules.git",
            "git@git.example.com:team/schedules.git",
            "git@git.example.com:/team/schedules.git",
            "git.example.com:team/schedules",
        ],
    )
    def test_every_url_of_a_repository_has_the_same_origin(self, remote: str) -> None:
        assert normalize_remote(remote) == "git.example.com/team/schedules"

    @pytest.mark.parametrize(
        "remote",
        [
            "https://git.example.com/team/schedules-2",
            "https://git.example.org/team/schedules",
            "https://git.example.com/schedules",
            "git@git.example.com:other/schedules.git",
            "/srv/git/team/schedules.git",
            "../schedules",
            "https://git.example.com/Team/schedules",
        ],
    )
    def test_other_repositories_have_other_origins(self, remote: str) -> None:
        assert normalize_remote(remote) != "git.example.com/team/schedules"

    def test_local_repositories_are_distinguished_by_their_paths(self) -> None:
        assert (
            normalize_remote("/srv/git/one.git") == normalize_remote("/srv/git/one") != normalize_remote("/srv/git/two")
        )

    def test_the_host_may_be_an_ip_address(self) -> None:
        assert normalize_remote("ssh://git@[2001:db8::1]:2222/team/x.git") == "[2001:db8::1]/team/x"

    @pytest.mark.parametrize(
        "remote",
        [
            "https://user:s3/cr3t@git.example.com/x",
            "https://user:s3:cr3t@git.example.com/x",
            "https://:s3cr3t@git.example.com/x",
            "https://user:s3cr3t@",
            "https://user:s3cr3t@git.example.com",
            "user:s3cr3t@git.example.com:x",
            "ext::sh -c 'user:s3cr3t@x'",
        ],
    )
    def test_no_password_is_kept_even_from_a_malformed_url(self, remote: str) -> None:
        assert "s3" not in normalize_remote(remote)
        assert "cr3t" not in normalize_remote(remote)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit: `schedules.d/a.yaml` and `README.md`."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    # Ignore the developer's own settings, such as signed commits.
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    root = tmp_path / "repository"
    (root / "schedules.d").mkdir(parents=True)
    (root / "schedules.d" / "a.yaml").write_text("a\n")
    (root / "README.md").write_text("readme\n")
    git(root, "init", "-q")
    commit(root)
    return root


def git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    process = subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True, text=True)
    return process.stdout.strip()


def commit(root: Path) -> str:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "x")
    return git(root, "rev-parse", "HEAD")


def commit_of(snapshot: Snapshot) -> str | None:
    return snapshot.revision.git


class TestGit:
    def test_a_directory_outside_of_a_repository_has_no_commit(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_text("a")
        snapshot = load(tmp_path)
        assert (snapshot.revision.git, snapshot.origin) == (None, None)
        assert len(snapshot.revision.digest) == 64

    def test_without_git_a_checkout_has_no_commit(
        self, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        assert commit_of(load(repository)) is None

    def test_a_new_repository_has_no_commit(self, repository: Path) -> None:
        new = repository / "new"
        new.mkdir()
        git(new, "init", "-q")
        assert commit_of(load(new)) is None

    def test_a_clean_checkout_has_its_commit(self, repository: Path) -> None:
        head = git(repository, "rev-parse", "HEAD")
        assert commit_of(load(repository)) == commit_of(load(repository / "schedules.d")) == head

    @pytest.mark.parametrize("change", ["edit", "delete", "add", "stage"])
    def test_a_checkout_that_differs_from_its_commit_is_dirty(self, repository: Path, change: str) -> None:
        source, head = repository / "schedules.d", git(repository, "rev-parse", "HEAD")
        if change == "delete":
            (source / "a.yaml").unlink()
        else:
            (source / ("a.yaml" if change == "edit" else "b.yaml")).write_text("b\n")
        if change == "stage":
            git(repository, "add", "-A")
        assert commit_of(load(source)) == f"{head}-dirty"
        new = commit(repository)
        assert commit_of(load(source)) == new != head

    def test_the_people_of_a_commit_are_its_author_and_another_committer(self, repository: Path) -> None:
        assert load(repository).people == "x"
        git(
            repository,
            "commit",
            "--quiet",
            "--allow-empty",
            "-m",
            "x\n\nauthor Eve <e@e> 1 +0000",
            "--author=Zoë Å <z@e>",
        )
        assert load(repository).people == "Zoë Å, committed by x"
        (repository / "new.yaml").write_text("schedules: {}\n")
        assert load(repository).people == ""

    def test_a_change_outside_of_the_source_does_not_make_it_dirty(self, repository: Path) -> None:
        (repository / "README.md").write_text("other\n")
        (repository / "new.yaml").write_text("other\n")
        head = git(repository, "rev-parse", "HEAD")
        assert commit_of(load(repository / "schedules.d")) == head
        assert commit_of(load(repository)) == f"{head}-dirty"

    def test_a_touched_file_is_not_dirty(self, repository: Path) -> None:
        os.utime(repository / "schedules.d" / "a.yaml", (1, 1))
        assert commit_of(load(repository / "schedules.d")) == git(repository, "rev-parse", "HEAD")

    def test_the_origin_is_the_remote_and_the_directory_in_it(self, repository: Path) -> None:
        assert load(repository / "schedules.d").origin is None
        git(repository, "remote", "add", "origin", "https://me:s3cr3t@git.example.com:8443/team/x.git")
        assert load(repository / "schedules.d").origin == "git.example.com/team/x#schedules.d"
        assert load(repository).origin == "git.example.com/team/x#"

    def test_two_clones_of_a_repository_have_the_same_origin(self, repository: Path, tmp_path: Path) -> None:
        git(repository, "remote", "add", "origin", "git@git.example.com:team/x.git")
        git(tmp_path, "clone", "-q", str(repository), "clone")
        git(tmp_path / "clone", "remote", "set-url", "origin", "https://git.example.com/team/x")
        assert load(tmp_path / "clone" / "schedules.d").origin == load(repository / "schedules.d").origin

    def test_variables_of_another_repository_are_ignored(
        self, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # A git hook, such as pre-commit, runs with these variables.
        monkeypatch.setenv("GIT_DIR", str(repository / ".git"))
        monkeypatch.setenv("GIT_WORK_TREE", str(repository))
        (tmp_path / "plain").mkdir()
        assert commit_of(load(tmp_path / "plain")) is None

    def test_a_read_writes_nothing_into_the_repository(self, repository: Path) -> None:
        os.utime(repository / "schedules.d" / "a.yaml", (1, 1))
        before = {path: path.stat().st_mtime_ns for path in (repository / ".git").rglob("*")}
        load(repository)
        assert {path: path.stat().st_mtime_ns for path in (repository / ".git").rglob("*")} == before

    def test_a_checkout_that_git_cannot_compare_is_dirty(self, repository: Path) -> None:
        head = git(repository, "rev-parse", "HEAD")
        (repository / ".git" / "index").write_bytes(b"no index")
        assert commit_of(load(repository)) == f"{head}-dirty"


class TestGitSync:
    def test_a_directory_named_like_a_commit_has_none_without_a_link_to_it(self, tmp_path: Path) -> None:
        root = tmp_path.resolve() / COMMIT
        root.mkdir()
        assert commit_of(load(root)) is None

    def test_a_link_to_another_directory_has_no_commit(self, tmp_path: Path) -> None:
        (tmp_path / "releases-7").mkdir()
        (tmp_path / "current").symlink_to("releases-7")
        assert commit_of(load(tmp_path / "current")) is None

    def test_a_real_worktree_has_the_origin_of_its_repository(self, repository: Path, tmp_path: Path) -> None:
        git(repository, "remote", "add", "origin", "git@git.example.com:team/x.git")
        head = git(repository, "rev-parse", "HEAD")
        git(repository, "worktree", "add", "-q", "--detach", str(tmp_path / ".worktrees" / head))
        (tmp_path / "current").symlink_to(f".worktrees/{head}")
        snapshot = load(tmp_path / "current" / "schedules.d")
        assert (snapshot.revision.git, snapshot.origin) == (head, "git.example.com/team/x#schedules.d")


class TestMount:
    STAMP = "..2026_06_01_12_00_00.1234567890"

    @pytest.fixture
    def mount(self, tmp_path: Path) -> Path:
        mount = tmp_path / "mount"
        (mount / self.STAMP / "team").mkdir(parents=True)
        (mount / self.STAMP / "team" / "a.yaml").write_bytes(b"a")
        (mount / "..data").symlink_to(self.STAMP)
        (mount / "team").symlink_to("..data/team")
        return mount

    @pytest.mark.parametrize("below", ["", "team"])
    def test_the_stamp_of_a_config_map_is_returned(self, mount: Path, below: str) -> None:
        assert load(mount / below).revision.mount == self.STAMP

    def test_another_directory_has_no_stamp(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_bytes(b"a")
        assert load(tmp_path).revision.mount is None


class TestHostileRepository:
    """Reading a repository must not run programs that its configuration names."""

    @pytest.fixture
    def alarm(self, tmp_path: Path) -> tuple[Path, Path]:
        """A program, and the file that it writes when it runs."""
        program, trace = tmp_path / "alarm", tmp_path / "trace"
        program.write_text(f'#!/bin/sh\necho "$0 $@" >> {trace}\ncat\n')
        program.chmod(0o755)
        return program, trace

    def provoke(self, repository: Path) -> None:
        # A changed time makes git compare contents, and run filters.
        os.utime(repository / "schedules.d" / "a.yaml", (1, 1))

    def test_no_file_system_monitor_is_run(self, repository: Path, alarm: tuple[Path, Path]) -> None:
        program, trace = alarm
        git(repository, "config", "core.fsmonitor", str(program))
        self.provoke(repository)
        git(repository, "status")
        assert trace.exists(), "git does not run the program at all"
        trace.unlink()
        load(repository)
        assert not trace.exists()

    def test_no_hook_is_run(self, repository: Path, alarm: tuple[Path, Path]) -> None:
        program, trace = alarm
        hooks = repository / ".git" / "hooks"
        hooks.mkdir(exist_ok=True)
        for name in ("post-index-change", "fsmonitor-watchman", "post-checkout", "pre-commit"):
            shutil.copy(program, hooks / name)
        self.provoke(repository)
        git(repository, "status")
        assert trace.exists(), "git does not run the program at all"
        trace.unlink()
        self.provoke(repository)
        load(repository)
        assert not trace.exists()

    @pytest.mark.parametrize("name", ["evil", "evil=x", "evil.x", "EVIL ü"])
    @pytest.mark.parametrize("kind", ["clean", "process"])
    def test_no_filter_is_run(self, repository: Path, alarm: tuple[Path, Path], name: str, kind: str) -> None:
        program, trace = alarm
        head = git(repository, "rev-parse", "HEAD")
        attributes = repository / ".git" / "info" / "attributes"
        attributes.parent.mkdir(exist_ok=True)
        attributes.write_text(f"*.yaml filter={name.split(' ', maxsplit=1)[0]}\n")
        for filter_name in (name, name.split(" ", maxsplit=1)[0]):
            git(repository, "config", f"filter.{filter_name}.{kind}", str(program))
            git(repository, "config", f"filter.{filter_name}.required", "true")
        self.provoke(repository)
        subprocess.run(["git", "status"], cwd=repository, check=False, capture_output=True, timeout=60)
        assert trace.exists(), "git does not run the program at all"
        trace.unlink()
        self.provoke(repository)
        actual = commit_of(load(repository))
        assert not trace.exists()
        # A filter that no option can disable prevents the comparison.
        assert actual == (f"{head}-dirty" if "=" in name else head)

    def test_a_filter_of_an_included_configuration_is_not_run(self, repository: Path, alarm: tuple[Path, Path]) -> None:
        program, trace = alarm
        (repository / ".git" / "more").write_text(f'[filter "evil"]\n\tclean = {program}\n')
        git(repository, "config", "include.path", "more")
        (repository / ".gitattributes").write_text("*.yaml filter=evil\n")
        self.provoke(repository)
        git(repository, "status")
        assert trace.exists(), "git does not run the program at all"
        trace.unlink()
        self.provoke(repository)
        load(repository)
        assert not trace.exists()
