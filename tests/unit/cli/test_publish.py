"""`sirenflow publish`: what is sent, and what is refused."""

from __future__ import annotations

from pathlib import Path

from commands import one_line, run, sirenflow

from sirenflow.kafka.broker import embedded_broker

HOPSKOTCH = "kafka://kafka.scimma.org/igwn.gwalert"


def test_publish_tells_what_it_did_not_send_and_exits_3() -> None:
    Path("bad.zip").write_bytes(b"PK\x03\x04no archive")
    with embedded_broker() as address:
        done = run("publish", "--no-auth", "--to", address.url, "bad.zip", "samples")
    assert done.returncode == 3
    assert done.stdout == f"20 sent to {address.name}\n"
    assert done.stderr.startswith("sirenflow: not sent bad.zip: ")
    assert done.stderr.count("\n") == 1


def test_publish_to_the_real_alerts_is_refused() -> None:
    done = sirenflow("publish", "--no-auth", "--to", HOPSKOTCH, "samples")
    assert done.exit_code == 1
    assert "igwn.gwalert" in one_line(done)


def test_public_topic_is_refused_before_a_login_is_looked_for() -> None:
    url = "kafka://kafka.scimma.org/igwn.gwalert"
    result = sirenflow("publish", "samples", "--to", url)
    assert result.exit_code == 1
    assert result.stderr == (
        "sirenflow: kafka.scimma.org/igwn.gwalert is the public topic; publish to a server of your "
        "own\n"
    )
