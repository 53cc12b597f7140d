"""Messages on a socket: each is received once, however the system cuts or joins them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from threading import Thread

import pytest

from sirenflow.processes.channel import Connection


@pytest.fixture
def pair() -> Iterator[tuple[Connection, socket.socket]]:
    """Connect a `Connection` with a socket on which a test writes bytes."""
    ours, theirs = socket.socketpair()
    connection = Connection(ours)
    connection.set_timeout(60)
    yield connection, theirs
    connection.close()
    theirs.close()


def test_messages_that_arrive_together_are_received_one_by_one(
    pair: tuple[Connection, socket.socket],
) -> None:
    connection, other = pair
    other.sendall(b'{"task": 1}\n{"task": 2}\n{"task": 3}\n')
    other.close()
    assert [connection.receive()["task"] for _ in range(3)] == [1, 2, 3]
    with pytest.raises(EOFError):
        connection.receive()


def test_message_in_parts_is_received_whole(pair: tuple[Connection, socket.socket]) -> None:
    connection, other = pair
    other.sendall(b'{"task": 1}\n{"ta')
    assert connection.receive() == {"task": 1}
    other.sendall(b'sk": 2}\n')
    assert connection.receive() == {"task": 2}


def test_message_that_is_cut_short_is_the_end(pair: tuple[Connection, socket.socket]) -> None:
    connection, other = pair
    other.sendall(b'{"task": 1}\n{"task": ')
    other.close()
    assert connection.receive() == {"task": 1}
    with pytest.raises(EOFError):
        connection.receive()


def test_message_larger_than_the_buffers_of_the_system(
    pair: tuple[Connection, socket.socket],
) -> None:
    connection, other = pair
    message = {"text": "\n" * 2**22}
    sender = Connection(other)
    thread = Thread(target=sender.send, args=(message,))
    thread.start()
    assert connection.receive() == message
    thread.join()


def test_message_that_json_cannot_hold_sends_nothing(
    pair: tuple[Connection, socket.socket],
) -> None:
    connection, other = pair
    with pytest.raises(TypeError):
        connection.send({"text": object()})
    other.setblocking(False)
    with pytest.raises(BlockingIOError):
        other.recv(1)


def test_wait_takes_nothing(pair: tuple[Connection, socket.socket]) -> None:
    connection, other = pair
    other.sendall(b'{"task": 1}\n{"task": 2}\n')
    for task in (1, 2):
        connection.wait()
        assert connection.receive() == {"task": task}
    other.close()
    connection.wait()
    with pytest.raises(EOFError):
        connection.receive()
