"""Marathon's state in ZooKeeper: `<path>/state/<category>/<bucket>/<id>[/<version>]`, where Marathon 1.5+ keeps it.

The nodes' content is JSON (the real ones mostly hold protocol buffers): two kinds of Marathon on one path do not mix.
Every function raises kazoo's exceptions when ZooKeeper is away; who loses ZooKeeper cannot lead and exits.
"""
import json

from kazoo.exceptions import NoNodeError

from . import OLD


_OLD_NAMES = {"apps": "app", "instance": "task", "framework-id": "framework"}


def _bucket(identifier):
    code = 0
    for character in identifier:  # Java's String.hashCode
        code = (code * 31 + ord(character)) & 0xFFFFFFFF
    return f"{abs(code - (1 << 32) if code >> 31 else code) % 16:x}"


def key(path):
    """An app's or group's id as a node name: `/a/b` -> `a_b`."""
    return path.strip("/").replace("/", "_")


class Store:
    def __init__(self, client, path, max_versions):
        self.client, self.root, self.max_versions = client, f"{path.rstrip('/')}/state", max_versions

    def _path(self, category, identifier, version=None):
        if OLD:  # the 0.x line keeps everything flat
            return f"{self.root}/" + ":".join(filter(None, [_OLD_NAMES.get(category, category), identifier, version]))
        return "/".join(filter(None, [self.root, category, _bucket(identifier), identifier, version]))

    def _children(self, path):
        try:
            return self.client.get_children(path)
        except NoNodeError:
            return []

    def put(self, category, identifier, value, version=None):
        """Write a value; with a version it is kept as that one too, and the oldest beyond max_versions go."""
        data = json.dumps(value).encode()
        for path in (self._path(category, identifier), version and self._path(category, identifier, version)):
            if path:
                try:
                    self.client.set(path, data)
                except NoNodeError:
                    self.client.create(path, data, makepath=True)
        if version:
            for old in self.versions(category, identifier)[self.max_versions:]:
                self.client.delete(self._path(category, identifier, old))

    def get(self, category, identifier, version=None):
        """The value, or None."""
        try:
            data = self.client.get(self._path(category, identifier, version))[0]
        except NoNodeError:
            return None
        return json.loads(data) if data else None

    def versions(self, category, identifier):
        """All kept versions, newest first."""
        if OLD:
            start = self._path(category, identifier, "x").rpartition("/")[2][:-1]
            found = [name[len(start):] for name in self._children(self.root) if name.startswith(start)]
        else:
            found = self._children(self._path(category, identifier))
        return sorted(found, reverse=True)

    def remove(self, category, identifier):
        """Forget it with all its versions."""
        for path in [*(self._path(category, identifier, version) for version in self.versions(category, identifier)), self._path(category, identifier)]:
            try:
                self.client.delete(path)
            except NoNodeError:
                pass

    def all(self, category):
        """Every current value of a category."""
        if OLD:
            start = _OLD_NAMES.get(category, category) + ":"
            names = [name[len(start):] for name in self._children(self.root) if name.startswith(start)]
            names = [name for name in names if ":" not in name]
        else:
            base = f"{self.root}/{category}"
            names = [name for bucket in self._children(base) for name in self._children(f"{base}/{bucket}")]
        return [value for name in sorted(names) if (value := self.get(category, name)) is not None]
