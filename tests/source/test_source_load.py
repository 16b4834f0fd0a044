"""Which files are read, what is refused, and that no pipe, socket or device is ever opened."""

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

UNPRIVILEGED = 65534
DEFAULT = Limits()


def write(root: Path, *names: str, text: str | None = None) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name if text is None else text, encoding="utf-8")


def paths(snapshot: Snapshot) -> list[str]:
    return [file.path for file in snapshot.files]


def problem(snapshot: Snapshot) -> Diagnostic:
    (diagnostic,) = snapshot.diagnostics
    assert diagnostic.severity is Severity.ERROR
    return diagnostic


def refused(root: Path, limits: Limits = DEFAULT) -> SourceError:
    with pytest.raises(SourceError) as caught:
        load(root, limits)
    return caught.value


@contextlib.contextmanager
def unprivileged() -> Iterator[None]:
    """Run the body as an unprivileged user, because root may read every file."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(UNPRIVILEGED)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A directory that every user can enter; pytest's own belongs to the user who runs it."""
    folder = Path(tempfile.mkdtemp(prefix="beatsync-source-"))
    folder.chmod(0o755)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder)


class TestFilesThatAreRead:
    def test_files_are_sorted_by_path_with_their_bytes(self, tmp_path: Path) -> None:
        write(tmp_path, "b.yaml", "a/z.yaml", "a.yaml", "a/b/c.yml", "B.yaml", "ü.yaml", "C.YAML", "d.Yml")
        snapshot = load(tmp_path)
        assert paths(snapshot) == ["B.yaml", "C.YAML", "a.yaml", "a/b/c.yml", "a/z.yaml", "b.yaml", "d.Yml", "ü.yaml"]
        assert [file.data.decode() for file in snapshot.files] == paths(snapshot)
        assert snapshot.diagnostics == ()

    def test_names_that_start_with_a_dot_or_an_underscore_are_skipped(self, tmp_path: Path) -> None:
        write(tmp_path, "_a.yaml", ".b.yaml", "_x/c.yaml", ".git/d.yaml", "y/_z/e.yaml", "y/f_.yaml")
        assert paths(load(tmp_path)) == ["y/f_.yaml"]

    @pytest.mark.parametrize(
        "name", ["README.md", "yaml", "yml.txt", "notes-on-yaml.txt", "_a.yaml.bak", ".a.yaml.swp"]
    )
    def test_other_names_are_skipped(self, tmp_path: Path, name: str) -> None:
        write(tmp_path, name, "b.yml", "c.yaml")
        snapshot = load(tmp_path)
        assert (paths(snapshot), snapshot.diagnostics) == (["b.yml", "c.yaml"], ())

    @pytest.mark.parametrize(
        "name",
        ["a.yaml.bak", "a.YML.disabled", "a.yaml~", "a.yml.j2", "a.yaml_old", "#a.yaml#", "a.yaml ", "a.json", "a.yam", "a.ymal"],
    )  # fmt: skip
    def test_a_file_that_looks_like_a_spec_and_is_not_read_is_reported_once(self, tmp_path: Path, name: str) -> None:
        write(tmp_path, f"x/{name}", "b.yml")
        snapshot = load(tmp_path)
        assert paths(snapshot) == ["b.yml"]
        (warning,) = snapshot.diagnostics
        assert (warning.severity, warning.code) == (Severity.WARNING, "file-not-read")
        assert warning.location.path == f"x/{name}"

    def test_a_binary_file_is_read_as_its_bytes(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_bytes(b"\xff\x00\r\n")
        assert load(tmp_path).files[0].data == b"\xff\x00\r\n"

    def test_an_empty_file_is_a_file(self, tmp_path: Path) -> None:
        write(tmp_path, "a.yaml", text="")
        assert [(file.path, file.data) for file in load(tmp_path).files] == [("a.yaml", b"")]

    def test_an_empty_directory_has_no_files_and_no_problem(self, tmp_path: Path) -> None:
        (tmp_path / "empty" / "deeper").mkdir(parents=True)
        snapshot = load(tmp_path)
        assert (snapshot.files, snapshot.diagnostics) == ((), ())

    def test_a_relative_path_is_read_below_the_working_directory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(tmp_path, "here/a.yaml")
        monkeypatch.chdir(tmp_path)
        assert paths(load(Path("here"))) == ["a.yaml"]

    def test_load_file_reads_one_file_under_its_name(self, tmp_path: Path) -> None:
        write(tmp_path, "x/_draft.yaml", text="text")
        snapshot = load_file(tmp_path / "x" / "_draft.yaml")
        assert [(file.path, file.data) for file in snapshot.files] == [("_draft.yaml", b"text")]


class TestUnreadableSources:
    def test_a_missing_directory_is_named(self, tmp_path: Path) -> None:
        error = refused(tmp_path / "gone")
        assert error.code == "source-missing"
        assert str(tmp_path / "gone") in error.message

    def test_a_link_to_a_missing_directory_is_missing(self, tmp_path: Path) -> None:
        (tmp_path / "current").symlink_to("gone")
        assert refused(tmp_path / "current").code == "source-missing"

    def test_a_link_to_itself_is_unreadable(self, tmp_path: Path) -> None:
        (tmp_path / "current").symlink_to("current")
        assert refused(tmp_path / "current").code == "source-unreadable"

    def test_a_file_is_not_a_directory(self, tmp_path: Path) -> None:
        write(tmp_path, "a.yaml")
        assert refused(tmp_path / "a.yaml").code == "source-not-a-directory"

    def test_a_path_below_a_file_is_unreadable(self, tmp_path: Path) -> None:
        write(tmp_path, "a.yaml")
        assert refused(tmp_path / "a.yaml" / "b").code == "source-unreadable"

    @pytest.mark.parametrize("mode", [0o000, 0o300, 0o644])
    def test_a_directory_without_permissions_is_unreadable(self, reachable: Path, mode: int) -> None:
        write(reachable, "s/a.yaml")
        (reachable / "s").chmod(mode)
        with unprivileged():
            assert refused(reachable / "s").code == "source-unreadable"

    @pytest.mark.parametrize("mode", [0o000, 0o300, 0o644])
    def test_a_subdirectory_without_permissions_is_an_error(self, reachable: Path, mode: int) -> None:
        write(reachable, "a.yaml", "team/b.yaml", "team/deep/c.yaml")
        (reachable / "team").chmod(mode)
        with unprivileged():
            error = refused(reachable)
        assert error.code == "source-unreadable"
        assert "team" in error.message

    def test_an_unreadable_file_is_an_error_and_not_absent(self, reachable: Path) -> None:
        write(reachable, "a.yaml", "b.yaml")
        (reachable / "b.yaml").chmod(0)
        with unprivileged():
            error = refused(reachable)
        assert error.code == "source-unreadable"
        assert "b.yaml" in error.message

    def test_an_unreadable_target_of_a_link_is_an_error(self, reachable: Path) -> None:
        write(reachable, "_shared/b.yaml")
        (reachable / "b.yaml").symlink_to("_shared/b.yaml")
        (reachable / "_shared").chmod(0)
        with unprivileged():
            assert refused(reachable).code == "source-unreadable"

    def test_load_file_names_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError) as caught:
            load_file(tmp_path / "gone.yaml")
        assert caught.value.code == "source-missing"


class TestLimits:
    def test_a_file_one_byte_over_the_limit_is_an_error_of_that_file(self, tmp_path: Path) -> None:
        write(tmp_path, "fits.yaml", text="12345")
        write(tmp_path, "large.yaml", text="123456")
        snapshot = load(tmp_path, Limits(file=5))
        assert paths(snapshot) == ["fits.yaml"]
        assert (problem(snapshot).code, problem(snapshot).location.path) == ("source-too-large", "large.yaml")

    def test_the_total_size_is_limited(self, tmp_path: Path) -> None:
        write(tmp_path, "a.yaml", "b.yaml", text="12345")
        assert len(load(tmp_path, Limits(total=10)).files) == 2
        assert refused(tmp_path, Limits(total=9)).code == "source-too-large"

    def test_the_number_of_files_is_limited(self, tmp_path: Path) -> None:
        write(tmp_path, "a.yaml", "b.yaml", "c.yaml", "not-counted.txt")
        assert len(load(tmp_path, Limits(files=3)).files) == 3
        assert refused(tmp_path, Limits(files=2)).code == "source-too-large"

    def test_the_depth_is_limited(self, tmp_path: Path) -> None:
        write(tmp_path, "1/2/3/a.yaml")
        assert paths(load(tmp_path, Limits(depth=3))) == ["1/2/3/a.yaml"]
        assert refused(tmp_path, Limits(depth=2)).code == "source-too-deep"

    def test_links_that_multiply_directories_reach_the_limit_of_entries(self, tmp_path: Path) -> None:
        # Each of 25 directories has two links to the next: 50 links make 2 ** 25 paths without a file.
        for level in range(25):
            (tmp_path / f"_{level}").mkdir()
            for name in "ab":
                (tmp_path / f"_{level}" / name).symlink_to(f"../_{level + 1}")
        (tmp_path / "_25").mkdir()
        (tmp_path / "start").symlink_to("_0")
        assert refused(tmp_path, Limits(entries=2_000)).code == "source-too-large"
        assert DEFAULT.entries <= 1_000_000


LOAD = """
import json, pathlib, sys
from beatsync.source import load
snapshot = load(pathlib.Path(sys.argv[1]))
print(json.dumps([[file.path for file in snapshot.files], [[d.code, d.location.path] for d in snapshot.diagnostics]]))
"""


def load_elsewhere(root: Path) -> Any:
    """Load in another process with a deadline, because a read that blocks on a pipe never returns."""
    process = run("-c", LOAD, str(root), cwd=Path(__file__).parents[2], timeout=60)
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _unix_socket(path: Path) -> None:
    # The path of a socket is limited to about 100 bytes.
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
        pytest.skip(f"only root may create a device: {error}")


@pytest.mark.parametrize("create", [_fifo, _unix_socket, _device])
@pytest.mark.parametrize("linked", [False, True])
def test_a_pipe_a_socket_or_a_device_is_an_error_and_never_opened(
    tmp_path: Path, create: Callable[[Path], None], linked: bool
) -> None:
    write(tmp_path, "a.yaml")
    create(tmp_path / ("_special" if linked else "z.yaml"))
    create(tmp_path / "no-spec")
    if linked:
        (tmp_path / "z.yaml").symlink_to("_special")
    assert load_elsewhere(tmp_path) == [["a.yaml"], [["source-not-a-file", "z.yaml"]]]


def test_a_pipe_that_replaces_a_file_just_before_it_is_opened_does_not_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a.yaml", "b.yaml")
    real_open = os.open

    def swap_and_open(path: os.PathLike[str], flags: int) -> int:
        if Path(path).name == "b.yaml" and not Path(path).is_fifo():
            Path(path).unlink()
            os.mkfifo(path)
        return real_open(path, flags)

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

    def test_a_sibling_directory_with_the_same_prefix_is_outside(self, tmp_path: Path) -> None:
        write(tmp_path, "root/ok.yaml", "root-2/secret.yaml")
        (tmp_path / "root" / "a.yaml").symlink_to("../root-2/secret.yaml")
        assert paths(load(tmp_path / "root")) == ["ok.yaml"]

    def test_a_chain_of_links_is_judged_by_its_final_target(self, tmp_path: Path) -> None:
        write(tmp_path, "root/_real.yaml")
        (tmp_path / "hop").symlink_to("root/_real.yaml")
        (tmp_path / "root" / "a.yaml").symlink_to("../hop")
        assert paths(load(tmp_path / "root")) == ["a.yaml"]

    def test_a_link_to_another_kind_of_file_is_skipped(self, tmp_path: Path) -> None:
        write(tmp_path, "README.md", "root/a.yaml")
        (tmp_path / "root" / "README.md").symlink_to("../README.md")
        snapshot = load(tmp_path / "root")
        assert (paths(snapshot), snapshot.diagnostics) == (["a.yaml"], ())

    @pytest.mark.parametrize("name", ["a.yaml", "team"])
    def test_a_broken_link_is_an_error(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).symlink_to("gone")
        diagnostic = problem(load(tmp_path))
        assert (diagnostic.code, diagnostic.location.path) == ("source-symlink", name)
        assert "the link is broken" in diagnostic.message

    @pytest.mark.parametrize("target", ["round", ".", "..", "../.."])
    def test_a_link_that_forms_a_loop_is_an_error(self, tmp_path: Path, target: str) -> None:
        root = tmp_path / "root"
        write(root, "x/ok.yaml")
        (root / "x" / "round").symlink_to(target)
        snapshot = load(root)
        assert paths(snapshot) == ["x/ok.yaml"]
        assert (problem(snapshot).code, problem(snapshot).location.path) == ("source-symlink", "x/round")

    def test_two_directories_that_link_to_each_other_are_too_deep(self, tmp_path: Path) -> None:
        write(tmp_path, "x/a.yaml", "y/b.yaml")
        (tmp_path / "x" / "to").symlink_to("../y")
        (tmp_path / "y" / "to").symlink_to("../x")
        assert refused(tmp_path).code == "source-too-deep"

    def test_a_directory_with_two_names_is_read_under_both(self, tmp_path: Path) -> None:
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
    def test_the_link_of_git_sync_may_be_the_root_or_part_of_its_path(self, tmp_path: Path, below: str) -> None:
        commit = "0123456789abcdef0123456789abcdef01234567"
        write(tmp_path / ".worktrees" / commit / below, "a.yaml")
        (tmp_path / "current").symlink_to(f".worktrees/{commit}")
        snapshot = load(tmp_path / "current" / below)
        assert paths(snapshot) == ["a.yaml"]
        assert snapshot.revision.git == commit


class TestNamesThatAreNotUtf8:
    def create(self, root: Path, name: bytes, *, folder: bool = False) -> None:
        path = root / os.fsdecode(name)
        try:
            if folder:
                path.mkdir()
                path /= "a.yaml"
            path.touch()
        except OSError as error:
            pytest.skip(f"this file system takes only UTF-8: {error}")

    @pytest.mark.parametrize("folder", [False, True])
    def test_a_spec_or_a_directory_with_such_a_name_is_an_error_that_can_be_printed(
        self, tmp_path: Path, folder: bool
    ) -> None:
        self.create(tmp_path, b"\xff\xfe.d" if folder else b"\xff\xfe.yaml", folder=folder)
        write(tmp_path, "ok.yaml")
        snapshot = load(tmp_path)
        assert paths(snapshot) == ["ok.yaml"]
        assert problem(snapshot).code == "source-name"
        assert str(problem(snapshot).location).encode("utf-8")

    def test_another_file_with_such_a_name_is_skipped(self, tmp_path: Path) -> None:
        self.create(tmp_path, b"\xff\xfe.txt")
        snapshot = load(tmp_path)
        assert (snapshot.files, snapshot.diagnostics) == ((), ())


class TestCalendars:
    """`.ics` files are read like spec files, and are part of the revision."""

    def test_they_are_in_the_snapshot_and_in_the_revision(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_text("{}")
        without = load(tmp_path)
        (tmp_path / "team").mkdir()
        (tmp_path / "team" / "company.ICS").write_bytes(b"one")
        (tmp_path / "_draft.ics").write_bytes(b"skipped")
        first = load(tmp_path)
        assert [(file.path, file.data) for file in first.calendars] == [("team/company.ICS", b"one")]
        assert paths(first) == ["a.yaml"]
        (tmp_path / "team" / "company.ICS").write_bytes(b"two")
        second = load(tmp_path)
        assert len({each.revision.digest for each in (without, first, second)}) == 3

    def test_their_size_is_limited_and_their_links_stay_inside(self, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.mkdir()
        (tmp_path / "outside.ics").write_bytes(b"secret")
        (source / "link.ics").symlink_to(tmp_path / "outside.ics")
        (source / "large.ics").write_bytes(b"x" * 11)
        snapshot = load(source, Limits(file=10))
        assert snapshot.calendars == ()
        assert {each.code for each in snapshot.diagnostics} == {"source-symlink", "source-too-large"}

    def test_a_file_alone_brings_the_calendars_that_it_names(self, tmp_path: Path) -> None:
        folder = tmp_path / "source"
        (folder / "sub").mkdir(parents=True)
        text = "calendars: {a: {file: a.ics}, b: {file: 'sub/b c.ics'}, c: {file: ../c.ics}, d: {file: missing.ics}}\n"
        (folder / "x.yaml").write_text(text)
        for path in (folder / "a.ics", folder / "sub" / "b c.ics", tmp_path / "c.ics", folder / "unnamed.ics"):
            path.write_bytes(path.name.encode())
        snapshot = load_file(folder / "x.yaml")
        assert [file.path for file in snapshot.calendars] == ["a.ics", "sub/b c.ics"]
        before = snapshot.revision.digest
        (folder / "a.ics").write_bytes(b"changed")
        assert load_file(folder / "x.yaml").revision.digest != before
