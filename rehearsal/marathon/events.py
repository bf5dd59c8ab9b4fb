"""The event bus behind /v2/events."""
import queue
import time
from datetime import datetime, timezone


def now():
    """The time as Marathon writes it."""
    return stamp(time.time())


def stamp(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(seconds * 1000) % 1000:03d}Z"


class Bus:
    """Subscribers are queues of (type, event); one that is not read holds 1,000 events and loses the rest."""

    def __init__(self):
        self._subscribers = []

    def subscribe(self, types):
        """types: event types wanted; empty for all."""
        subscriber = queue.Queue(1000)
        self._subscribers.append((subscriber, set(types)))
        return subscriber

    def unsubscribe(self, subscriber):
        self._subscribers = [each for each in self._subscribers if each[0] is not subscriber]

    def publish(self, kind, **fields):
        event = {**fields, "eventType": kind, "timestamp": now()}
        for subscriber, types in list(self._subscribers):
            if (not types or kind in types) and not subscriber.full():
                subscriber.put_nowait((kind, event))
