"""Which files a directory is read as, what is refused, and that nothing which waits or never ends is ever opened."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from beatsync.source import Limits, SourceError, load, load_file
from beatsync.values import Diagnostic, Severity, Snapshot
from tests.processes import run

NOBODY = 65534
USUAL = Limits()


def write(root: Path, *names: str, text: str | None = None) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name if text is None else text, encoding="utf-8")


def paths(snapshot: Snapshot) -> list[str]:
    return [file.path for file in snapshot.files]


def problem(snapshot: Snapshot) -> Diagnostic:
    (one,) = snapshot.diagnostics
    assert one.severity is Severity.ERROR
    return one


def refused(root: Path, limits: Limits = USUAL) -> SourceError:
    with pytest.raises(SourceError) as caught:
        load(root, limits)
    return caught.value


@contextlib.contextmanager
def powerless() -> Iterator[None]:
    """For root no file is unreadable: be nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A directory that nobody can reach; pytest's own belong to whoever runs it."""
    folder = Path(tempfile.mkdtemp(prefix="beatsync-source-"))
    folder.chmod(0o755)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder)


class TestWhatIsRead:
    def test_files_come_in_the_order_of_their_paths_with_their_bytes(self, tmp_path: Path) -> None:
        write(tmp_path, "b.yaml", "a/z.yaml", "a.yaml", "a/b/c.yml", "B.yaml", "ü.yaml")
        snapshot = load(tmp_path)
        assert paths(snapshot) == ["B.yaml", "a.yaml", "a/b/c.yml", "a/z.yaml", "b.yaml", "ü.yaml"]
        assert [file.data.decode() for file in snapshot.files] == paths(snapshot)
        assert snapshot.diagnostics == ()

    def test_names_that_begin_with_a_dot_or_an_underscore_are_passed_over(self, tmp_path: Path) -> None:
        write(tmp_path, "_a.yaml", ".b.yaml", "_x/c.yaml", ".git/d.yaml", "y/_z/e.yaml", "y/f_.yaml")
        assert paths(load(tmp_path)) == ["y/f_.yaml"]

    @pytest.mark.parametrize("name", ["a.yam", "a.json", "a.yaml.bak", "a.yaml~", "README.md", "yaml", "a.YAML"])
    def test_other_endings_are_passed_over(self, tmp_path: Path, name: str) -> None:
        write(tmp_path, name, "b.yml", "c.yaml")
        assert paths(load(tmp_path)) == ["b.yml", "c.yaml"]

    def test_a_file_that_is_no_text_is_read_as_the_bytes_it_is(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_bytes(b"\xff\x00\r\n")
        assert load(tmp_path).files[0].data == b"\xff\x00\r\n"

    def test_an_empty_file_is_a_file(self, tmp_path: Path) -> None:
        write(tmp_path, "a.yaml", text="")
        assert [(file.path, file.data) for file in load(tmp_path).files] == [("a.yaml", b"")]

    def test_an_empty_directory_has_no_files_and_no_problem(self, tmp_path: Path) -> None:
        (tmp_path / "empty" / "deeper").mkdir(parents=True)
        snapshot = load(tmp_path)
        assert (snapshot.files, snapshot.diagnostics) == ((), ())

    def test_a_relative_path_is_read_below_where_one_stands(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(tmp_path, "here/a.yaml")
        monkeypatch.chdir(tmp_path)
        assert paths(load(Path("here"))) == ["a.yaml"]

    def test_one_file_alone_is_read_under_its_name(self, tmp_path: Path) -> None:
        write(tmp_path, "x/_draft.yaml", text="text")
        snapshot = load_file(tmp_path / "x" / "_draft.yaml")
        assert [(file.path, file.data) for file in snapshot.files] == [("_draft.yaml", b"text")]


class TestWhatCannotBeRead:
    def test_a_missing_directory(self, tmp_path: Path) -> None:
        error = refused(tmp_path / "gone")
        assert error.code == "source-missing"
        assert str(tmp_path / "gone") in error.message

    def test_a_link_to_a_missing_directory(self, tmp_path: Path) -> None:
        (tmp_path / "current").symlink_to("gone")
        assert refused(tmp_path / "current").code == "source-missing"

    def test_a_link_that_leads_to_itself(self, tmp_path: Path) -> None:
        (tmp_path / "current").symlink_to("current")
        assert refused(tmp_path / "current").code == "source-unreadable"

    def test_a_file_where_a_directory_is_wanted(self, tmp_path: Path) -> None:
        write(tmp_path, "a.yaml")
        assert refused(tmp_path / "a.yaml").code == "source-not-a-directory"

    def test_a_path_below_a_file(self, tmp_path: Path) -> None:
        write(tmp_path, "a.yaml")
        assert refused(tmp_path / "a.yaml" / "b").code == "source-unreadable"

    @pytest.mark.parametrize("mode", [0o000, 0o300, 0o644])
    def test_a_directory_that_may_not_be_listed_or_entered(self, reachable: Path, mode: int) -> None:
        write(reachable, "s/a.yaml")
        (reachable / "s").chmod(mode)
        with powerless():
            assert refused(reachable / "s").code == "source-unreadable"

    @pytest.mark.parametrize("mode", [0o000, 0o300, 0o644])
    def test_a_folder_inside_that_may_not_be_listed_or_entered(self, reachable: Path, mode: int) -> None:
        write(reachable, "a.yaml", "team/b.yaml", "team/deep/c.yaml")
        (reachable / "team").chmod(mode)
        with powerless():
            error = refused(reachable)
        assert error.code == "source-unreadable"
        assert "team" in error.message

    def test_a_file_that_may_not_be_read_is_an_error_and_not_absent(self, reachable: Path) -> None:
        write(reachable, "a.yaml", "b.yaml")
        (reachable / "b.yaml").chmod(0)
        with powerless():
            error = refused(reachable)
        assert error.code == "source-unreadable"
        assert "b.yaml" in error.message

    def test_what_a_link_leads_to_may_not_be_read(self, reachable: Path) -> None:
        write(reachable, "_shared/b.yaml")
        (reachable / "b.yaml").symlink_to("_shared/b.yaml")
        (reachable / "_shared").chmod(0)
        with powerless():
            assert refused(reachable).code == "source-unreadable"

    def test_one_file_alone_that_is_missing(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError) as caught:
            load_file(tmp_path / "gone.yaml")
        assert caught.value.code == "source-missing"


class TestLimits:
    def test_a_file_of_just_the_limit_is_read_and_one_byte_more_is_a_problem_of_that_file(self, tmp_path: Path) -> None:
        write(tmp_path, "fits.yaml", text="12345")
        write(tmp_path, "large.yaml", text="123456")
        snapshot = load(tmp_path, Limits(file=5))
        assert paths(snapshot) == ["fits.yaml"]
        assert (problem(snapshot).code, problem(snapshot).location.path) == ("source-too-large", "large.yaml")

    def test_all_files_together_may_be_just_the_limit(self, tmp_path: Path) -> None:
        write(tmp_path, "a.yaml", "b.yaml", text="12345")
        assert len(load(tmp_path, Limits(total=10)).files) == 2
        assert refused(tmp_path, Limits(total=9)).code == "source-too-large"

    def test_there_may_be_just_so_many_files(self, tmp_path: Path) -> None:
        write(tmp_path, "a.yaml", "b.yaml", "c.yaml", "not-counted.txt")
        assert len(load(tmp_path, Limits(files=3)).files) == 3
        assert refused(tmp_path, Limits(files=2)).code == "source-too-large"

    def test_folders_may_lie_just_so_deep(self, tmp_path: Path) -> None:
        write(tmp_path, "1/2/3/a.yaml")
        assert paths(load(tmp_path, Limits(depth=3))) == ["1/2/3/a.yaml"]
        assert refused(tmp_path, Limits(depth=2)).code == "source-too-deep"

    def test_links_that_multiply_folders_end_at_a_limit(self, tmp_path: Path) -> None:
        # Each of 25 folders holds two links to the next: 50 links, 2 ** 25 paths, and not one file to count.
        for level in range(25):
            (tmp_path / f"_{level}").mkdir()
            for name in "ab":
                (tmp_path / f"_{level}" / name).symlink_to(f"../_{level + 1}")
        (tmp_path / "_25").mkdir()
        (tmp_path / "start").symlink_to("_0")
        assert refused(tmp_path, Limits(entries=2_000)).code == "source-too-large"
        assert USUAL.entries <= 1_000_000


LOAD = """
import json, pathlib, sys
from beatsync.source import load
snapshot = load(pathlib.Path(sys.argv[1]))
print(json.dumps([[file.path for file in snapshot.files], [[d.code, d.location.path] for d in snapshot.diagnostics]]))
"""


def load_elsewhere(root: Path) -> Any:
    """Load in a process of its own with a deadline: one that waits for a pipe can only be ended from outside."""
    done = run("-c", LOAD, str(root), cwd=Path(__file__).parents[2], timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _unix_socket(path: Path) -> None:
    # A socket's path may be only about 100 bytes long.
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(before)


def _device(path: Path) -> None:
    try:
        os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero, which never ends
    except PermissionError as error:
        pytest.skip(f"only root may make a device: {error}")


@pytest.mark.parametrize("make", [_fifo, _unix_socket, _device])
@pytest.mark.parametrize("linked", [False, True])
def test_a_pipe_a_socket_or_a_device_is_a_problem_and_never_opened(
    tmp_path: Path, make: Callable[[Path], None], linked: bool
) -> None:
    write(tmp_path, "a.yaml")
    make(tmp_path / ("_special" if linked else "z.yaml"))
    make(tmp_path / "no-spec")
    if linked:
        (tmp_path / "z.yaml").symlink_to("_special")
    assert load_elsewhere(tmp_path) == [["a.yaml"], [["source-not-a-file", "z.yaml"]]]


def test_a_pipe_that_takes_the_place_of_a_file_at_the_last_moment_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a.yaml", "b.yaml")
    opened = os.open

    def swap_and_open(path: os.PathLike[str], flags: int) -> int:
        if Path(path).name == "b.yaml" and not Path(path).is_fifo():
            Path(path).unlink()
            os.mkfifo(path)
        return opened(path, flags)

    monkeypatch.setattr(os, "open", swap_and_open)
    snapshot = load(tmp_path)
    assert paths(snapshot) == ["a.yaml"]
    assert problem(snapshot).code == "source-not-a-file"


class TestLinks:
    @pytest.mark.parametrize("absolute", [False, True])
    def test_a_link_to_a_file_or_folder_outside_is_refused(self, tmp_path: Path, absolute: bool) -> None:
        root = tmp_path / "root"
        write(tmp_path, "outside/secret.yaml", "root/ok.yaml")
        base = str(tmp_path) if absolute else ".."
        (root / "a.yaml").symlink_to(f"{base}/outside/secret.yaml")
        (root / "team").symlink_to(f"{base}/outside")
        snapshot = load(root)
        assert paths(snapshot) == ["ok.yaml"]
        assert [(d.code, d.location.path) for d in snapshot.diagnostics] == [
            ("source-symlink", "a.yaml"),
            ("source-symlink", "team"),
        ]
        assert all("out of" in d.message for d in snapshot.diagnostics)

    def test_a_folder_beside_whose_name_begins_alike_is_outside(self, tmp_path: Path) -> None:
        write(tmp_path, "root/ok.yaml", "root-2/secret.yaml")
        (tmp_path / "root" / "a.yaml").symlink_to("../root-2/secret.yaml")
        assert paths(load(tmp_path / "root")) == ["ok.yaml"]

    def test_a_chain_of_links_that_leaves_and_comes_back_is_judged_by_its_end(self, tmp_path: Path) -> None:
        write(tmp_path, "root/_real.yaml")
        (tmp_path / "hop").symlink_to("root/_real.yaml")
        (tmp_path / "root" / "a.yaml").symlink_to("../hop")
        assert paths(load(tmp_path / "root")) == ["a.yaml"]

    def test_a_link_to_what_would_not_be_read_anyway_is_passed_over(self, tmp_path: Path) -> None:
        write(tmp_path, "README.md", "root/a.yaml")
        (tmp_path / "root" / "README.md").symlink_to("../README.md")
        snapshot = load(tmp_path / "root")
        assert (paths(snapshot), snapshot.diagnostics) == (["a.yaml"], ())

    @pytest.mark.parametrize("name", ["a.yaml", "team"])
    def test_a_dangling_link_is_a_problem_whether_a_file_or_a_folder_was_meant(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).symlink_to("gone")
        one = problem(load(tmp_path))
        assert (one.code, one.location.path, one.message) == ("source-symlink", name, "the link leads nowhere")

    @pytest.mark.parametrize("target", ["round", ".", "..", "../.."])
    def test_a_link_that_leads_round_in_a_circle_is_a_problem(self, tmp_path: Path, target: str) -> None:
        root = tmp_path / "root"
        write(root, "x/ok.yaml")
        (root / "x" / "round").symlink_to(target)
        snapshot = load(root)
        assert paths(snapshot) == ["x/ok.yaml"]
        assert (problem(snapshot).code, problem(snapshot).location.path) == ("source-symlink", "x/round")

    def test_two_folders_that_link_to_each_other_are_too_deep(self, tmp_path: Path) -> None:
        write(tmp_path, "x/a.yaml", "y/b.yaml")
        (tmp_path / "x" / "to").symlink_to("../y")
        (tmp_path / "y" / "to").symlink_to("../x")
        assert refused(tmp_path).code == "source-too-deep"

    def test_a_folder_that_two_names_lead_to_is_read_under_both(self, tmp_path: Path) -> None:
        write(tmp_path, "x/a.yaml")
        (tmp_path / "y").symlink_to("x")
        assert paths(load(tmp_path)) == ["x/a.yaml", "y/a.yaml"]

    def test_a_mounted_config_map_is_read_through_its_links(self, tmp_path: Path) -> None:
        write(tmp_path, "..2026_06_01_12_00_00.123/a.yaml", "..2026_06_01_12_00_00.123/team/b.yaml")
        (tmp_path / "..data").symlink_to("..2026_06_01_12_00_00.123")
        (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
        (tmp_path / "team").symlink_to("..data/team")
        snapshot = load(tmp_path)
        assert paths(snapshot) == ["a.yaml", "team/b.yaml"]
        assert snapshot.diagnostics == ()

    @pytest.mark.parametrize("below", ["", "schedules.d"])
    def test_the_link_that_git_sync_publishes_is_the_root_or_on_the_way_to_it(self, tmp_path: Path, below: str) -> None:
        commit = "0123456789abcdef0123456789abcdef01234567"
        write(tmp_path / ".worktrees" / commit / below, "a.yaml")
        (tmp_path / "current").symlink_to(f".worktrees/{commit}")
        snapshot = load(tmp_path / "current" / below)
        assert paths(snapshot) == ["a.yaml"]
        assert snapshot.revision.git == commit


class TestNamesThatAreNoText:
    def put(self, root: Path, name: bytes, *, folder: bool = False) -> None:
        path = root / os.fsdecode(name)
        try:
            if folder:
                path.mkdir()
                path /= "a.yaml"
            path.touch()
        except OSError as error:
            pytest.skip(f"this file system takes only UTF-8: {error}")

    @pytest.mark.parametrize("folder", [False, True])
    def test_a_spec_or_a_folder_of_such_a_name_is_a_problem_that_can_be_printed(
        self, tmp_path: Path, folder: bool
    ) -> None:
        self.put(tmp_path, b"\xff\xfe.d" if folder else b"\xff\xfe.yaml", folder=folder)
        write(tmp_path, "ok.yaml")
        snapshot = load(tmp_path)
        assert paths(snapshot) == ["ok.yaml"]
        assert problem(snapshot).code == "source-name"
        assert str(problem(snapshot).location).encode("utf-8")

    def test_another_file_of_such_a_name_is_passed_over(self, tmp_path: Path) -> None:
        self.put(tmp_path, b"\xff\xfe.txt")
        snapshot = load(tmp_path)
        assert (snapshot.files, snapshot.diagnostics) == ((), ())
