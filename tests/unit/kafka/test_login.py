"""Each way in which a server refuses a login has a message that says what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import certifi
import pytest
from apache_kafka import FORBIDDEN, TOPIC, User
from faults import IMPATIENT, ApacheServer, Listener, Scene, alerts

pytestmark = pytest.mark.kafka

WRONG = "wr0ng-s3cret"
NOT_HIM = (
    "SASL authentication error: Authentication failed during authentication due to invalid "
    "credentials with SASL mechanism SCRAM-SHA-512"
)
REFUSED = (
    "{} refuses the login: {}; check user name and password, and that the account is active "
    "(a new one can take an hour)"
)
NO_TOPIC = (
    "no topic {!r} on {} that this login may read; check its name, and that the login has "
    "permission to read it"
)


@dataclass
class Attempt:
    """A listener that is refused."""

    server: ApacheServer
    directory: Path

    def __call__(
        self,
        url: str,
        *arguments: str,
        user: User | None = None,
        client: User | None = None,
        authority: Path | None = None,
        hostname: str | None = None,
        fault: str = IMPATIENT,
    ) -> str:
        """Give the reason it tells, in the same words at each attempt."""
        auth = self.server.kafka.auth_toml(self.directory, user, client)
        kafka, text = self.server.kafka, auth.read_text()
        text = text.replace(str(kafka.ca_file), str(authority or kafka.ca_file))
        auth.write_text(text.replace(kafka.scram, hostname or kafka.scram))
        environ = {"XDG_CONFIG_HOME": str(self.directory)}
        inbox = self.directory / "inbox"
        with Listener(inbox, ["--url", url, *arguments], environ, fault) as listener:
            listener.await_log(": disconnected: ")
            assert listener.end() == 0
            assert WRONG not in listener.log
        lines = [line for line in listener.lines if ": disconnected: " in line]
        return lines[-1].partition(": disconnected: ")[2]


@pytest.fixture
def attempt(apache: ApacheServer, tmp_path: Path) -> Attempt:
    return Attempt(apache, tmp_path)


def test_wrong_password(attempt: Attempt) -> None:
    kafka = attempt.server.kafka
    said = attempt(attempt.server.url(TOPIC), user=replace(kafka.user, password=WRONG))
    assert said == REFUSED.format(kafka.scram, NOT_HIM)


def test_unknown_user(attempt: Attempt) -> None:
    said = attempt(attempt.server.url(TOPIC), user=User("nobody", WRONG))
    assert said == REFUSED.format(attempt.server.kafka.scram, NOT_HIM)


def test_unknown_authority(attempt: Attempt) -> None:
    said = attempt(attempt.server.url(TOPIC), authority=Path(certifi.where()))
    # Of the two errors that it comes as, the listener tells the one that came last.
    assert attempt.server.kafka.scram in said
    assert "SSL routines::certificate verify failed" in said


def test_no_encryption_where_it_is_wanted(attempt: Attempt) -> None:
    said = attempt(attempt.server.url(TOPIC), "--no-auth")
    assert said == (
        f"cannot connect to {attempt.server.kafka.scram}: it does not answer; "
        "if the server wants a login, leave out --no-auth"
    )


def test_encryption_where_there_is_none(attempt: Attempt) -> None:
    kafka = attempt.server.kafka
    said = attempt(f"kafka://{kafka.plain}/{TOPIC}", hostname=kafka.plain)
    # Which of the two words it gives depends on who is faster.
    assert re.fullmatch(
        f"cannot connect to {kafka.plain}: "
        r"(SSL handshake failed: )?Disconnected: SSL connection closed by peer"
        r"(: connecting to a PLAINTEXT broker listener\?)?",
        said,
    )


def test_topic_without_permission(attempt: Attempt) -> None:
    said = attempt(attempt.server.url(FORBIDDEN))
    assert said == NO_TOPIC.format(FORBIDDEN, attempt.server.kafka.scram)


def test_topic_that_does_not_exist(attempt: Attempt) -> None:
    said = attempt(attempt.server.url("nothing"))
    assert said == NO_TOPIC.format("nothing", attempt.server.kafka.scram)


def test_group_of_others(attempt: Attempt) -> None:
    said = attempt(attempt.server.url(TOPIC), "--group-id", "someone-else")
    assert said == (
        "this login may not use the group id; on SCiMMA it must begin with the user name and '-'"
    )


def test_wrong_client_secret(attempt: Attempt) -> None:
    kafka = attempt.server.kafka
    client = replace(kafka.client, password=WRONG)
    said = attempt(f"kafka://{kafka.oauth}/{TOPIC}", client=client, fault="")
    assert said == REFUSED.format(
        kafka.oauth, 'Failed to acquire SASL OAUTHBEARER token: {"error": "invalid_client"}'
    )


def test_login_by_token(on_apache: Scene) -> None:
    server = on_apache.server
    assert isinstance(server, ApacheServer)
    server.kafka.allow(server.kafka.client, on_apache.topic)
    on_apache.publish(alerts(8))
    url = f"kafka://{server.kafka.oauth}/{on_apache.topic}"
    environ = server.environ(on_apache.inbox.parent)
    with Listener(on_apache.inbox, ["--url", url, "--until-eos"], environ) as listener:
        assert listener.wait() == 0
    assert on_apache.audit().stored == 8
