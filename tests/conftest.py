"""Settings of the whole test suite."""

from __future__ import annotations

import gc
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import apache_kafka
import pytest
from apache_kafka import ApacheKafka
from environment_faults import FaultRecorder
from faults import ApacheServer, EmbeddedServer, Scene
from hypothesis import HealthCheck, Phase, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# The same examples in every run, and no shrinking, which can take minutes.
settings.register_profile(
    "ci",
    max_examples=50,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
# `--hypothesis-profile=fast`: for `make test-fast`.
settings.register_profile("fast", settings.get_profile("ci"), max_examples=15)
# `--hypothesis-profile=dev`: new examples in every run; a failing one is reduced to a simple one.
settings.register_profile(
    "dev", settings.get_profile("ci"), phases=tuple(Phase), derandomize=False, print_blob=True
)
settings.load_profile("ci")

MARKED_DIRECTORIES = ("workflow", "acceptance")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of some directories with the directory's name."""
    directory = Path(__file__).parent
    for item in items:
        name = item.path.relative_to(directory).parts[0]
        if name in MARKED_DIRECTORIES:
            item.add_marker(name)


def pytest_collection_finish() -> None:
    """Keep imported modules from the garbage collector: a fifth of the unit tests' time."""
    gc.collect()
    gc.freeze()


def pytest_configure() -> None:
    """Undo ignored signals, as under nohup or in a shell's background job.

    Processes inherit them, and tests send such signals to the processes that they start. A handler
    of Python is not inherited, and pytest itself still survives a hang-up.
    """
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            is_interrupt = number == signal.SIGINT
            handler = signal.default_int_handler if is_interrupt else lambda *_: None
            signal.signal(number, handler)


@pytest.fixture
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Begin the test in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def _fault_recorder() -> FaultRecorder:
    return FaultRecorder()


@pytest.fixture
def record_fault(_fault_recorder: FaultRecorder, request: pytest.FixtureRequest) -> FaultRecorder:
    """Give what adds rows to the module's table in docs/environment-faults.md."""
    _fault_recorder.node = request.node.nodeid
    return _fault_recorder


@pytest.fixture(scope="session")
def apache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheServer]:
    """Give the real server that all tests share; whoever changes it puts it right again."""
    reason = apache_kafka.missing()
    if reason is not None:
        pytest.skip(reason)
    with ApacheKafka(tmp_path_factory.mktemp("apache")) as kafka:
        yield ApacheServer(kafka)


@pytest.fixture(scope="session")
def embedded() -> Iterator[EmbeddedServer]:
    """Give the embedded server that all tests share."""
    server = EmbeddedServer()
    yield server
    server.kill()


def _scene(server: EmbeddedServer | ApacheServer, directory: Path) -> Scene:
    topic = f"{directory.parent.name}-{directory.name}"
    server.create_topic(topic)
    return Scene(server, topic, directory / "inbox")


@pytest.fixture
def on_apache(apache: ApacheServer, tmp_path: Path) -> Scene:
    """Give a topic on the real server."""
    return _scene(apache, tmp_path)


@pytest.fixture
def on_embedded(embedded: EmbeddedServer, tmp_path: Path) -> Scene:
    """Give a topic on the embedded server."""
    return _scene(embedded, tmp_path)


@pytest.fixture(params=["embedded", pytest.param("apache", marks=pytest.mark.kafka)])
def scene(request: pytest.FixtureRequest) -> Scene:
    """Give a topic on each of the servers."""
    found = request.getfixturevalue(f"on_{request.param}")
    assert isinstance(found, Scene)
    return found
