"""Leader election through ZooKeeper, as Mesos does it: ephemeral sequence nodes, the lowest one leads.

A node of a process that died counts until its session ends (10 s); nobody can tell it from a living one.
kazoo takes a while to import, so it is imported only when a session starts.
"""
import re
import threading


class Url:
    """`zk://[user:password@]host:port[,host:port…]/path` -> .hosts (text for kazoo), .path, .auth; ValueError if malformed."""

    def __init__(self, text):
        match = re.fullmatch(r"zk://(?:([^@/]+)@)?([^/]+)(/.*)?", text.strip())
        if not match:
            raise ValueError("Expecting 'zk://' at the beginning of the URL")
        self.auth, self.hosts = match[1], match[2]
        self.path = "/" + (match[3] or "").strip("/")
        for host in self.hosts.split(","):
            if not re.fullmatch(r"[^:\s]+:\d+", host):
                raise ValueError(f"Expecting host:port in the ZooKeeper URL, got '{host}'")


class Session:
    """A ZooKeeper session that is never given up: while ZooKeeper is away it keeps trying.

    ready(client): called (in kazoo's thread) with each *new* session.
    lost(): called once per session when it expired, or when ZooKeeper was out of reach for `timeout` seconds (the
    session may then live on there, but nobody can rely on it; Mesos counts it as expired as well).
    """

    def __init__(self, url, ready, lost, timeout=10.0):
        self.url, self.timeout, self._ready, self._lost = url, timeout, ready, lost
        self._lock, self._timer, self._alive, self.client, self._closed = threading.Lock(), None, False, None, False
        threading.Thread(target=self._open, daemon=True).start()

    def _open(self):
        from kazoo.client import KazooClient
        retry = dict(max_tries=-1, delay=0.1, backoff=2, max_delay=1.0, max_jitter=0.1)
        client = KazooClient(hosts=self.url.hosts, timeout=self.timeout, connection_retry=retry,
                             auth_data=[("digest", self.url.auth)] if self.url.auth else None)
        with self._lock:
            if self._closed:
                return
            self.client = client
        client.add_listener(lambda state: self._changed(client, state))
        client.start_async()

    def close(self):
        """End the session: our nodes vanish at once. (Exiting without it leaves them for `timeout` seconds.)"""
        with self._lock:
            self._closed, client, self.client = True, self.client, None
        if client:
            client.stop()
            client.close()

    def _changed(self, client, state):
        with self._lock:
            if client is not self.client:
                return
            if self._timer:
                self._timer.cancel()
                self._timer = None
            if state == "CONNECTED" and not self._alive:
                self._alive = True
                threading.Thread(target=self._ready, args=(client,), daemon=True).start()
            elif state == "SUSPENDED" and self._alive:
                self._timer = threading.Timer(self.timeout, self._expire, args=(client,))
                self._timer.daemon = True
                self._timer.start()
            elif state == "LOST" and self._alive:
                threading.Thread(target=self._expire, args=(client,), daemon=True).start()

    def _expire(self, client):
        with self._lock:
            if client is not self.client:
                return
            self._alive, self.client = False, None
        self._lost()
        client.stop()
        self._open()


class Group:
    """Contends for leadership and watches who leads, in one session.

    url, label: nodes are `<path>/<label>NNNNNNNNNN`. data: bytes of our own node; None only watches.
    leader_changed(leader): leader is None or (name, bytes), called whenever it changes, in kazoo's threads.
    `mine` is the name of our own node, None while we have none: leader[0] == group.mine means that we lead.
    match: who counts as a member, by a part of its name; default: names that contain `label`.
    extra: {label: bytes} further ephemeral sequence nodes to make (as `log_replicas/` does).
    """

    def __init__(self, url, label, leader_changed, data=None, extra=None, timeout=10.0, match=None):
        self._url, self._label, self._data, self._extra, self._match = url, label, data, extra or {}, match or label
        self._leader_changed, self.mine, self._last, self._epoch = leader_changed, None, None, None
        self._lock = threading.Lock()
        self.session = Session(url, self._join, self._left, timeout)

    def close(self):
        """Leave the group at once."""
        self.session.close()

    def _join(self, client):
        from kazoo.exceptions import KazooException
        from kazoo.recipe.watchers import ChildrenWatch
        try:
            client.ensure_path(self._url.path)
            if self._data is not None:
                for label, data in self._extra.items():
                    client.create(f"{self._url.path.rstrip('/')}/{label}", data, ephemeral=True, sequence=True, makepath=True)
                node = client.create(f"{self._url.path.rstrip('/')}/{self._label}", self._data, ephemeral=True, sequence=True)
                self.mine = node.rpartition("/")[2]
            epoch = self._epoch = object()
            ChildrenWatch(client, self._url.path, lambda names: self._members(client, epoch, names))
        except KazooException:
            if client.connected:  # lost in between otherwise: the next session joins anew
                raise

    def _members(self, client, epoch, names):
        if epoch is not self._epoch:
            return False  # a watch of a session that is gone
        members = sorted((name for name in names if self._match in name), key=lambda name: name[-10:])
        from kazoo.exceptions import NoNodeError
        for name in members:
            try:
                self._announce((name, client.get(f"{self._url.path.rstrip('/')}/{name}")[0]))
                return True
            except NoNodeError:
                continue  # gone since it was listed
        self._announce(None)
        return True

    def _announce(self, leader):
        with self._lock:
            if leader == self._last:
                return
            self._last = leader
            self._leader_changed(leader)

    def _left(self):
        self._epoch, self.mine = None, None
        self._announce(None)
