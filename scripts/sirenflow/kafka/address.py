"""The address of a topic: where alerts are, or go."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from sirenflow.errors import StreamError

PUBLIC_TOPIC = "igwn.gwalert"
"""The topic of the alerts, on SCiMMA's servers and on GCN's."""

DEFAULT_PORT = 9092
"""Kafka's own port, which an address may leave out."""

_EXAMPLE = "expected one like kafka://kafka.scimma.org/igwn.gwalert"
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\]")
_TOPIC = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}")


@dataclass(frozen=True)
class Address:
    """A topic on a Kafka server.

    Attributes
    ----------
    host, port, topic
        Where it is; an IPv6 address is in brackets.
    user
        Whose login is to be used, or None. It is in none of the texts below.
    """

    host: str
    topic: str
    port: int = DEFAULT_PORT
    user: str | None = None

    @property
    def broker(self) -> str:
        """Server, as ``host:port``."""
        return f"{self.host}:{self.port}"

    @property
    def name(self) -> str:
        """Name of the topic among all servers' topics: ``host/topic``, with any unusual port."""
        server = self.host if self.port == DEFAULT_PORT else self.broker
        return f"{server}/{self.topic}"

    @property
    def url(self) -> str:
        """URL, without a user."""
        return f"kafka://{self.name}"

    @property
    def slug(self) -> str:
        """The name as a file name, which no other address has."""
        return self.name.translate(str.maketrans("/:[]", "++()"))


def parse_address(url: str) -> Address:
    """Read ``kafka://[user@]host[:port]/topic``.

    Raise StreamError if it is not one topic on one server. What could be a password is not
    repeated.
    """
    scheme, separator, rest = url.partition("://")
    # Neither a host nor a topic has an @, but a password may have anything.
    login, _, place = rest.rpartition("@")
    if scheme.lower() != "kafka" or not separator:
        raise StreamError(f"the address does not begin with kafka://; {_EXAMPLE}")
    if ":" in login or "/" in login:
        raise StreamError(
            'the address has a password in it; leave it out, and give it to "hop auth add"'
        )
    server, _, topic = place.partition("/")
    host, port = _parse_host_and_port(server)
    return Address(host, _parse_topic(topic, host), port, _parse_user(login))


def _parse_host_and_port(server: str) -> tuple[str, int]:
    if "," in server:
        raise StreamError(f"the address has several servers; {_EXAMPLE}")
    # A colon is in brackets, or ends the host.
    host, colon, port = re.fullmatch(r"(\[.*\]|[^:]*)(:?)(.*)", server, re.DOTALL).groups()  # type: ignore[union-attr]
    host = host.removesuffix(".").lower()
    if not _HOST.fullmatch(host):
        found = repr(host[:64]) if host else "nothing"
        raise StreamError(f"the address has {found} for its server; {_EXAMPLE}")
    if not colon:
        return host, DEFAULT_PORT
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 2**16:
        raise StreamError(f"the address's port on {host} is no number from 1 to {2**16 - 1}")
    return host, int(port)


def _parse_topic(topic: str, host: str) -> str:
    if not topic:
        raise StreamError(f"the address has no topic on {host}; {_EXAMPLE}")
    if "," in topic:
        raise StreamError(f"the address has several topics; {_EXAMPLE}")
    if not _TOPIC.fullmatch(topic):
        raise StreamError(
            f"the address's topic is {topic[:64]!r}; expected letters, digits, '.', '_' and '-'"
        )
    return topic


def _parse_user(login: str) -> str | None:
    user = unquote(login)
    if not user.isprintable():
        raise StreamError(f"the address's user is {user[:64]!r}; expected a name")
    return user or None
