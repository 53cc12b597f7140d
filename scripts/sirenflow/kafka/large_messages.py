"""Messages that were too large for their topic: hop-client stores them on a server and sends a URL.

Senders with hop-client do so by default, so an alert above the limit of its topic arrives this way.
Any sender chooses the URL, and hop-client fetches any, with redirects, without a limit of time or
size, and decodes the answer with a decoder that can loop for ever (see `sirenflow.kafka.bson`).
Here the servers are configured, and time and size are limited whatever a server does. The answer is
BSON with the message as it would have been sent.
"""

import http.client
import ipaddress
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import requests
from hop.auth import Auth
from hop.http_scram import SCRAMAuth

from sirenflow import __version__
from sirenflow.alerts.decoding import MAX_ALERT_BYTES
from sirenflow.errors import AlertError, StreamError
from sirenflow.inbox.arrival import Arrival, bytes_to_text
from sirenflow.kafka.address import parse_address
from sirenflow.kafka.bson import BINARY, DOCUMENT, read_elements
from sirenflow.kafka.credentials import find_credential

FETCH_SECONDS = 60.0
"""Longest that a fetch may take in all; the largest alert needs 2.3 Mbit/s for it."""

MAX_FETCH_BYTES = MAX_ALERT_BYTES + 64 * 2**10
"""Largest answer: an alert, and the headers that it would have been sent with."""

# Only what all readers of URLs read alike: no user, backslash or fragment, nothing beyond ASCII.
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_URL = re.compile(
    rf"(?P<scheme>[Hh][Tt][Tt][Pp][Ss]?)://(?P<host>({_LABEL}\.)*{_LABEL}|\[[0-9A-Fa-f:.]{{2,45}}\])"
    r"(:(?P<port>[0-9]{1,5}))?(?P<path>/[!\"$-\[\]-~]*)?"
)
_CHUNK_BYTES = 2**16


_REFERENCE_HEADER = ["_format", "external"]
_MAX_REFERENCE_BYTES = 4096
# The second in JSON that is text within an envelope.
_ALERT_KEYS = (b'"superevent_id"', b'\\"superevent_id\\"')


def is_reference(arrival: Arrival) -> bool:
    """Return whether a message holds only a reference to its content.

    Its header must say so, and the value must look like one: a header does not make an alert a
    reference.
    """
    headers = arrival.how.get("headers")
    is_marked = isinstance(headers, list) and _REFERENCE_HEADER in headers
    is_short = len(arrival.data) <= _MAX_REFERENCE_BYTES
    is_alert = any(key in arrival.data for key in _ALERT_KEYS)
    return is_marked and is_short and not is_alert and "reference" not in arrival.how


def replace_reference(arrival: Arrival, content: bytes) -> Arrival:
    """Return the arrival of the content in place of the reference, which is noted."""
    return Arrival(content, {**arrival.how, "reference": bytes_to_text(arrival.data)})


def with_content(
    arrival: Arrival, allowed_hosts: Sequence[str], environ: Mapping[str, str]
) -> Arrival:
    """Fetch the content of a reference in quarantine; return any other arrival as it is.

    Raise AlertError as `fetch`.

    Parameters
    ----------
    environ
        Environment variables, for the login of the server from which the message came.
    """
    if not is_reference(arrival):
        return arrival
    try:
        address = parse_address(f"kafka://{arrival.how.get('source')}")
        login = find_credential(address, environ)
    except StreamError:  # the server that holds the content decides whether it wants a login
        login = None
    return replace_reference(arrival, fetch(arrival.data, allowed_hosts, login))


class UnreachableError(AlertError):
    """The server of a message does not answer, or not now: it may soon."""

    def __init__(self, reason: str) -> None:
        super().__init__(_reference_reason(reason), "offloaded")


@dataclass(frozen=True)
class _Location:
    """Where a message is; the host of an IPv6 address is without brackets."""

    scheme: str
    host: str
    port: int | None
    path: str


def fetch(
    value: bytes,
    allowed_hosts: Sequence[str],
    auth: Auth | None,
    *,
    seconds: float = FETCH_SECONDS,
    max_bytes: int = MAX_FETCH_BYTES,
) -> bytes:
    """Fetch a message that was sent by reference.

    Return the message as it would have been sent. Raise AlertError of the kind ``offloaded``, if
    there is no such message to be had; `UnreachableError` if there may be one later. The reason
    never shows the credential.

    Parameters
    ----------
    value
        What came over Kafka: JSON with the key ``url``.
    allowed_hosts
        Hosts from which it may be fetched; those below them are meant too. Only to them does the
        credential go.
    auth
        Credential of the Kafka server, whose users the server of large messages shares; None for
        none.
    seconds, max_bytes
        Longest that it may take in all, and largest answer.
    """
    location = _check_url(_read_url(value), allowed_hosts)
    server = _Server(location, _tls(location, auth), seconds, max_bytes)
    try:
        body = _within(seconds, lambda: _get(server, auth))
    except TimeoutError as error:
        raise UnreachableError(f"{location.host} took more than {seconds:g} s") from error
    except (OSError, http.client.HTTPException) as error:
        reason = _printable(f"{type(error).__name__}: {error}")
        raise UnreachableError(f"cannot be fetched from {location.host}: {reason}") from error
    finally:
        server.close()
    return _read_message(body, location.host)


def _reference_error(reason: str) -> AlertError:
    return AlertError(_reference_reason(reason), "offloaded")


def _reference_reason(text: str) -> str:
    return f"message sent by reference: {text}"


def _printable(text: str) -> str:
    return (text if text.isprintable() else ascii(text))[:200]


# -------------------------------------------------------------------------------------- where


def _read_url(value: bytes) -> str:
    try:
        sent = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise _reference_error("it is not JSON; expected an object with a url") from error
    url = sent.get("url") if isinstance(sent, dict) else None
    if not isinstance(url, str):
        raise _reference_error("it has no url")
    return url


def _check_url(url: str, allowed_hosts: Sequence[str]) -> _Location:
    parts = _URL.fullmatch(url)
    port = int(parts["port"]) if parts and parts["port"] else None
    if parts is None or (port is not None and not 0 < port < 2**16):
        raise _reference_error(f"{url[:100]!a} is no plain https address")
    host = parts["host"].lower().strip("[]")
    if not any(_is_at_or_below(host, allowed) for allowed in allowed_hosts):
        allowed = ", ".join(allowed_hosts) or "none"
        raise _reference_error(f"it is on {host[:100]}, which is no allowed host ({allowed})")
    scheme = parts["scheme"].lower()
    if scheme == "http" and not _is_loopback(host):
        raise _reference_error(f"its address on {host} is not https")
    return _Location(scheme, host, port, parts["path"] or "/")


def _is_at_or_below(host: str, allowed: str) -> bool:
    allowed = allowed.lower().removesuffix(".").strip("[]")
    return bool(allowed) and (host == allowed or host.endswith(f".{allowed}"))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# ------------------------------------------------------------------------------------ fetching


def _tls(location: _Location, auth: Auth | None) -> ssl.SSLContext | None:
    """Trust the authority that the credential names, else those that requests (certifi) does."""
    if location.scheme != "https":
        return None
    named = auth.ssl_ca_location if auth is not None else None
    authority = Path(named or requests.utils.DEFAULT_CA_BUNDLE_PATH)
    try:
        if authority.is_dir():
            return ssl.create_default_context(capath=authority)
        return ssl.create_default_context(cafile=authority)
    except OSError as error:
        raise _reference_error(
            f"certificate authority {authority} cannot be read: {error}"
        ) from error


def _within(seconds: float, work: Callable[[], bytes]) -> bytes:
    """Do work in a thread, for nothing else bounds a name server, a login and each header line.

    Raise TimeoutError if it takes longer. The thread ends by itself when its server is closed.
    """
    outcome: SimpleQueue[bytes | BaseException] = SimpleQueue()

    def run() -> None:
        try:
            outcome.put(work())
        except BaseException as error:  # raised again below, where someone can handle it
            outcome.put(error)

    threading.Thread(target=run, name="fetch", daemon=True).start()
    try:
        result = outcome.get(timeout=seconds)
    except Empty:
        raise TimeoutError from None
    if isinstance(result, BaseException):
        raise result
    return result


def _get(server: "_Server", auth: Auth | None) -> bytes:
    try:
        login = _authenticator(auth)
    except Exception as error:  # a command or a server gives the token; it may say anything
        raise _reference_error(f"no token for the login: {type(error).__name__}") from None
    request = requests.Request(
        "GET", server.url, headers={"User-Agent": f"sirenflow {__version__}"}
    )
    prepared = request.prepare()
    prepared.prepare_auth(login)
    response = server.send(prepared)
    try:
        for hook in list(
            prepared.hooks["response"]
        ):  # where SCRAMAuth answers the server's challenge
            response = hook(response) or response
    except (AlertError, OSError, http.client.HTTPException):
        raise
    except Exception as error:  # of hop or scramp, about what the server sent; with who knows what
        raise _reference_error(f"login on {server.host} failed: {type(error).__name__}") from None
    status = response.status_code
    if status in range(300, 400):
        raise _reference_error(f"{server.host} redirects (HTTP {status}), which is not followed")
    if status == http.client.TOO_MANY_REQUESTS or status >= http.client.INTERNAL_SERVER_ERROR:
        raise UnreachableError(f"{server.host} answers HTTP {status}")
    if status != http.client.OK:
        raise _reference_error(f"{server.host} answers HTTP {status}")
    return response.content


def _authenticator(auth: Auth | None) -> Callable[[Any], Any] | None:
    if auth is None:
        return None
    if auth.is_scram:
        login: Callable[[Any], Any] = SCRAMAuth(auth, shortcut=True)
        return login
    if not auth.is_token:
        return None
    token = auth.token

    def bear(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    return bear


class _Server(requests.adapters.BaseAdapter):
    """Sends requests to one place and reads bounded answers.

    It is what a requests adapter is, so that hop's SCRAMAuth can send its second request through
    it. Time-out and certificates are its own, as SCRAMAuth passes none on. It uses no proxy and no
    .netrc, decompresses nothing, and goes where it was told whatever a request says.
    """

    def __init__(
        self, location: _Location, tls: ssl.SSLContext | None, seconds: float, max_bytes: int
    ) -> None:
        super().__init__()
        self.host = location.host
        bracketed = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if location.port is None else f":{location.port}"
        self.url = f"{location.scheme}://{bracketed}{port}{location.path}"
        self._location, self._tls = location, tls
        self._seconds, self._max_bytes = seconds, max_bytes
        self._socket: socket.socket | None = None
        self._is_closed = False

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Ask once; the arguments of other adapters would only loosen the bounds."""
        connection = self._connection()
        try:
            connection.connect()
            # The connection forgets it once an answer has come, though it is still read from.
            self._socket = connection.sock
            if self._is_closed:  # while it connected, when there was no socket to shut down
                raise TimeoutError
            headers = {name: str(text) for name, text in request.headers.items()}
            connection.request("GET", self._location.path, headers=headers)
            response = requests.Response()
            with connection.getresponse() as answer:
                response.status_code = answer.status
                for name in answer.headers:
                    response.headers[name] = ", ".join(answer.headers.get_all(name, []))
                response.raw = BytesIO(self._read(answer))
        finally:
            connection.close()
        response.request, response.url = request, self.url
        response.connection = self  # type: ignore[assignment]  # where SCRAMAuth looks for it
        return response

    def close(self) -> None:
        """End whatever is going on, from any thread."""
        self._is_closed = True
        if self._socket is not None:
            with suppress(OSError):  # it has ended
                self._socket.shutdown(socket.SHUT_RDWR)

    def _connection(self) -> http.client.HTTPConnection:
        place = self._location.host, self._location.port
        if self._tls is None:
            return http.client.HTTPConnection(*place, timeout=self._seconds)
        return http.client.HTTPSConnection(*place, timeout=self._seconds, context=self._tls)

    def _read(self, answer: http.client.HTTPResponse) -> bytes:
        declared = answer.length
        if declared is not None and declared > self._max_bytes:
            raise self._too_large()
        encoding = answer.headers.get("Content-Encoding", "identity")
        if encoding.lower() != "identity":
            raise _reference_error(f"{self.host} sends it compressed, which it was not asked for")
        body = bytearray()
        while chunk := answer.read1(_CHUNK_BYTES):
            body += chunk
            if len(body) > self._max_bytes:
                raise self._too_large()
        if declared is not None and len(body) < declared:
            raise _reference_error(f"{self.host} sent {len(body)} of {declared} bytes")
        return bytes(body)

    def _too_large(self) -> AlertError:
        return _reference_error(f"{self.host} sends more than {self._max_bytes} bytes")


def _read_message(body: bytes, host: str) -> bytes:
    try:
        elements = read_elements(body)
    except ValueError as error:
        raise _reference_error(f"what {host} sent is not BSON: {error}") from error
    message, metadata = elements.get("message"), elements.get("metadata")
    if message is None or message.kind != BINARY:
        raise _reference_error(f"what {host} sent has no message")
    if metadata is None or metadata.kind != DOCUMENT:
        raise _reference_error(f"what {host} sent has no metadata of the message")
    return message.content
