"""The event bus behind /v2/events."""
import queue
import time
from datetime import datetime, timezone


def now():
    """The time as Marathon writes it."""
    return stamp(time.time())


def stamp(seconds):
    """Seconds since 1970 as Marathon writes them; `seconds` reads them back."""
    milliseconds = round(seconds * 1000)
    return datetime.fromtimestamp(milliseconds // 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}Z"


def seconds(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


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
