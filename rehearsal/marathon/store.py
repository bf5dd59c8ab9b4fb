"""Marathon's state in ZooKeeper: `<path>/state/<category>/<bucket>/<id>[/<version>]`, where Marathon 1.5+ keeps it.

The nodes' content is JSON (the real ones mostly hold protocol buffers): two kinds of Marathon on one path do not mix.
Every function raises kazoo's exceptions when ZooKeeper is away; who loses ZooKeeper cannot lead and exits.
"""
import json

from kazoo.exceptions import NoNodeError

from . import OLD


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
            return "/".join(filter(None, [self.root, f"{category}:{identifier}", version]))
        return "/".join(filter(None, [self.root, category, _bucket(identifier), identifier, version]))

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
        try:
            return sorted(self.client.get_children(self._path(category, identifier)), reverse=True)
        except NoNodeError:
            return []

    def remove(self, category, identifier):
        """Forget it with all its versions."""
        try:
            self.client.delete(self._path(category, identifier), recursive=True)
        except NoNodeError:
            pass

    def all(self, category):
        """Every current value of a category."""
        try:
            if OLD:
                names = [("", name.partition(":")[2]) for name in self.client.get_children(self.root) if name.startswith(f"{category}:")]
            else:
                base = f"{self.root}/{category}"
                names = [(b, name) for b in self.client.get_children(base) for name in self.client.get_children(f"{base}/{b}")]
        except NoNodeError:
            return []
        return [value for _, name in sorted(names) if (value := self.get(category, name)) is not None]
