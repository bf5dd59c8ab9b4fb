"""A stand-in for Marathon 1.11: the same settings, REST API, ZooKeeper nodes and tasks, in a small and readable form.

It is for rehearsing a cluster where the real images cannot be had. What it does is what the real Marathon was seen to
do; what it leaves out: pods, persistent volumes, secrets, plugins, authentication, metrics of any worth.
"""
import os

VERSION = os.environ.get("STAND_IN_VERSION", "1.11.0")
"""Version of the software stood in for."""

OLD = VERSION.startswith("0.")
"""Whether to speak the dialect of the 0.x line: other ZooKeeper nodes, task ids and environment, forgiving teardown."""


def log(text):
    """A line for `docker logs`; each says what speaks."""
    print(f"[stand-in for Marathon {VERSION}] {text}", flush=True)
