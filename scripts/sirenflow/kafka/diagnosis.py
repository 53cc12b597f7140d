"""Explain in one line why a Kafka server refuses a connection, and what to do."""

import re
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from hop.auth import Auth

from sirenflow.errors import StreamError
from sirenflow.kafka.address import Address

# Before the cause the library names one of the server's connections.
_WHERE = re.compile(r"^(\w+://)?\S+/(bootstrap|[0-9]+): ")
_DIAGNOSIS_SECONDS = 8.0
_MORE_SECONDS, _END_SECONDS = 5.0, 2.0
# What of the listener's settings an administrator's client does not know, or must not call.
_OF_CONSUMERS = (
    "fetch.queue.backoff.ms",
    "on_commit",
    "queued.max.messages.kbytes",
    "statistics.interval.ms",
    "stats_cb",
)


def explain(error: Exception, address: Address) -> str:
    """Say what an error of the connection means."""
    match error:
        case StreamError():
            return str(error)
        case ValueError() if "does not exist" in str(error):
            return (
                f"no topic {address.topic!r} on {address.broker} that this login may read; "
                "check its name, and that the login has permission to read it"
            )
        case KafkaException() if error.args and isinstance(error.args[0], KafkaError):
            return explain_code(error.args[0], address)
        case _:
            return f"{type(error).__name__}: {error}"


def explain_code(error: KafkaError, address: Address) -> str:
    """Say what an error of Kafka's means."""
    text = _without_details(error.str())
    match error.code():
        case KafkaError._AUTHENTICATION:
            return (
                f"{address.broker} refuses the login: {text}; check user name and password, and "
                "that the account is active (a new one can take an hour)"
            )
        case KafkaError._SSL:
            return f"no secure connection to {address.broker}: {text}"
        case KafkaError._RESOLVE:
            return f"no server is called {address.host}: {text}"
        case KafkaError.TOPIC_AUTHORIZATION_FAILED:
            return (
                f"this login may not read {address.topic!r} on {address.broker}; ask for "
                "permission where you made the login"
            )
        case KafkaError.GROUP_AUTHORIZATION_FAILED:
            return (
                "this login may not use the group id; on SCiMMA it must begin with the user name "
                "and '-'"
            )
        case KafkaError._ALL_BROKERS_DOWN:  # whose text counts connections
            return f"cannot connect to {address.broker}: it does not answer"
        case KafkaError._TRANSPORT | KafkaError._TIMED_OUT:
            return f"cannot connect to {address.broker}: {text}"
        case _:
            return f"{error.name()}: {text}"


def diagnose(
    auth: Auth, address: Address, is_over: Callable[[], bool] = lambda: False
) -> KafkaError | None:
    """Find out why there is no connection, which hop-client does not tell.

    Return the first error that gives a reason; None if the connection is made after all.

    Parameters
    ----------
    auth
        The login, or `with_settings(None, ...)`.
    is_over
        Says whether nobody waits for the answer any more.
    """
    answers: SimpleQueue[KafkaError | Exception | None] = SimpleQueue()

    def ask() -> None:
        try:
            _ask(auth, address, is_over, answers.put)
        except Exception as error:
            answers.put(error)

    # In a thread, as librdkafka may never return from the end of the client.
    asking = threading.Thread(target=ask, name=f"{address.name}: diagnosis", daemon=True)
    asking.start()
    try:
        answer = answers.get(timeout=_DIAGNOSIS_SECONDS + _MORE_SECONDS)
    except Empty:
        return KafkaError(KafkaError._TIMED_OUT, "no answer")
    asking.join(_END_SECONDS)
    if isinstance(answer, Exception):
        raise answer
    return answer


def _ask(
    auth: Auth,
    address: Address,
    is_over: Callable[[], bool],
    answer: Callable[[KafkaError | None], None],
) -> None:
    """Return the answer of `diagnose` before the client ends."""
    found: list[KafkaError] = []
    settings = {**auth(), "bootstrap.servers": address.broker, "error_cb": found.append}
    for name in _OF_CONSUMERS:
        settings.pop(name, None)
    client = AdminClient(settings)
    end = time.monotonic() + _DIAGNOSIS_SECONDS
    while time.monotonic() < end and not is_over():
        client.poll(0.2)
        telling = [error for error in found if error.code() != KafkaError._ALL_BROKERS_DOWN]
        if telling:
            return answer(telling[0])
        try:
            client.list_topics(timeout=0.2)
        except KafkaException:
            continue
        return answer(None)
    return answer(found[0] if found else KafkaError(KafkaError._TIMED_OUT, "no answer"))


def _without_details(text: str) -> str:
    """Leave out what differs from one attempt to the next: the same trouble is told once."""
    return _WHERE.sub("", text.split(" (after ")[0])
