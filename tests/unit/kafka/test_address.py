"""Addresses are one topic on one server, or an error that says what is wrong."""

from __future__ import annotations

import pytest

from sirenflow.errors import StreamError
from sirenflow.kafka.address import Address, parse_address

PUBLIC = Address("kafka.scimma.org", "igwn.gwalert")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("kafka://kafka.scimma.org/igwn.gwalert", PUBLIC),
        ("kafka://kafka.scimma.org:9092/igwn.gwalert", PUBLIC),
        ("KAFKA://Kafka.SCIMMA.org./igwn.gwalert", PUBLIC),
        (
            "kafka://alice-01@kafka.scimma.org/igwn.gwalert",
            Address("kafka.scimma.org", "igwn.gwalert", user="alice-01"),
        ),
        (
            "kafka://alice%40home@localhost:19092/t",
            Address("localhost", "t", 19092, user="alice@home"),
        ),
        ("kafka://[::1]:9093/t", Address("[::1]", "t", 9093)),
        ("kafka://[::1]/t", Address("[::1]", "t")),
        ("kafka://my_broker:65535/T_1.a-b", Address("my_broker", "T_1.a-b", 65535)),
    ],
)
def test_address_is_read(url: str, address: Address) -> None:
    assert parse_address(url) == address


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("", "does not begin with kafka://"),
        ("kafka.scimma.org/igwn.gwalert", "does not begin with kafka://"),
        ("kafka:/kafka.scimma.org/igwn.gwalert", "does not begin with kafka://"),
        ("https://kafka.scimma.org/igwn.gwalert", "does not begin with kafka://"),
        ("kafka://kafka.scimma.org", "no topic on kafka.scimma.org"),
        ("kafka://kafka.scimma.org/", "no topic on kafka.scimma.org"),
        ("kafka:///igwn.gwalert", "nothing for its server"),
        ("kafka://:9092/igwn.gwalert", "nothing for its server"),
        ("kafka://a.org,b.org/t", "several servers"),
        ("kafka://a.org:9092,b.org:9092/t", "several servers"),
        ("kafka://a.org/t,u", "several topics"),
        ("kafka://a.org/t/", "topic is 't/'"),
        ("kafka://a.org/..", "topic is '..'"),
        ("kafka://a.org/^t.*", "topic is '^t.*'"),
        ("kafka://a.org/t?x=1", "topic is 't?x=1'"),
        ("kafka://a.org/t\n", "topic is 't\\n'"),
        ("kafka://a.org/" + "t" * 250, "topic is 'tttt"),
        ("kafka://a b/t", "'a b' for its server"),
        ("kafka://ä.org/t", "'ä.org' for its server"),
        ("kafka://-a.org/t", "'-a.org' for its server"),
        ("kafka://[::1/t", "'[' for its server"),
        ("kafka://[::g]/t", "'[::g]' for its server"),
        ("kafka://a.org:/t", "port on a.org"),
        ("kafka://a.org:0/t", "port on a.org"),
        ("kafka://a.org:65536/t", "port on a.org"),
        ("kafka://a.org:9092:9093/t", "port on a.org"),
        ("kafka://a.org:٩/t", "port on a.org"),
        ("kafka://a%0Ab@a.org/t", "user is 'a\\nb'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(url: str, wrong: str) -> None:
    with pytest.raises(StreamError) as raised:
        parse_address(url)
    assert wrong in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "kafka://alice:hunter2@kafka.scimma.org/igwn.gwalert",
        "kafka://alice:hunter2@",
        "kafka://:hunter2@kafka.scimma.org/igwn.gwalert",
        "kafka://alice:p/hunter2@kafka.scimma.org/igwn.gwalert",
        "kafka://alice:p@hunter2@kafka.scimma.org/igwn.gwalert",
        "kafka://alice/hunter2@kafka.scimma.org/igwn.gwalert",
        "https://alice:hunter2@kafka.scimma.org/igwn.gwalert",
        "alice:hunter2@kafka.scimma.org/igwn.gwalert",
        "kafka://alice:hunter2/igwn.gwalert",
    ],
)
def test_password_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(StreamError) as raised:
        parse_address(url)
    assert "hunter2" not in str(raised.value)


def test_user_is_in_no_text() -> None:
    address = parse_address("kafka://alice@localhost:19092/t")
    assert address.broker == "localhost:19092"
    assert address.name == "localhost:19092/t"
    assert address.url == "kafka://localhost:19092/t"
    assert address.slug == "localhost+19092+t"


def test_usual_port_is_left_out_but_of_the_broker() -> None:
    address = parse_address("kafka://kafka.scimma.org:9092/igwn.gwalert")
    assert address.broker == "kafka.scimma.org:9092"
    assert address.name == "kafka.scimma.org/igwn.gwalert"
    assert address.url == "kafka://kafka.scimma.org/igwn.gwalert"


def test_url_is_read_back_as_the_same_address() -> None:
    for address in (PUBLIC, Address("[::1]", "t", 9093)):
        assert parse_address(address.url) == address


def test_slugs_differ_and_are_file_names() -> None:
    hosts = ("a", "a-1", "a.1", "[::1]", "[::]")
    addresses = [Address(h, t, p) for h in hosts for t in ("t", "1", "1-t") for p in (9092, 1)]
    slugs = {address.slug for address in addresses}
    assert len(slugs) == len(addresses)
    assert not {"/", ":", "\0"} & set("".join(slugs))
