"""A stand-in for Marathon 1.11: the same settings, REST API, ZooKeeper nodes and tasks, in a small and readable form.

It is for rehearsing a cluster where the real images cannot be had. What it does is what the real Marathon was seen to
do; what it leaves out: pods, persistent volumes, secrets, plugins, authentication, metrics of any worth.
"""
import os
import signal

# As process 1 it does not get a signal that it has no handler for, and what follows takes a while to load: until then there is nothing
# to close. __main__.py has the handlers for later.
signal.signal(signal.SIGTERM, lambda *_: os._exit(143))

VERSION = os.environ.get("STAND_IN_VERSION", "1.11.0")
"""Version of the software stood in for."""

OLD = VERSION.startswith("0.")
"""Whether to speak the dialect of the 0.x line: other ZooKeeper nodes, task ids and environment, forgiving teardown."""


def log(text):
    """A line for `docker logs`; each says what speaks."""
    print(f"[stand-in for Marathon {VERSION}] {text}", flush=True)
