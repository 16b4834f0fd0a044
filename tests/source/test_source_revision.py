"""Two sets of files never have one digest; git tells the commit and the origin, and runs nothing for it."""

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
from beatsync.source.revision import digest
from beatsync.values import Snapshot, SourceFile

COMMIT = "0123456789abcdef0123456789abcdef01234567"

file_sets = st.dictionaries(
    st.text(st.sampled_from("a/b:1é"), min_size=1, max_size=4), st.binary(max_size=4), max_size=4
)


def files_of(contents: dict[str, bytes]) -> list[SourceFile]:
    return [SourceFile(path, data) for path, data in contents.items()]


class TestDigest:
    @given(file_sets, file_sets)
    def test_it_is_equal_just_where_the_files_are(self, one: dict[str, bytes], other: dict[str, bytes]) -> None:
        assert (digest(files_of(one)) == digest(files_of(other))) is (one == other)

    @given(file_sets, st.randoms())
    def test_it_does_not_depend_on_the_order(self, contents: dict[str, bytes], random: Random) -> None:
        files = files_of(contents)
        shuffled = list(files)
        random.shuffle(shuffled)
        assert digest(shuffled) == digest(files)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ({"a": b"bc"}, {"ab": b"c"}),
            ({"a": b"1", "b": b"2"}, {"a": b"2", "b": b"1"}),
            ({"a": b""}, {}),
            ({"a": b"", "b": b""}, {"ab": b""}),
            ({"a": b"x1:0:b"}, {"a": b"x", "b": b""}),
            ({"a/b": b""}, {"a:b": b""}),
        ],
    )
    def test_no_border_between_name_and_content_can_be_moved(
        self, one: dict[str, bytes], other: dict[str, bytes]
    ) -> None:
        assert digest(files_of(one)) != digest(files_of(other))

    def test_it_is_the_files_alone_that_count_and_not_where_they_lie(self, tmp_path: Path) -> None:
        for root, names in {
            "one": ["b.yaml", "a.yaml"],
            "two": ["a.yaml", "b.yaml", "_draft.yaml", "notes.txt"],
        }.items():
            (tmp_path / root).mkdir()
            for name in names:
                (tmp_path / root / name).write_text(name)
        assert load(tmp_path / "one").revision.digest == load(tmp_path / "two").revision.digest

    def test_renaming_a_file_changes_it(self, tmp_path: Path) -> None:
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
    def test_one_repository_has_one_origin_however_it_is_cloned(self, remote: str) -> None:
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

    def test_repositories_on_one_disk_are_told_apart_by_their_paths(self) -> None:
        assert normalize_remote("/srv/git/one.git") == normalize_remote("/srv/git/one") != normalize_remote("/srv/git/two")

    def test_a_host_may_be_an_address(self) -> None:
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
    def test_no_password_is_kept_even_of_what_git_could_not_use(self, remote: str) -> None:
        assert "s3" not in normalize_remote(remote)
        assert "cr3t" not in normalize_remote(remote)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit: `schedules.d/a.yaml` and `README.md`."""
    if shutil.which("git") is None:
        pytest.skip("there is no git")
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    # Nothing of the person's own settings, such as signing of commits.
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
    done = subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(root: Path) -> str:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "x")
    return git(root, "rev-parse", "HEAD")


def commit_of(snapshot: Snapshot) -> str | None:
    return snapshot.revision.git


class TestGit:
    def test_without_git_there_is_a_digest_and_no_commit(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_text("a")
        snapshot = load(tmp_path)
        assert (snapshot.revision.git, snapshot.origin) == (None, None)
        assert len(snapshot.revision.digest) == 64

    def test_where_git_is_not_installed_a_checkout_is_a_directory(
        self, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        assert commit_of(load(repository)) is None

    def test_a_repository_without_any_commit_has_none(self, repository: Path) -> None:
        new = repository / "new"
        new.mkdir()
        git(new, "init", "-q")
        assert commit_of(load(new)) is None

    def test_a_clean_checkout_is_its_commit(self, repository: Path) -> None:
        head = git(repository, "rev-parse", "HEAD")
        assert commit_of(load(repository)) == commit_of(load(repository / "schedules.d")) == head

    @pytest.mark.parametrize("change", ["edit", "delete", "add", "stage"])
    def test_what_differs_from_the_commit_is_dirty(self, repository: Path, change: str) -> None:
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

    def test_a_change_outside_of_the_source_does_not_make_it_dirty(self, repository: Path) -> None:
        (repository / "README.md").write_text("other\n")
        (repository / "new.yaml").write_text("other\n")
        head = git(repository, "rev-parse", "HEAD")
        assert commit_of(load(repository / "schedules.d")) == head
        assert commit_of(load(repository)) == f"{head}-dirty"

    def test_a_file_whose_time_alone_changed_is_not_dirty(self, repository: Path) -> None:
        os.utime(repository / "schedules.d" / "a.yaml", (1, 1))
        assert commit_of(load(repository / "schedules.d")) == git(repository, "rev-parse", "HEAD")

    def test_the_origin_is_the_remote_and_the_folder_in_it(self, repository: Path) -> None:
        assert load(repository / "schedules.d").origin is None
        git(repository, "remote", "add", "origin", "https://me:s3cr3t@git.example.com:8443/team/x.git")
        assert load(repository / "schedules.d").origin == "git.example.com/team/x#schedules.d"
        assert load(repository).origin == "git.example.com/team/x#"

    def test_two_clones_of_one_repository_have_one_origin(self, repository: Path, tmp_path: Path) -> None:
        git(repository, "remote", "add", "origin", "git@git.example.com:team/x.git")
        git(tmp_path, "clone", "-q", str(repository), "clone")
        git(tmp_path / "clone", "remote", "set-url", "origin", "https://git.example.com/team/x")
        assert load(tmp_path / "clone" / "schedules.d").origin == load(repository / "schedules.d").origin

    def test_the_environment_of_another_repository_is_not_believed(
        self, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # A hook of git's, as of `pre-commit`, runs with these set.
        monkeypatch.setenv("GIT_DIR", str(repository / ".git"))
        monkeypatch.setenv("GIT_WORK_TREE", str(repository))
        (tmp_path / "plain").mkdir()
        assert commit_of(load(tmp_path / "plain")) is None

    def test_looking_writes_nothing_into_the_repository(self, repository: Path) -> None:
        os.utime(repository / "schedules.d" / "a.yaml", (1, 1))
        before = {path: path.stat().st_mtime_ns for path in (repository / ".git").rglob("*")}
        load(repository)
        assert {path: path.stat().st_mtime_ns for path in (repository / ".git").rglob("*")} == before

    def test_where_git_cannot_compare_the_files_it_vouches_for_none(self, repository: Path) -> None:
        head = git(repository, "rev-parse", "HEAD")
        (repository / ".git" / "index").write_bytes(b"no index")
        assert commit_of(load(repository)) == f"{head}-dirty"


class TestGitSync:
    def test_the_commit_is_the_name_that_the_link_leads_to(self, tmp_path: Path) -> None:
        (tmp_path / ".worktrees" / COMMIT).mkdir(parents=True)
        (tmp_path / "current").symlink_to(f".worktrees/{COMMIT}")
        assert commit_of(load(tmp_path / "current")) == COMMIT

    def test_a_folder_that_is_named_like_a_commit_is_none_where_no_link_leads_to_it(self, tmp_path: Path) -> None:
        root = tmp_path.resolve() / COMMIT
        root.mkdir()
        assert commit_of(load(root)) is None

    def test_a_link_to_a_plain_folder_names_no_commit(self, tmp_path: Path) -> None:
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
    def test_a_config_maps_stamp_is_told(self, mount: Path, below: str) -> None:
        assert load(mount / below).revision.mount == self.STAMP

    def test_what_is_no_mount_has_none(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_bytes(b"a")
        assert load(tmp_path).revision.mount is None


class TestHostileRepository:
    """Whoever can write a repository's configuration shall not thereby run programs where it is only looked at."""

    @pytest.fixture
    def alarm(self, tmp_path: Path) -> tuple[Path, Path]:
        """A program, and the file that it leaves behind when it is run."""
        program, trace = tmp_path / "alarm", tmp_path / "trace"
        program.write_text(f'#!/bin/sh\necho "$0 $@" >> {trace}\ncat\n')
        program.chmod(0o755)
        return program, trace

    def provoke(self, repository: Path) -> None:
        # Another time makes git compare contents, which is what filters are for.
        os.utime(repository / "schedules.d" / "a.yaml", (1, 1))

    def test_no_file_system_monitor_is_run(self, repository: Path, alarm: tuple[Path, Path]) -> None:
        program, trace = alarm
        git(repository, "config", "core.fsmonitor", str(program))
        self.provoke(repository)
        git(repository, "status")
        assert trace.exists(), "this alarm does not work"
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
        assert trace.exists(), "this alarm does not work"
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
        for one in (name, name.split(" ", maxsplit=1)[0]):
            git(repository, "config", f"filter.{one}.{kind}", str(program))
            git(repository, "config", f"filter.{one}.required", "true")
        self.provoke(repository)
        subprocess.run(["git", "status"], cwd=repository, check=False, capture_output=True, timeout=60)
        assert trace.exists(), "this alarm does not work"
        trace.unlink()
        self.provoke(repository)
        found = commit_of(load(repository))
        assert not trace.exists()
        # A name that no option reaches is no commit that git vouches for.
        assert found == (f"{head}-dirty" if "=" in name else head)

    def test_an_included_file_counts_as_the_configuration(self, repository: Path, alarm: tuple[Path, Path]) -> None:
        program, trace = alarm
        (repository / ".git" / "more").write_text(f'[filter "evil"]\n\tclean = {program}\n')
        git(repository, "config", "include.path", "more")
        (repository / ".gitattributes").write_text("*.yaml filter=evil\n")
        self.provoke(repository)
        git(repository, "status")
        assert trace.exists(), "this alarm does not work"
        trace.unlink()
        self.provoke(repository)
        load(repository)
        assert not trace.exists()
