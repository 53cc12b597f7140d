"""A built wheel, installed in an empty environment: a newcomer's first commands, without a clone.

Needs the package index. Versions are those of constraints.txt.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from paths import ROOT

pytestmark = pytest.mark.wheel

BUILT_FROM = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "Snakefile")
BUILT_FROM_FOLDERS = ("scripts", "workflow", "profiles", "config", "samples")
PAGES = {"MS260607d", "MS260715s", "MS260926m", "TS260902f"}
NOTHING = "Nothing to be done (all requested files are present and up to date)."


def copy_source(target: Path) -> Path:
    """Copy what a distribution is built from, so that nothing can refer to the clone."""
    unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info", ".snakemake")
    for name in BUILT_FROM_FOLDERS:
        shutil.copytree(ROOT / name, target / name, ignore=unwanted)
    for name in BUILT_FROM:
        shutil.copy(ROOT / name, target)
    return target


def build_wheel(source: Path, target: Path) -> Path:
    """Build a wheel of a directory or a source distribution."""
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(target), str(source)], check=True)
    (wheel,) = target.glob("*.whl")
    return wheel


def build_sdist(source: Path, target: Path) -> Path:
    """Build a source distribution."""
    code = f"from setuptools.build_meta import build_sdist; build_sdist({str(target)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=source, check=True, capture_output=True)
    (archive,) = target.glob("*.tar.gz")
    return archive


def content(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


class Installed:
    """An environment with the wheel, and a directory to work in."""

    def __init__(self, directory: Path, wheel: Path) -> None:
        self.environment = directory / "environment"
        self.directory = directory / "work"
        self.directory.mkdir()
        venv.create(self.environment, with_pip=True)
        pins = re.findall(
            r"^[\w.-]+==\S+(?: ;[^\\\n]*)?", (ROOT / "constraints.txt").read_text(), re.M
        )
        (directory / "pins.txt").write_text("\n".join(pins))
        install = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-compile",
            "--constraint",
            str(directory / "pins.txt"),
        ]
        subprocess.run([self.program("python"), *install, str(wheel)], check=True)

    def program(self, name: str) -> str:
        return str(self.environment / "bin" / name)

    def command(self, *words: str) -> list[str]:
        return [self.program(words[0]), *words[1:]]

    @property
    def variables(self) -> dict[str, str]:
        """Variables of a new login: none that names a clone."""
        path = f"{self.environment / 'bin'}:/usr/bin:/bin"
        return {"PATH": path, "HOME": str(self.directory.parent), "LANG": "C.UTF-8"}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            cwd=self.directory,
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the clone that is gone afterwards."""
    directory = tmp_path_factory.mktemp("build")
    source = copy_source(directory / "source")
    built = build_wheel(source, directory / "wheel")
    shutil.rmtree(source)
    return built


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Installed:
    """Install the wheel; init, ingest and run, as README.md says."""
    found = Installed(tmp_path_factory.mktemp("installed"), wheel)
    for name in ("token", "secrets", "pandas"):  # modules, in whose place no file here is imported
        (found.directory / f"{name}.py").write_text("raise SystemExit('imported')")
    for words in ("init --samples", "ingest samples", "run"):
        done = found.run("sirenflow", *words.split())
        assert done.returncode == 0, done.stdout + done.stderr
    return found


def test_wheel_of_the_source_distribution_is_the_same(tmp_path: Path, wheel: Path) -> None:
    source = copy_source(tmp_path / "source")
    archive = build_sdist(source, tmp_path / "sdist")
    assert content(build_wheel(archive, tmp_path / "wheel")) == content(wheel)


def test_wheel_has_all_files_of_the_workflow(wheel: Path) -> None:
    names = content(wheel)
    folders = (ROOT / "profiles", ROOT / "workflow")
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    assert len(files) > 20
    for file in (ROOT / "Snakefile", ROOT / "config" / "config.yaml", *files):
        assert names[f"sirenflow/bundled/{file.relative_to(ROOT)}"] == file.read_bytes()


def test_nothing_that_is_installed_names_the_clone(installed: Installed) -> None:
    where = "import sirenflow.config.workflow_files as f; print(f.ROOT)"
    root = installed.run("python", "-c", where).stdout.strip()
    assert Path(root).is_relative_to(installed.environment)
    (package,) = installed.environment.glob("lib/*/site-packages/sirenflow")
    for file in (
        *package.rglob("*"),
        *package.parent.glob("sirenflow-*/*"),
        *package.parent.glob("*.pth"),
    ):
        assert not file.is_file() or bytes(ROOT) not in file.read_bytes()


def test_run_makes_a_page_for_each_superevent(installed: Installed) -> None:
    assert {page.parent.name for page in installed.directory.glob("results/*/index.html")} == PAGES
    assert (installed.directory / "results/index.html").exists()


def test_finished_work_is_not_repeated(installed: Installed) -> None:
    """By plain `snakemake`, which uses the Snakefile and profile that init wrote, and by run."""
    done = installed.run("snakemake", "--cores", "2")
    assert done.returncode == 0, done.stderr
    assert NOTHING in done.stderr
    assert "profile profiles/default" in done.stderr
    assert installed.run("sirenflow", "run").stdout == "nothing new\n"


@pytest.fixture
def topic(installed: Installed) -> Iterator[str]:
    """Address of a topic on the test server."""
    server = subprocess.Popen(
        installed.command("sirenflow", "broker"),
        cwd=installed.directory,
        env=installed.variables,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    try:
        yield f"kafka://{server.stdout.readline().split('/')[2]}/igwn.gwalert"
    finally:
        server.terminate()
        server.communicate()


def test_listener_with_watch_makes_pages_and_is_healthy(installed: Installed, topic: str) -> None:
    assert installed.run("sirenflow", "init", "live").returncode == 0
    live = installed.directory / "live"
    words = ("sirenflow", "listen", "--watch", "--no-auth", "--url", topic)
    listener = subprocess.Popen(installed.command(*words), cwd=live, env=installed.variables)
    try:
        sent = installed.run("sirenflow", "publish", "samples", "--no-auth", "--to", topic)
        assert sent.returncode == 0, sent.stderr
        deadline = time.monotonic() + 120  # the listener reports every few seconds
        while True:
            health = installed.run("sirenflow", "health", "--inbox", "live/inbox")
            made = {page.parent.name for page in live.glob("results/*/index.html")}
            if "connected for" in health.stdout and made == PAGES:
                break
            assert listener.poll() is None
            assert time.monotonic() < deadline, health.stdout + health.stderr
            time.sleep(0.5)
        assert health.returncode == 0, health.stdout + health.stderr
    finally:
        listener.terminate()
        assert listener.wait(60) == 0


@pytest.mark.parametrize(
    "words",
    ["run", "listen --no-auth --url kafka://127.0.0.1:1/a --until-eos"],
    ids=["run", "listen"],
)
def test_misspelt_key_is_refused(installed: Installed, words: str) -> None:
    config = installed.directory / "config/config.yaml"
    before = config.read_text()
    config.write_text(f"{before}\nresluts: elsewhere\n")
    try:
        done = installed.run("sirenflow", *words.split())
    finally:
        config.write_text(before)
    assert done.returncode == 1
    assert "config/config.yaml: unknown key 'resluts'" in done.stderr


def test_misspelt_key_is_refused_by_snakemake(installed: Installed) -> None:
    done = installed.run("snakemake", "--cores", "1", "--config", "resluts=elsewhere")
    assert done.returncode == 1
    assert "unknown key 'resluts'" in done.stderr
