"""A real Apache Kafka on this machine, for integration tests, trials and benchmarks.

    with ApacheKafka(directory) as kafka:
        kafka.publish("igwn.gwalert", [data])

One node, broker and controller in one, listens on 127.0.0.1 only:

    scram   SASL_SSL, SCRAM-SHA-512    as SCiMMA does
    oauth   SASL_SSL, OAUTHBEARER      as GCN does, with a token endpoint beside it
    plain   no encryption, no login    whoever comes is a super user: administration, benchmarks

Whoever logs in may read the topic `igwn.gwalert`, in consumer groups whose names start with the
own name and a hyphen, and nothing else; `forbidden` is there to be refused. Java 17 or later and
openssl must be installed. Kafka's own files come by Maven, once, into `.kafka/` (100 MB with an
archive that halves the start); a directory of them that is named in SIRENFLOW_KAFKA_LIBS is taken
instead. `missing()` tells whether all that is there.

`python tests/support/apache_kafka.py` starts a server, prints how to reach it, and stops it on
Ctrl-C.
"""

from __future__ import annotations

import atexit
import base64
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)
from paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Future

    from confluent_kafka import Message

TOPIC = "igwn.gwalert"
FORBIDDEN = "forbidden"
MAX_MESSAGE_BYTES = 32 * 2**20

_HERE = Path(__file__).resolve().parent
_POM = _HERE / "kafka" / "pom.xml"
_LOG_CONFIG = _HERE / "kafka" / "log4j2.properties"
_CLUSTER_ID = "c2lyZW5mbG93LXRlc3RzIQ"  # 16 bytes in base64, as Kafka wants it
_JAVA_VERSION = 17
_PATIENCE_S = 60.0
_STILL_LOADING = (
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
)
# Little memory, and the smallest collector.
_JAVA_OPTIONS = ("-Xms64m", "-Xmx512m", "-XX:+UseSerialGC")
# A shell that turns into the server, and leaves a guard behind: once this process is gone, however
# it went, the guard's input ends and it kills the server.
_GUARDED = """
exec 3<&0 </dev/null
(read -r word <&3; [ -n "$word" ] || kill -KILL $$) &
exec "$@" 3<&-
"""


@dataclass(frozen=True)
class User:
    """A name and its password, or a client id and its secret."""

    name: str
    password: str


def missing() -> str | None:
    """Tell why no server can be started here; None if one can."""
    java = shutil.which("java")
    if java is None:
        return "Apache Kafka needs Java: no java on PATH"
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', told)
    if version is None or int(version[1]) < _JAVA_VERSION:
        return f"Apache Kafka needs Java {_JAVA_VERSION} or later: found {told.splitlines()[:1]}"
    if shutil.which("openssl") is None:
        return "the test certificates need openssl: none on PATH"
    if not any(_libs().glob("kafka_*.jar")):
        if "SIRENFLOW_KAFKA_LIBS" in os.environ:
            return f"SIRENFLOW_KAFKA_LIBS: {_libs()} holds no kafka_*.jar"
        if shutil.which("mvn") is None:
            return f"Apache Kafka is not in {_libs()}, and there is no mvn on PATH to fetch it"
    return None


class ApacheKafka:
    """A server with its data, keys and logs in one directory; a context manager.

    Parameters
    ----------
    directory
        A new or empty directory. `server.log` in it is Kafka's log.
    partitions
        Partitions of a new topic for which no other number is given.
    reauth_seconds
        Cut each login after this time unless the client proves again who it is. 0 is Kafka's
        default: a session outlives its password, until the server is restarted.
    quick_start
        Let Java compile in haste. Encryption is thirty times slower then: not for measurements.

    Attributes
    ----------
    scram, oauth, plain
        The listeners, as "127.0.0.1:port"; the same after a restart.
    token_endpoint
        URL at which the OAuth client gets its tokens.
    ca_file
        Certificate of the authority that signed the server's.
    user
        Who may log in at `scram`.
    client
        Who may log in at `oauth`.
    """

    def __init__(
        self,
        directory: Path,
        partitions: int = 1,
        reauth_seconds: float = 0,
        quick_start: bool = True,
    ) -> None:
        self.directory = directory.resolve()
        self.ca_file = self.directory / "ca.pem"
        self.user = User("listener", "correct horse")
        self.client = User("client-0123", "battery staple")
        self._partitions = partitions
        self._reauth_seconds = reauth_seconds
        self._compiler = ["-XX:TieredStopAtLevel=1"] if quick_start else []
        ports = _free_ports(5)
        self.scram, self.oauth, self.plain, self._controller = (
            f"127.0.0.1:{port}" for port in ports[:4]
        )
        self._tokens = _TokenEndpoint(ports[4], self.client)
        self.token_endpoint = f"http://127.0.0.1:{ports[4]}/oauth2/token"
        self._sharing: str | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ApacheKafka:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- Its life

    @property
    def pid(self) -> int | None:
        """Process id of the running server."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises
        ------
        RuntimeError
            With the end of the log, if it does not come up.
        """
        new = not self.ca_file.exists()
        if new:
            self._prepare()
        self._tokens.start()
        self._process = self._spawn()
        atexit.register(self.close)
        self._await_answer()
        if new:
            self._furnish()
        self.committed("nobody", FORBIDDEN)  # answered once consumer groups are loaded

    def stop(self, kill: bool = False) -> None:
        """Stop the server, in order or as a power cut would; what it holds is kept."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with suppress(BrokenPipeError):  # the guard is dismissed, if it is still there
            process.stdin.write(b"stopped\n")
            process.stdin.flush()
        with suppress(BrokenPipeError):
            process.stdin.close()

    def restart(self, kill: bool = False) -> None:
        """Stop and start again: same data, same ports, and all sessions are cut."""
        self.stop(kill)
        self.start()

    def close(self) -> None:
        """Stop for good."""
        self.stop(kill=True)
        self._tokens.stop()
        atexit.unregister(self.close)

    # ---- Topics and what is in them

    def create_topic(
        self, name: str, partitions: int | None = None, config: Mapping[str, str] | None = None
    ) -> None:
        """Create a topic; on return the server serves it."""
        topic = NewTopic(name, partitions or self._partitions, 1, config=dict(config or {}))
        self._administer(lambda admin: admin.create_topics([topic]))
        admin = self._admin()

        def is_served() -> bool:
            found = admin.list_topics(name, timeout=10).topics[name]
            return found.error is None and all(p.leader >= 0 for p in found.partitions.values())

        _wait_until(is_served)

    def delete_topic(self, name: str) -> None:
        """Delete a topic with all that is in it."""
        self._administer(lambda admin: admin.delete_topics([name]))
        admin = self._admin()
        _wait_until(lambda: name not in admin.list_topics(timeout=10).topics)

    def publish(
        self,
        topic: str,
        values: Iterable[bytes | None],
        headers: Sequence[tuple[str, str | bytes | None]] | None = None,
        partition: int = 0,
    ) -> list[int]:
        """Publish messages, each with these headers; return their offsets once all are kept."""
        producer = Producer(
            {**self._plain_config(), "message.max.bytes": MAX_MESSAGE_BYTES, "linger.ms": 0}
        )
        delivered: list[tuple[KafkaError | None, Message]] = []
        for value in values:
            while True:
                try:
                    producer.produce(
                        topic,
                        value,
                        partition=partition,
                        headers=list(headers or ()),
                        on_delivery=lambda error, message: delivered.append((error, message)),
                    )
                except BufferError:  # more than librdkafka holds: wait for some to arrive
                    producer.poll(1)
                else:
                    break
        producer.flush()
        offsets = []
        for error, message in delivered:
            if error is not None:
                raise KafkaException(error)
            offsets.append(message.offset())
        return sorted(offset for offset in offsets if offset is not None)

    def delete_records(self, topic: str, before_offset: int, partition: int = 0) -> None:
        """Delete what lies before an offset, as retention does to a reader who is late."""
        where = TopicPartition(topic, partition, before_offset)
        self._administer(lambda admin: admin.delete_records([where]))

    # ---- Consumer groups

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """Tell the committed offset of each partition that has one."""
        # By a consumer: AdminClient.list_consumer_group_offsets crashes the process if the server
        # is still loading its groups (librdkafka issue 5040, seen with 2.16).
        consumer = Consumer({**self._plain_config(), "group.id": group})
        try:
            partitions = consumer.list_topics(topic, timeout=_PATIENCE_S).topics[topic].partitions
            asked = [TopicPartition(topic, partition) for partition in partitions]
            found: list[TopicPartition] = []

            def is_told() -> bool:
                try:
                    found[:] = consumer.committed(asked, timeout=_PATIENCE_S)
                except KafkaException as error:
                    if error.args[0].code() not in _STILL_LOADING:
                        raise
                    return False
                return True

            _wait_until(is_told)
        finally:
            consumer.close()
        return {place.partition: place.offset for place in found if place.offset >= 0}

    def forget_offsets(self, group: str) -> None:
        """Forget a group, as Kafka does when it was unused for a week; no member may be left."""
        self._administer(lambda admin: admin.delete_consumer_groups([group]))

    # ---- Who may do what

    def set_password(self, user: User, password: str) -> User:
        """Give a user a password, and create the user if need be; return the new credential."""
        changed = replace(user, password=password)
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        upsertion = UserScramCredentialUpsertion(user.name, info, password.encode())
        self._administer(lambda admin: admin.alter_user_scram_credentials([upsertion]))
        _wait_until(lambda: self.accepts(changed))
        return changed

    def revoke(self, user: User) -> None:
        """Refuse new logins of a user; sessions stay until a restart or `reauth_seconds`."""
        deletion = UserScramCredentialDeletion(user.name, ScramMechanism.SCRAM_SHA_512)
        self._administer(lambda admin: admin.alter_user_scram_credentials([deletion]))
        _wait_until(lambda: not self.accepts(user))

    def restore(self, user: User) -> None:
        """Take back `revoke`."""
        self.set_password(user, user.password)

    def accepts(self, user: User) -> bool:
        """Tell whether a user can log in at `scram` now."""
        refusals: list[KafkaError] = []
        config = {**self.scram_config(user), "error_cb": refusals.append}
        client = AdminClient(config)
        for _ in range(100):
            with suppress(KafkaException):
                client.list_topics(timeout=0.1)
                return True
            client.poll(0)
            if any(error.code() == KafkaError._AUTHENTICATION for error in refusals):
                return False
        raise RuntimeError(f"no answer to a login within 10 s: {refusals}")

    def allow(self, user: User, topic: str = TOPIC, group_prefix: str | None = None) -> None:
        """Let a user read a topic, in groups whose names start with the prefix ("NAME-")."""
        prefix = f"{user.name}-" if group_prefix is None else group_prefix
        literal, prefixed = ResourcePatternType.LITERAL, ResourcePatternType.PREFIXED
        rules = [
            _rule(user, ResourceType.TOPIC, topic, literal, AclOperation.READ),
            _rule(user, ResourceType.TOPIC, topic, literal, AclOperation.DESCRIBE),
            _rule(user, ResourceType.GROUP, prefix, prefixed, AclOperation.READ),
        ]
        self._administer(lambda admin: admin.create_acls(rules))
        _wait_until(lambda: len(self._rules(user, topic)) == 2)

    def deny(self, user: User, topic: str = TOPIC) -> None:
        """Take back what `allow` gave on a topic; readers are refused at their next fetch."""
        self._administer(lambda admin: admin.delete_acls([_rules_filter(user, topic)]))
        _wait_until(lambda: not self._rules(user, topic))

    def scram_config(self, user: User) -> dict[str, Any]:
        """Give the settings with which a confluent_kafka client logs in at `scram`."""
        return {
            "bootstrap.servers": self.scram,
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(self.ca_file),
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": user.name,
            "sasl.password": user.password,
            "log_level": 0,  # librdkafka writes to standard error, past pytest
        }

    def auth_toml(
        self, directory: Path, user: User | None = None, client: User | None = None
    ) -> Path:
        """Write hop's `auth.toml` for both listeners, for XDG_CONFIG_HOME=directory.

        Parameters
        ----------
        directory
            Where `hop/auth.toml` is written.
        user, client
            Other credentials than those of `self.user` and `self.client`.

        Returns
        -------
        Path
            The file, readable by its owner only, as hop demands.
        """
        user, client = user or self.user, client or self.client
        shared = {"protocol": "SASL_SSL", "ssl_ca_location": str(self.ca_file)}
        tables: list[dict[str, str]] = [
            {
                "username": user.name,
                "password": user.password,
                "hostname": self.scram,
                "mechanism": "SCRAM-SHA-512",
                **shared,
            },
            {
                "username": client.name,
                "password": client.password,
                "hostname": self.oauth,
                "mechanism": "OAUTHBEARER",
                "token_endpoint": self.token_endpoint,
                **shared,
            },
        ]
        lines = []
        for table in tables:
            lines += ["[[auth]]", *(f"{key} = {json.dumps(table[key])}" for key in table), ""]
        path = directory / "hop" / "auth.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text("\n".join(lines))
        return path

    # ---- How it is done

    def _prepare(self) -> None:
        reason = missing()
        if reason is not None:
            raise RuntimeError(reason)
        if self._sharing is None:
            self._sharing = _class_sharing()
        self.directory.mkdir(parents=True, exist_ok=True)
        _make_certificates(self.directory)
        self._properties.write_text(self._settings())
        what = ("kafka.tools.StorageTool", "format", "--standalone", "--cluster-id", _CLUSTER_ID)
        _run(*self._java(), *what, "--config", self._properties)

    def _furnish(self) -> None:
        for topic in (TOPIC, FORBIDDEN):
            self.create_topic(topic)
        self.restore(self.user)
        for user in (self.user, self.client):
            self.allow(user)

    @property
    def _properties(self) -> Path:
        return self.directory / "server.properties"

    def _settings(self) -> str:
        modules = "org.apache.kafka.common.security"
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "log.dirs": self.directory / "data",
            "controller.quorum.bootstrap.servers": self._controller,
            "controller.listener.names": "CONTROLLER",
            "listeners": f"SCRAM://{self.scram},OAUTH://{self.oauth},PLAIN://{self.plain},"
            f"CONTROLLER://{self._controller}",
            "advertised.listeners": f"SCRAM://{self.scram},OAUTH://{self.oauth},"
            f"PLAIN://{self.plain}",
            "listener.security.protocol.map": "SCRAM:SASL_SSL,OAUTH:SASL_SSL,PLAIN:PLAINTEXT,"
            "CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "PLAIN",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.directory / "server.pem",
            "listener.name.scram.sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.scram.scram-sha-512.sasl.jaas.config": f"{modules}.scram"
            ".ScramLoginModule required;",
            "listener.name.oauth.sasl.enabled.mechanisms": "OAUTHBEARER",
            # With no other handler named, Kafka takes unsigned tokens. The claim is what the
            # module asks of a server that would log in somewhere itself.
            "listener.name.oauth.oauthbearer.sasl.jaas.config": f"{modules}.oauthbearer"
            '.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="server";',
            "connections.max.reauth.ms": round(self._reauth_seconds * 1000),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS;User:admin",
            "auto.create.topics.enable": "false",
            "num.partitions": self._partitions,
            "message.max.bytes": MAX_MESSAGE_BYTES,
            "replica.fetch.max.bytes": MAX_MESSAGE_BYTES,
            "log.retention.ms": -1,  # `delete_records` takes the part of retention
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            # After a kill the server waits until its former self has expired, 9 s by default.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            "log.cleaner.dedupe.buffer.size": 4 * 2**20,  # 128 MiB of the heap otherwise
        }
        return "".join(f"{key}={value}\n" for key, value in settings.items())

    def _java(self) -> list[str]:
        return [
            shutil.which("java") or "java",
            *_JAVA_OPTIONS,
            *self._compiler,
            *([self._sharing] if self._sharing else []),
            f"-Dkafka.log={self.directory / 'server.log'}",
            f"-Dlog4j2.configurationFile={_LOG_CONFIG}",
            "-cp",
            f"{_fetched_libs()}/*",
        ]

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [*self._java(), "kafka.Kafka", str(self._properties)]
        with (self.directory / "java.err").open("ab") as errors:
            return subprocess.Popen(
                ["/bin/sh", "-c", _GUARDED, "sh", *command],
                stdin=subprocess.PIPE,
                stdout=errors,
                stderr=errors,
                start_new_session=True,  # Ctrl-C is for us: the server is stopped in order
            )

    def _await_answer(self) -> None:
        end = time.monotonic() + _PATIENCE_S
        while not self._answers():
            died = self._process is None or self._process.poll() is not None
            if died or time.monotonic() > end:
                self.close()
                told = [self.directory / "java.err", self.directory / "server.log"]
                text = "".join(path.read_text()[-3000:] for path in told if path.exists())
                raise RuntimeError(f"Apache Kafka did not start:\n{text}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        host, _, port = self.plain.partition(":")
        with suppress(OSError):
            socket.create_connection((host, int(port)), timeout=1).close()
            with suppress(KafkaException):
                return bool(self._admin().list_topics(timeout=5).brokers)
        return False

    def _plain_config(self) -> dict[str, Any]:
        return {"bootstrap.servers": self.plain, "log_level": 0}

    def _admin(self) -> AdminClient:
        # A new one each time: one that is kept would go on knocking while the server is down.
        return AdminClient(self._plain_config())

    def _administer(self, ask: Callable[[AdminClient], Mapping[Any, Future[Any]]]) -> list[Any]:
        admin = self._admin()  # must live until the answers are there
        return [future.result() for future in ask(admin).values()]

    def _rules(self, user: User, topic: str) -> list[AclBinding]:
        admin = self._admin()
        return list(admin.describe_acls(_rules_filter(user, topic)).result())


class _TokenEndpoint:
    """Hands out unsigned tokens to one client, as GCN's hands out signed ones."""

    def __init__(self, port: int, client: User) -> None:
        self._port = port
        self._client = client
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        if self._server is None:
            self._server = ThreadingHTTPServer(("127.0.0.1", self._port), self._handler())
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        client = self._client

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                form = parse_qs(self.rfile.read(length).decode())
                if form.get("grant_type") != ["client_credentials"]:
                    self.answer(400, {"error": "unsupported_grant_type"})
                elif _given_credential(self.headers.get("Authorization", ""), form) != client:
                    self.answer(401, {"error": "invalid_client"})
                else:
                    token = _unsigned_token(client.name)
                    answer = {"access_token": token, "token_type": "Bearer", "expires_in": 3600}
                    self.answer(200, answer)

            def answer(self, status: int, content: dict[str, object]) -> None:
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        return Handler


def _given_credential(authorization: str, form: Mapping[str, list[str]]) -> User | None:
    """Read a client's credential from the header (RFC 6749, 2.3.1) or else from the form."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() == "basic":
        name, _, secret = base64.b64decode(encoded).decode().partition(":")
        return User(name, secret)
    if "client_id" in form and "client_secret" in form:
        return User(form["client_id"][0], form["client_secret"][0])
    return None


def _unsigned_token(subject: str) -> str:
    now = int(time.time())
    claims = {"sub": subject, "iat": now, "exp": now + 3600, "scope": "gcn.nasa.gov/kafka"}
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join([*(part.rstrip("=") for part in encoded), ""])


def _rule(
    user: User,
    kind: ResourceType,
    name: str,
    pattern: ResourcePatternType,
    operation: AclOperation,
) -> AclBinding:
    who, allow = f"User:{user.name}", AclPermissionType.ALLOW
    return AclBinding(kind, name, pattern, who, "*", operation, allow)


def _rules_filter(user: User, topic: str) -> AclBindingFilter:
    return AclBindingFilter(
        ResourceType.TOPIC,
        topic,
        ResourcePatternType.LITERAL,
        f"User:{user.name}",
        "*",
        AclOperation.ANY,
        AclPermissionType.ANY,
    )


def _wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for a change to pass from the controller, which confirms it, to the broker."""
    end = time.monotonic() + _PATIENCE_S
    while not is_so():
        if time.monotonic() > end:
            raise RuntimeError("Apache Kafka did not carry out what it confirmed")
        time.sleep(0.01)


def _free_ports(number: int) -> list[int]:
    """Find ports below those that the system lends to clients (from 32768 on).

    One of the system's might be lent away while the server is down, even to a client of ours that
    knocks at it: it would be connected to itself.
    """
    found: list[int] = []
    while len(found) < number:
        port = random.randrange(20000, 32768)  # noqa: S311
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in found:
                found.append(port)
    return found


def _make_certificates(directory: Path) -> None:
    """Make an authority, and a server's key and certificate in one file, as Kafka wants them."""
    openssl = shutil.which("openssl") or "openssl"
    authority, signed, both = (directory / n for n in ("ca.pem", "signed.pem", "server.pem"))
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    rights, key, request = (directory / n for n in ("ca.key", "server.key", "server.csr"))
    may = ("-addext", "keyUsage=critical,keyCertSign,cRLSign", "-subj", "/CN=Test authority")
    ten_years = ("-days", "3650")
    _run(openssl, "req", "-x509", *new, *may, *ten_years, "-keyout", rights, "-out", authority)
    _run(openssl, "req", *new, "-subj", "/CN=localhost", "-keyout", key, "-out", request)
    names = directory / "names.ext"
    names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    sign = ("x509", "-req", "-CA", authority, "-CAkey", rights, "-CAcreateserial")
    _run(openssl, *sign, *ten_years, "-extfile", names, "-in", request, "-out", signed)
    both.write_text(key.read_text() + signed.read_text())


def _libs() -> Path:
    """Directory of Kafka's own files, by the version that the pom names."""
    chosen = os.environ.get("SIRENFLOW_KAFKA_LIBS")
    if chosen:
        return Path(chosen)
    version = re.search(r"kafka_2.13</artifactId>\s*<version>([^<]+)<", _POM.read_text())
    if version is None:
        raise RuntimeError(f"{_POM} names no version of kafka_2.13")
    return ROOT / ".kafka" / version[1]


def _fetched_libs() -> Path:
    """Fetch Kafka's own files unless they are there; all of them appear at once or none does."""
    libs = _libs()
    if libs.is_dir():
        return libs
    libs.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=libs.parent, prefix=".fetch-") as scratch:
        fetched = Path(scratch, "libs")
        mvn = shutil.which("mvn") or "mvn"
        goal = ("dependency:copy-dependencies", f"-DoutputDirectory={fetched}")
        _run(mvn, "-q", "-B", "-f", _POM, *goal)
        try:
            fetched.rename(libs)
        except OSError:  # another process was faster
            if not libs.is_dir():
                raise
    return libs


def _class_sharing() -> str:
    """Give the option by which Java starts in half the time, from an archive of loaded classes.

    A first server is run to write it. Another Java than the one that wrote it ignores it.
    """
    libs = _fetched_libs()
    archive = libs / "classes.jsa"
    if not archive.exists() and os.access(libs, os.W_OK):
        with tempfile.TemporaryDirectory(dir=libs, prefix=".classes-") as scratch:
            new = Path(scratch, archive.name)
            server = ApacheKafka(Path(scratch, "server"))
            server._sharing = f"-XX:ArchiveClassesAtExit={new}"
            try:
                server.start()
                server.stop()
            finally:
                server.close()
            new.touch()  # a Java that wrote none need not be asked again
            new.rename(archive)
    return f"-XX:SharedArchiveFile={archive}"


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{(done.stdout + done.stderr)[-3000:]}")


def _serve() -> None:
    with tempfile.TemporaryDirectory(prefix="kafka-") as scratch:
        directory = Path(sys.argv[1] if len(sys.argv) > 1 else scratch)
        with ApacheKafka(directory) as kafka:
            kafka.auth_toml(directory)
            sys.stdout.write(
                f"Apache Kafka in {directory}, until Ctrl-C; topics {TOPIC} and {FORBIDDEN}\n"
                f"  kafka://{kafka.scram}/{TOPIC}  login by password: {kafka.user.name}\n"
                f"  kafka://{kafka.oauth}/{TOPIC}  login by token: {kafka.client.name}\n"
                f"  kafka://{kafka.plain}/{TOPIC}  no login, no encryption, may do everything\n"
                f"Credentials for hop and sirenflow: export XDG_CONFIG_HOME={directory}\n"
            )
            sys.stdout.flush()
            with suppress(KeyboardInterrupt):
                signal.pause()


if __name__ == "__main__":
    if reason := missing():
        sys.exit(reason)
    # As Ctrl-C, so that the server is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _serve()
