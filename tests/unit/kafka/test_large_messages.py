"""A message sent by reference is fetched from where it may be, within bounds, or refused."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests
from hop import bson
from hop.auth import Auth, SASLMethod
from hop.models import ExternalMessage
from scramp import ScramMechanism

from sirenflow.errors import AlertError
from sirenflow.kafka.large_messages import MAX_FETCH_BYTES, fetch

MESSAGE = b"Obj\x01" + bytes(range(256)) * 40
HEADERS = [("_format", b"avro"), ("_id", b"\0" * 16)]
WRAPPED = bson.dumps(
    {"message": MESSAGE, "metadata": {"headers": HEADERS, "timestamp": 1767225600000, "key": None}}
)
SECRET = "correct-horse-battery-staple"  # noqa: S105
HOSTS = ["localhost"]
TOKENS = "https://example.org/token"


class Handler(BaseHTTPRequestHandler):
    """Answers as the test says; keeps what it was asked."""

    answer: Callable[[Handler], None]
    asked: ClassVar[list[tuple[str, dict[str, str]]]]

    def do_GET(self) -> None:
        self.asked.append((self.path, dict(self.headers)))
        type(self).answer(self)

    def log_message(self, *_: object) -> None:
        pass

    def reply(self, body: bytes = b"", status: int = 200, **headers: str) -> None:
        """Send an answer; a header's `_` is a dash."""
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving(
    answer: Callable[[Handler], None], tls: ssl.SSLContext | None = None
) -> Iterator[tuple[int, list[tuple[str, dict[str, str]]]]]:
    """Serve on the loopback interface; give the port, and what was asked."""
    asked: list[tuple[str, dict[str, str]]] = []
    handler = type("Handler", (Handler,), {"answer": answer, "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients go away
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1], asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def reference(url: object) -> bytes:
    return json.dumps({"url": url}).encode()


def at(port: int, path: str = "/msg/1") -> bytes:
    return reference(f"http://localhost:{port}{path}")


def reason(
    value: bytes, hosts: Sequence[str] = HOSTS, auth: Auth | None = None, **limits: Any
) -> str:
    """Give why it was refused: one line, of its kind, without the credential."""
    with pytest.raises(AlertError) as caught:
        fetch(value, hosts, auth, **limits)
    text = str(caught.value)
    assert caught.value.kind == "offloaded"
    assert text.isprintable()
    assert len(text) < 500
    for secret in (SECRET, base64.b64encode(SECRET.encode()).decode()):
        assert secret not in text
        assert secret not in repr(caught.value.__cause__)
    return text


def await_fetches() -> None:
    """Check that no thread of a fetch is left."""
    for thread in threading.enumerate():
        if thread.name == "fetch":
            thread.join(10)
            assert not thread.is_alive()


# ------------------------------------------------------------------------------------ fetched


def test_message_is_fetched_as_it_would_have_been_sent() -> None:
    with serving(lambda handler: handler.reply(WRAPPED)) as (port, asked):
        sent = bytes(ExternalMessage(url=f"http://localhost:{port}/msg/1?a=%20b"))
        assert fetch(sent, HOSTS, None) == MESSAGE
    ((path, headers),) = asked
    assert path == "/msg/1?a=%20b"
    assert headers["Accept-Encoding"] == "identity"
    assert "Authorization" not in headers


def test_answer_in_chunks_and_answer_without_length_are_read() -> None:
    def chunked(handler: Handler) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for part in (WRAPPED[:100], WRAPPED[100:]):
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
        handler.wfile.write(b"0\r\n\r\n")

    def until_closed(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + WRAPPED)

    for answer in (chunked, until_closed):
        with serving(answer) as (port, _):
            assert fetch(at(port), HOSTS, None) == MESSAGE


def test_neither_proxy_nor_netrc_of_the_machine_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine localhost login me password mine\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://localhost:1")
    monkeypatch.setenv("http_proxy", "http://localhost:1")
    with serving(lambda handler: handler.reply(WRAPPED)) as (port, asked):
        assert fetch(at(port), HOSTS, None) == MESSAGE
    assert "Authorization" not in asked[0][1]


# ------------------------------------------------------------------------------ whence it may be


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"https://localhost/", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"url": ' + b"1" * 5000 + b"}", "not JSON"),
        (b"[]", "no url"),
        (b"{}", "no url"),
        (b'"https://localhost/"', "no url"),
        (reference(None), "no url"),
        (reference(["https://localhost/"]), "no url"),
    ],
)
def test_reference_without_an_address_is_refused(value: bytes, said: str) -> None:
    assert said in reason(value)


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the test if anything is connected to."""

    def connect(place: object, *_: object, **__: object) -> None:
        pytest.fail(f"connected to {place}")

    monkeypatch.setattr(socket, "create_connection", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)


@pytest.mark.usefixtures("unreachable")
@pytest.mark.parametrize(
    "url",
    [
        *("", " ", "/msg/1", "//good.org/", "good.org", "https:good.org", "https:/good.org"),
        *("file:///etc/passwd", "ftp://good.org/", "javascript:alert(1)", "data:,x"),
        *("http+unix://good.org/", "httpss://good.org/", "gopher://good.org/"),
        *("https://", "https:///", "https://?", "https://:443/", "https://.good.org/"),
        *("https://good.org@evil.org/", "https://good.org:pw@evil.org/", "https://u:p@good.org/"),
        *("https://@good.org/", "https://evil.org#@good.org/", "https://evil.org?@good.org/"),
        *("https://evil.org\\@good.org/", "https://evil.org\\.good.org/", "https://good.org\\x/"),
        *("https://good.org./", "https://good..org/", "https://good.org:/", "https://good.org:x/"),
        *("https://good.org:0/", "https://good.org:65536/", "https://good.org:-1/"),
        *("https://good.org:443:80/", "https://good.org: 80/", "https://good.org:٤٤٣/"),
        *("https://-good.org/", "https://good-.org/", "https://good_.good.org/"),
        *("https://good%2eorg/", "https://evil.org%2f.good.org/", "https://good.org%00.evil.org/"),
        *("https://ɡood.org/", "https://good。org/", "https://ｇood.org/", "https://good.orɡ/"),
        *(
            " https://good.org/",
            "https://good.org/ ",
            "https://good.org/a b",
            "https://good.org/\n",
        ),
        *(
            "https://good.org/\r\nX: y",
            "https://good.org/\0",
            "https://good.org\n",
            "https:// good.org/",
        ),
        *("https://good.org/ä", "https://good.org/\u202e", "https://good.org/\ud800"),
        *("https://[::1/", "https://::1/", "https://[good.org]/", "https://[fe80::1%25eth0]/"),
        "https://" + "a" * 70 + ".good.org/",
        "https://good.org/#" + "x" * 10,
        "https://" + "a." * 100_000 + "/",
    ],
)
def test_anything_but_a_plain_address_is_refused(url: str) -> None:
    assert "no plain https address" in reason(reference(url), ["good.org", "[::1]"])


@pytest.mark.usefixtures("unreachable")
@pytest.mark.parametrize(
    "host",
    [
        *("evil.org", "evilgood.org", "xgood.org", "good.org.evil.org", "good.orgx", "org", "good"),
        *("goodXorg", "xn--ood-9fb.org", "127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"),
        *("2130706433", "0x7f000001", "017700000001", "127.1", "169.254.169.254", "0"),
    ],
)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_other_hosts_are_refused(scheme: str, host: str) -> None:
    value = reference(f"{scheme}://{host}:8000/msg/1")
    assert "no allowed host (good.org, large.org.)" in reason(value, ["good.org", "large.org."])
    assert "no allowed host (none)" in reason(value, [])
    assert "no allowed host" in reason(value, [""])


@pytest.mark.parametrize("allowed", ["good.org", "GOOD.org", "good.org.", "a.good.org"])
@pytest.mark.parametrize("url", ["https://a.good.org/x", "HTTPS://A.GOOD.ORG:8000/x"])
def test_allowed_host_and_those_below_it_are_asked(
    url: str, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def connect(place: tuple[str, int], *_: object, **__: object) -> None:
        asked.append(place)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "create_connection", connect)
    told = reason(reference(url), ["elsewhere.org", allowed])
    assert "cannot be fetched from a.good.org: ConnectionRefusedError" in told
    assert asked == [("a.good.org", 8000 if "8000" in url else 443)]


@pytest.mark.usefixtures("unreachable")
@pytest.mark.parametrize("host", ["good.org", "10.0.0.1", "localhost.good.org", "127.good.org"])
def test_plain_http_is_for_this_machine_only(host: str) -> None:
    assert "not https" in reason(reference(f"http://{host}/"), [host])


def test_loopback_by_number_is_this_machine() -> None:
    with serving(lambda handler: handler.reply(WRAPPED)) as (port, _):
        value = reference(f"http://127.0.0.1:{port}/")
        assert fetch(value, ["127.0.0.1"], None) == MESSAGE
        assert "no allowed host" in reason(value, ["0.0.1", "localhost"][1:])


# ------------------------------------------------------------------------- servers that misbehave


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("path", ["/other", "http://localhost:{port}/msg/1", "http://[", "//\r"])
def test_redirect_is_not_followed(status: int, path: str) -> None:
    with serving(lambda handler: handler.reply(WRAPPED)) as (port, asked):
        location = path.format(port=port).replace("\r", "")

        def redirect(handler: Handler) -> None:
            handler.reply(status=status, Location=location)

        with serving(redirect) as (first, asked_first):
            assert f"redirects (HTTP {status})" in reason(at(first))
        assert (len(asked_first), asked) == (1, [])


@pytest.mark.parametrize("status", [204, 206, 304, 400, 401, 403, 404, 410, 429, 500, 503])
def test_http_error_is_told(status: int) -> None:
    with serving(lambda handler: handler.reply(WRAPPED, status)) as (port, _):
        told = reason(at(port))
    assert f"HTTP {status}" in told


def endless(handler: Handler, piece: bytes) -> None:
    while True:
        handler.wfile.write(piece)


def head(*lines: bytes) -> bytes:
    return b"\r\n".join((b"HTTP/1.1 200 OK", *lines, b"", b""))


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (head(), bytes(2**16)),
        (head(b"Transfer-Encoding: chunked"), b"10000\r\n" + bytes(2**16) + b"\r\n"),
        (head(b"Content-Length: 99999999999999"), b""),
        (head(b"Content-Length: 200001"), b""),
        (head(b"Transfer-Encoding: chunked") + b"fffffffffffffff\r\n", bytes(2**16)),
    ],
)
def test_more_bytes_than_allowed_are_not_read(start: bytes, piece: bytes) -> None:
    def answer(handler: Handler) -> None:
        handler.wfile.write(start)
        if piece:
            endless(handler, piece)

    with serving(answer) as (port, _):
        assert "more than 200000 bytes" in reason(at(port), max_bytes=200_000)


@pytest.mark.parametrize("encoding", ["gzip", "br", "DEFLATE", "gzip, identity"])
def test_compressed_answer_is_not_unpacked(encoding: str) -> None:
    with serving(lambda h: h.reply(WRAPPED, Content_Encoding=encoding)) as (port, _):
        assert "compressed" in reason(at(port))


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"", b""),
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"X"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (head(), b"x"),
        (head(b"Content-Length: 100000"), b"x"),
        (head(b"Transfer-Encoding: chunked"), b"1\r\nx\r\n"),
        (head(b"Transfer-Encoding: chunked"), b"1;"),
        (head(b"Transfer-Encoding: chunked") + b"0\r\n", b"X: y\r\n"),
    ],
)
def test_slow_server_does_not_hold_us(start: bytes, piece: bytes) -> None:
    """Each piece comes well within any time-out of a read, and the last one never."""
    ended = threading.Event()

    def drip(handler: Handler) -> None:
        try:
            handler.wfile.write(start)
            while not ended.wait(0.02):
                handler.wfile.write(piece)
                handler.connection.setblocking(False)
                try:
                    if not handler.connection.recv(1):
                        break
                except BlockingIOError:
                    handler.connection.setblocking(True)
        finally:
            ended.set()

    with serving(drip) as (port, _):
        told = reason(at(port), seconds=0.3)
        # The server sees the connection go, so that the thread, too, has ended.
        assert ended.wait(10)
    assert "localhost took more than 0.3 s" in told
    await_fetches()


def test_server_that_accepts_and_says_nothing_to_a_tls_greeting_does_not_hold_us() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        port = listening.getsockname()[1]
        told = reason(reference(f"https://localhost:{port}/"), seconds=0.3)
    assert "took more than 0.3 s" in told
    await_fetches()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\0" * 100,
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/9.1 200 OK\r\n\r\n",
        b"\x1b[31mHTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\na: " + b"b" * 70_000 + b"\r\n\r\n",
        head(b"Transfer-Encoding: chunked") + b"zz\r\n",
        head(b"Transfer-Encoding: chunked") + b"ff\r\nabc",
        head(b"Content-Length: 50") + b"abc",
    ],
)
def test_what_is_no_answer_is_told(sent: bytes) -> None:
    def answer(handler: Handler) -> None:
        handler.wfile.write(sent)

    with serving(answer) as (port, _):
        assert "localhost" in reason(at(port))


def test_connection_that_fails_is_told() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        port = listening.getsockname()[1]
    assert "ConnectionRefusedError" in reason(at(port))


# --------------------------------------------------------------------------------------- login


def credential(method: SASLMethod = SASLMethod.SCRAM_SHA_512, **more: Any) -> Auth:
    return Auth("user", SECRET, method=method, **more)


def scram_server(name: str, password: str = SECRET) -> Callable[[Handler], None]:
    """Answer as hop's server does: the challenge with 401, the message after the response."""
    mechanism = ScramMechanism(name)
    stored = mechanism.make_auth_info(password)
    exchange = mechanism.make_server(lambda _: stored)

    def answer(handler: Handler) -> None:
        scheme, _, rest = handler.headers["Authorization"].partition(" ")
        assert scheme == name
        fields = dict(part.strip().split("=", 1) for part in rest.split(","))
        text = base64.b64decode(fields["data"]).decode()
        if "sid" not in fields:
            exchange.set_client_first(text)
            data = base64.b64encode(exchange.get_server_first().encode()).decode()
            handler.reply(b"x" * 9, 401, WWW_Authenticate=f"{name} sid=7, data={data}")
            return
        try:
            exchange.set_client_final(text)
        except Exception:  # of scramp, for a wrong password
            handler.reply(status=401)
            return
        data = base64.b64encode(exchange.get_server_final().encode()).decode()
        handler.reply(WRAPPED, Authentication_Info=f"sid=7, data={data}")

    return answer


@pytest.mark.parametrize("method", [SASLMethod.SCRAM_SHA_256, SASLMethod.SCRAM_SHA_512])
def test_login_is_that_of_hop(method: SASLMethod) -> None:
    with serving(scram_server(str(method).replace("_", "-"))) as (port, asked):
        assert fetch(at(port), HOSTS, credential(method)) == MESSAGE
    assert len(asked) == 2
    assert SECRET not in str(asked)


def test_wrong_password_is_told_without_it() -> None:
    with serving(scram_server("SCRAM-SHA-512", "another")) as (port, _):
        assert "HTTP 401" in reason(at(port), auth=credential())


@pytest.mark.parametrize(
    "challenge",
    [
        "Basic realm=x",
        "SCRAM-SHA-512 data=AAAA",
        "SCRAM-SHA-512 sid=1",
        "SCRAM-SHA-512 sid=1, data=!",
        "SCRAM-SHA-512 sid=1, data=/w==",
        "SCRAM-SHA-512 sid=1, data=" + base64.b64encode(b"r=x,s=AAAA,i=4096").decode(),
        "SCRAM-SHA-512 sid=1, data=" + base64.b64encode(b"e=" + SECRET.encode()).decode(),
        "SCRAM-SHA-512 sid=1, data=" + base64.b64encode(b"i=999999999999").decode(),
    ],
)
def test_senseless_challenge_is_told(challenge: str) -> None:
    with serving(lambda handler: handler.reply(status=401, WWW_Authenticate=challenge)) as (
        port,
        _,
    ):
        told = reason(at(port), auth=credential())
    assert "HTTP 401" in told or "login on localhost failed" in told


def test_second_request_of_the_login_is_as_bounded_as_the_first() -> None:
    """SCRAMAuth of hop sends it without the time-out, the size and the authority of the first."""
    answer = scram_server("SCRAM-SHA-512")

    def then_endless(handler: Handler) -> None:
        if "sid" not in handler.headers["Authorization"]:
            return answer(handler)
        handler.wfile.write(head())
        return endless(handler, bytes(2**16))

    with serving(then_endless) as (port, _):
        assert "more than 200000" in reason(at(port), auth=credential(), max_bytes=200_000)


def test_redirect_after_the_login_takes_it_nowhere() -> None:
    answer = scram_server("SCRAM-SHA-512")
    with serving(lambda handler: handler.reply(WRAPPED)) as (other, asked):

        def then_redirect(handler: Handler) -> None:
            if "sid" not in handler.headers["Authorization"]:
                return answer(handler)
            return handler.reply(status=307, Location=f"http://localhost:{other}/")

        with serving(then_redirect) as (port, _):
            assert "redirects" in reason(at(port), auth=credential())
    assert asked == []


def test_token_is_borne(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Auth, "token", property(lambda _: "a-token"))
    auth = credential(SASLMethod.OAUTHBEARER, token_endpoint=TOKENS)
    with serving(lambda handler: handler.reply(WRAPPED)) as (port, asked):
        assert fetch(at(port), HOSTS, auth) == MESSAGE
    assert asked[0][1]["Authorization"] == "Bearer a-token"


@pytest.mark.parametrize("error", [RuntimeError, requests.ConnectionError, KeyError])
def test_token_that_cannot_be_had_is_told_without_the_reply(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Auth) -> str:
        raise error(f"bad request: client_secret={SECRET}")

    monkeypatch.setattr(Auth, "token", property(refuse))
    auth = credential(SASLMethod.OAUTHBEARER, token_endpoint=TOKENS)
    with serving(lambda handler: handler.reply(WRAPPED)) as (port, asked):
        assert f"no token for the login: {error.__name__}" in reason(at(port), auth=auth)
    assert asked == []


def test_password_that_is_no_scram_login_is_not_sent() -> None:
    with serving(lambda handler: handler.reply(WRAPPED)) as (port, asked):
        assert fetch(at(port), HOSTS, credential(SASLMethod.PLAIN)) == MESSAGE
    assert "Authorization" not in asked[0][1]


# ----------------------------------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate of localhost that no authority has signed."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(path)]
    made = subprocess.run(command, check=True, capture_output=True)
    with path.open("ab") as stream:
        stream.write(made.stdout)
    return path


def tls_of(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_authority_of_the_credential_is_usable_for_both_requests(certificate: Path) -> None:
    auth = credential(ssl_ca_location=str(certificate))
    with serving(scram_server("SCRAM-SHA-512"), tls_of(certificate)) as (port, asked):
        assert fetch(reference(f"https://localhost:{port}/"), HOSTS, auth) == MESSAGE
    assert len(asked) == 2


@pytest.mark.parametrize("auth", [None, credential()])
def test_unknown_authority_is_not_trusted(certificate: Path, auth: Auth | None) -> None:
    with serving(lambda handler: handler.reply(WRAPPED), tls_of(certificate)) as (port, asked):
        told = reason(reference(f"https://localhost:{port}/"), auth=auth)
    assert "CERTIFICATE_VERIFY_FAILED" in told
    assert asked == []


def test_certificate_of_another_host_is_not_trusted(certificate: Path) -> None:
    auth = credential(ssl_ca_location=str(certificate))
    with serving(lambda handler: handler.reply(WRAPPED), tls_of(certificate)) as (port, _):
        told = reason(reference(f"https://127.0.0.1:{port}/"), ["127.0.0.1"], auth)
    assert "CERTIFICATE_VERIFY_FAILED" in told


@pytest.mark.parametrize("name", ["missing.pem", "empty.pem"])
def test_authority_that_cannot_be_read_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty.pem").touch()
    auth = credential(ssl_ca_location=str(tmp_path / name))
    assert name in reason(reference("https://localhost:1/"), auth=auth)


# ---------------------------------------------------------------------------------------- BSON


def document(*elements: bytes) -> bytes:
    body = b"".join(elements)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def element(kind: int, name: bytes, content: bytes) -> bytes:
    return bytes([kind]) + name + b"\0" + content


def binary(name: bytes, data: bytes) -> bytes:
    return element(5, name, struct.pack("<ib", len(data), 0) + data)


METADATA = element(3, b"metadata", document())
DEEP = b"".join(element(3, b"", struct.pack("<i", 2**20)) for _ in range(10_000))
# The length leads back to the element's own start: hop's decoder never ends on these.
BACK = element(2, b"a", struct.pack("<i", -7))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0",
        WRAPPED[:-1],
        WRAPPED[:-1] + b"x",
        WRAPPED + b"\0",
        WRAPPED[:50],
        b"<html>not found</html>",
        struct.pack("<i", -1) + b"\0",
        struct.pack("<i", 2**31 - 1) + b"\0",
        document(BACK),
        document(element(4, b"a", document(BACK))),
        document(element(3, b"a", struct.pack("<i", -20))),
        document(element(5, b"message", struct.pack("<ib", -1, 0))),
        document(element(5, b"message", struct.pack("<ib", 2**31 - 1, 0) + b"x")),
        document(element(2, b"a", struct.pack("<i", 0))),
        document(element(0x7F, b"a", b"")),
        document(element(0x10, b"a", b"\1\2")),
        document(b"\x0a" + b"x" * 1000),
        document(b"\x02a\0\1"),
        document(DEEP),
        document(*(element(0x0A, b"%d" % number, b"") for number in range(100_000))),
        document(binary(b"message", b"1"), binary(b"message", b"2"), METADATA),
        document(METADATA),
        document(binary(b"message", MESSAGE)),
        document(element(2, b"message", struct.pack("<i", 2) + b"x\0"), METADATA),
        document(binary(b"message", MESSAGE), element(0x0A, b"metadata", b"")),
        document(binary(b"Message", MESSAGE), METADATA),
    ],
)
def test_what_is_not_a_message_in_bson_is_told(body: bytes) -> None:
    with serving(lambda handler: handler.reply(body)) as (port, _):
        assert "what localhost sent" in reason(at(port))


def test_what_is_nested_is_not_entered() -> None:
    nested = document()
    for _ in range(5000):
        nested = document(element(3, b"a", nested))
    body = document(element(3, b"metadata", nested), binary(b"message", MESSAGE))
    with serving(lambda handler: handler.reply(body)) as (port, _):
        assert fetch(at(port), HOSTS, None) == MESSAGE


def test_largest_alert_passes() -> None:
    data = bytes(MAX_FETCH_BYTES - len(document(binary(b"message", b""), METADATA)))
    body = document(binary(b"message", data), METADATA)
    with serving(lambda handler: handler.reply(body)) as (port, _):
        assert fetch(at(port), HOSTS, None) == data
