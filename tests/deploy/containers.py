"""Containers without a registry: a base image from Debian packages, and buildah and podman with a temporary store."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.conftest import missing_service
from tests.deploy.deploying import ROOT, need
from tests.processes import until

BASE, IMAGE = "localhost/beatsync-test-base", "localhost/beatsync-test"
LOCKS = ("requirements.txt", "requirements-build.txt")
RESTRICTED = (
    "--read-only", "--read-only-tmpfs=false", "--cap-drop=ALL", "--security-opt=no-new-privileges",
    "--memory=256m", "--pids-limit=64",
)  # fmt: skip
"""The restrictions of the manifests, as podman flags."""


class Engine:
    """Runs buildah and podman with a temporary store, overlay, runc and the host's network."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "containers.conf").write_text(
            '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
            f'[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\ntmp_dir = "{home}/tmp"\n'
        )
        (home / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\nrunroot = "{home}/run"\ngraphroot = "{home}/storage"\n'
        )
        (home / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        self._environment = os.environ | {
            "CONTAINERS_CONF": str(home / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(home / "storage.conf"),
        }

    @property
    def _run(self) -> tuple[str, ...]:
        # A separate control group, so that it can be removed.
        return (
            "podman",
            "run",
            "--network=host",
            "--no-healthcheck",
            f"--cgroup-parent=/{self.home.name}",
            *RESTRICTED,
        )

    def __call__(self, *words: str | Path, timeout: float = 240) -> str:
        """Run a command and return its standard output; its errors are part of the failure message."""
        process = self.attempt(*words, timeout=timeout)
        assert process.returncode == 0, f"{' '.join(map(str, words))}\n{process.stdout[-3000:]}{process.stderr[-3000:]}"
        return process.stdout.strip()

    def attempt(self, *words: str | Path, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        """Run a command that may fail."""
        return subprocess.run(
            [str(word) for word in words],
            env=self._environment, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip

    def run(self, *words: str, flags: Sequence[str] = ()) -> str:
        """Run a command of the image to its end, as restricted as in Kubernetes."""
        return self(*self._run, "--rm", *flags, IMAGE, *words)

    @contextmanager
    def container(self, *words: str, flags: Sequence[str] = ()) -> Iterator[Container]:
        """Keep a container of the image running while the body runs."""
        running = Container(self, self(*self._run, "--detach", *flags, IMAGE, *words).splitlines()[-1])
        try:
            yield running
        finally:
            self("podman", "rm", "--force", "--time=0", running.name)

    def remove_all(self) -> None:
        """Remove everything that was created."""
        self.attempt("podman", "rm", "--all", "--force", "--time=0")
        self.attempt("podman", "rmi", "--all", "--force")
        for place in sorted(self.mounts(), reverse=True):
            subprocess.run(["umount", place], check=False)
        shutil.rmtree(self.home)
        controls = Path("/sys/fs/cgroup")
        for parent in [*controls.glob(f"*/{self.home.name}"), *controls.glob(self.home.name)]:
            groups = [parent, *(path for path in parent.rglob("*") if path.is_dir())]
            for group in sorted(groups, reverse=True):
                until(partial(_is_removed, group), 20, f"{group} is in use")

    def mounts(self) -> list[str]:
        """Return the mounts below the store."""
        return [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if str(self.home) in line]


class Container:
    """A running container."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.name = name
        self._engine = engine

    @property
    def log(self) -> str:
        process = self._engine.attempt("podman", "logs", self.name)
        return process.stdout + process.stderr

    def inside(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command inside it."""
        return self._engine.attempt("podman", "exec", self.name, *words)

    def stop(self, seconds: int) -> int:
        """Stop it with SIGTERM, after `seconds` with SIGKILL, and return its exit code."""
        self._engine("podman", "stop", f"--time={seconds}", self.name)
        return int(self._engine("podman", "inspect", "--format={{.State.ExitCode}}", self.name))


@contextmanager
def engine() -> Iterator[Engine]:
    """Yield an engine with the built image, and remove its mounts and files afterwards."""
    for name in ("buildah", "podman", "runc", "mmdebstrap", "apt-get"):
        need(name)
    if os.geteuid() != 0:
        missing_service("root", "building and running containers here needs root")
    # The paths of sockets must be short; pytest's folders are too deep.
    home = Path(tempfile.mkdtemp(prefix="beatsync-"))
    built = Engine(home)
    try:
        _make_base(built)
        _build(built)
        yield built
        assert built("podman", "ps", "--all", "--quiet") == "", "a container still exists"
    finally:
        built.remove_all()


def _is_removed(group: Path) -> bool:
    try:
        group.rmdir()
    except OSError:
        return False  # an ended process may stay in it for a short time
    return True


def _make_base(engine: Engine) -> None:
    """Create a base image from the packages of this Debian, with Python and venv, which the Dockerfile needs."""
    release = dict(
        line.split("=", 1) for line in Path("/etc/os-release").read_text().replace('"', "").splitlines() if "=" in line
    )
    codename = release.get("VERSION_CODENAME", "")
    listed = engine("apt-get", "indextargets", "--format=$(RELEASE) $(COMPONENT) $(REPO_URI)", "Created-By: Packages")
    mirror = next(line.split()[2] for line in listed.splitlines() if line.startswith(f"{codename} main "))
    tar = engine.home / "base.tar"
    engine(
        "mmdebstrap", "--variant=minbase", "--include=python3,python3-venv", "--dpkgopt=force-unsafe-io",
        "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
        '--aptopt=Acquire::Languages "none"', codename, tar, mirror,
    )  # fmt: skip
    name = engine("buildah", "from", "scratch")
    engine("buildah", "add", "--quiet", name, tar, "/")
    engine("buildah", "commit", "--quiet", "--rm", name, BASE)


def _build(engine: Engine) -> None:
    """Build the unchanged Dockerfile; pip finds the locked packages in a folder, so that the build needs no network."""
    wheels = engine.home / "wheels"
    with tarfile.open(engine.home / "base.tar") as base:
        python = next(name for name in base.getnames() if name.rpartition("/")[2].startswith("python3."))
    version = python.rpartition("/python")[2]
    locked = [f"--requirement={ROOT / 'deploy' / lock}" for lock in LOCKS]
    machine = platform.machine()
    platforms = [f"--platform={kind}_{machine}" for kind in ("manylinux2014", "manylinux_2_17", "manylinux_2_28")]
    engine(
        sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--only-binary=:all:",
        f"--python-version={version}", *platforms, *locked, "--dest", wheels,
    )  # fmt: skip
    (engine.home / "pip.conf").write_text("[global]\nno-index = true\nfind-links = /wheelhouse\n")
    engine(
        "buildah", "bud", "--isolation=chroot", "--network=host", "--format=docker", "--layers=false",
        f"--signature-policy={engine.home / 'policy.json'}", f"--build-arg=BASE={BASE}",
        f"--volume={wheels}:/wheelhouse:ro", f"--volume={engine.home / 'pip.conf'}:/etc/pip.conf:ro",
        "--file=deploy/Dockerfile", f"--tag={IMAGE}", ".",
    )  # fmt: skip


def inspected(engine: Engine) -> dict[str, Any]:
    """Return the metadata of the image."""
    image: dict[str, Any] = json.loads(engine("podman", "inspect", IMAGE))[0]
    return image
