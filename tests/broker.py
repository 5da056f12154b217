"""Looks into the workers' queue on a real broker."""

from __future__ import annotations

import base64
import json
import socket
import threading
from typing import Any

import redis

QUEUE = "artsimilarity"


class Broker:
    """The messages that wait in the queue ``artsimilarity``."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(url)

    def clear(self) -> None:
        """Throw all messages away."""
        self._client.flushdb()

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def tasks(self) -> list[tuple[str, list[Any]]]:
        """Name and arguments of each task, oldest first."""
        messages = [json.loads(raw) for raw in reversed(self._client.lrange(QUEUE, 0, -1))]
        return [
            (message["headers"]["task"], json.loads(base64.b64decode(message["body"]))[0])
            for message in messages
        ]

    def waiting(self, queue: str) -> int:
        """How many messages wait in a queue."""
        return int(self._client.llen(queue))

    def unacknowledged(self) -> int:
        """How many messages workers have taken and not acknowledged."""
        return int(self._client.hlen("unacked"))

    def pks(self) -> list[str]:
        """Primary keys of the pictures that wait in the queue, one list over all tasks."""
        return [pk for _task, (_model, pks, _using) in self.tasks() for pk in pks]


class _Port:
    """A port in a broker's place, that accepts everybody and counts who came."""

    def __init__(self) -> None:
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._socket.getsockname()[1]}/0"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Let go of the port."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                visitor, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            self._receive(visitor)

    def _receive(self, visitor: socket.socket) -> None:
        raise NotImplementedError


class RefusingBroker(_Port):
    """A port that hangs up on everybody."""

    def _receive(self, visitor: socket.socket) -> None:
        visitor.close()


class SilentBroker(_Port):
    """A port that never says a word to anybody."""

    def __init__(self) -> None:
        self._visitors: list[socket.socket] = []
        super().__init__()

    def close(self) -> None:
        """Let go of the port and of all visitors."""
        super().close()
        for visitor in self._visitors:
            visitor.close()

    def _receive(self, visitor: socket.socket) -> None:
        self._visitors.append(visitor)
