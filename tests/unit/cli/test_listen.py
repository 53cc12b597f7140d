"""`sirenflow listen`: what it needs, what it refuses, and how it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from commands import one_line, run, sirenflow

from sirenflow.files.lock import exclusive
from sirenflow.kafka.broker import embedded_broker

HOPSKOTCH = "kafka://kafka.scimma.org/igwn.gwalert"
SECRET = "hunter2"  # noqa: S105


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://kafka.scimma.org/igwn.gwalert", "does not begin with kafka://"),
        ("kafka://kafka.scimma.org", "has no topic"),
        ("kafka://kafka.scimma.org:port/topic", "port"),
        ("kafka://a,b/topic", "several servers"),
        (f"kafka://me:{SECRET}@kafka.scimma.org/topic", "has a password in it"),
    ],
)
def test_wrong_address_is_one_line_and_exit_1(url: str, said: str) -> None:
    done = sirenflow("listen", "--no-auth", "--url", url)
    assert done.exit_code == 1
    assert said in one_line(done)
    assert SECRET not in done.stderr
    assert not Path("inbox").exists()


def test_wrong_address_in_the_configuration_is_one_line_and_exit_1() -> None:
    Path("config").mkdir()
    Path("config/config.yaml").write_text("kafka: {topics: [igwn.gwalert]}\n")
    done = sirenflow("listen", "--no-auth")
    assert done.exit_code == 1
    assert "expected a list of Kafka topics, each like kafka://" in one_line(done)


def test_missing_login_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    """Also where the address is the default one."""
    done = run("listen", HOME=str(tmp_path))
    assert done.returncode == 1
    said = one_line(done)
    assert said.startswith(f"no login: {tmp_path}/.config/hop/auth.toml does not exist")
    assert "hop auth add" in said


def test_home_that_the_system_does_not_know_is_one_line() -> None:
    program = (
        "import pwd; from sirenflow.cli import main\n"
        "def getpwuid(uid): raise KeyError(uid)\n"
        "pwd.getpwuid = getpwuid; main(prog_name='sirenflow')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "listen", "--url", HOPSKOTCH],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 1
    assert "neither HOME nor XDG_CONFIG_HOME is set" in one_line(done)


def test_half_a_login_of_gcn_is_one_line(tmp_path: Path) -> None:
    url = "kafka://kafka.gcn.nasa.gov/igwn.gwalert"
    done = run("listen", "--url", url, HOME=str(tmp_path), GCN_CLIENT_SECRET=SECRET)
    assert done.returncode == 1
    assert "GCN_CLIENT_ID is not" in one_line(done)
    assert SECRET not in done.stderr


def test_second_listener_is_refused_with_exit_75() -> None:
    with exclusive(Path("inbox/.listener/lock")):
        done = run("listen", "--no-auth", "--url", "kafka://127.0.0.1:1/topic")
    assert done.returncode == 75
    assert "inbox/.listener/lock is locked by" in one_line(done)


def test_inbox_that_cannot_be_written_is_one_line_and_exit_1() -> None:
    done = sirenflow(
        "listen", "--no-auth", "--inbox", "/proc/nowhere", "--url", "kafka://127.0.0.1:1/t"
    )
    assert done.exit_code == 1
    assert "/proc/nowhere" in one_line(done)


@pytest.mark.parametrize("start", ["yesterday", "2026-13-01", "", "EARLIEST"])
def test_start_that_is_none_is_wrong_usage(start: str) -> None:
    result = sirenflow("listen", "--no-auth", "--url", HOPSKOTCH, "--start", start)
    assert result.exit_code == 2
    said = " ".join(result.stderr.split())
    assert f"{start!r}; expected a time in UTC between 1900 and 2100" in said
    assert "or `earliest` or `latest`" in said


@pytest.mark.slow
def test_no_output_has_the_password(tmp_path: Path) -> None:
    """A login that a server cannot take, and --debug: nothing makes the libraries say more."""
    file = tmp_path / ".config/hop/auth.toml"
    file.parent.mkdir(parents=True)
    file.write_text(f'[[auth]]\nusername = "me"\npassword = "{SECRET}"\n')
    file.chmod(0o600)
    with embedded_broker() as address:
        url = address.url.replace("://", "://me@")
        done = run("--debug", "listen", "--until-eos", "--url", url, HOME=str(tmp_path))
    assert done.returncode == 1
    assert f"sirenflow: {address.name}: " in done.stderr
    assert SECRET not in done.stderr + done.stdout
    everything = b"".join(path.read_bytes() for path in Path("inbox").rglob("*") if path.is_file())
    assert SECRET.encode() not in everything
    assert "Traceback" in done.stderr


def test_inbox_of_no_name_is_wrong_usage() -> None:
    """As of a variable that is not set: it would be the working directory."""
    for arguments in (["listen", "--no-auth"], ["health"], ["quarantine", "list"]):
        result = sirenflow(*arguments, "--inbox", "")
        assert result.exit_code == 2
        assert "expected a directory, found nothing" in result.stderr
