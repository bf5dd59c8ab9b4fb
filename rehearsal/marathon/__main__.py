"""Starts the stand-in: settings, ZooKeeper, leadership; then the REST API and the connection to Mesos."""
import os
import queue
import signal
import sys
import threading
import time
import uuid

from . import OLD, log
from .options import Options, Refused

# The exit codes of Marathon 1.11; 105, 106 and 110 are in driver.py.
EXIT_NO_ZOOKEEPER, EXIT_ZOOKEEPER_LOST, EXIT_LEADERSHIP_LOST, EXIT_ELECTION_FAILED = 100, 101, 103, 104
EXIT_NO_FRAMEWORK_ID, EXIT_BINDING, EXIT_OPTION = 108, 111, 112


class Marathon:
    def __init__(self, options):
        self.options, self.server, self.driver, self.client = options, None, None, None
        self._members, self._ending = queue.Queue(), threading.Lock()

    def exit(self, code):
        """End now. Our latch goes with the session, so that another can lead at once; tasks go on."""
        if not self._ending.acquire(blocking=False):
            threading.Event().wait()  # another thread is at it
        log(f"exiting with {code}")
        # A latch that stays costs the next one a restart and no less time than its session has. Where ZooKeeper is out of reach it stays.
        patience = self.options.zk_session_timeout / 1000 if self.client and self.client.connected else 2
        threading.Timer(patience, lambda: os._exit(code)).start()
        try:
            self.client.remove_listener(self._session_changed)
            if self.driver:
                self.driver.close()
            self.client.stop()
        except Exception as error:
            log(f"while closing: {error}")
        os._exit(code)

    def run(self):
        self._connect()
        label, mine = self._contend()
        self._stand_by(label, mine)
        self._lead(mine)

    # ZooKeeper and leadership.

    def _connect(self):
        from kazoo.client import KazooClient
        url = self.options.zk_url
        self.client = KazooClient(hosts=url.hosts, timeout=self.options.zk_session_timeout / 1000,
                                  auth_data=[("digest", url.auth)] if url.auth else None)
        try:
            self.client.start(timeout=self.options.zk_connection_timeout / 1000)
        except Exception as error:
            log(f"cannot connect to ZooKeeper at {url.hosts}: {error}")
            os._exit(EXIT_NO_ZOOKEEPER)
        self.client.add_listener(self._session_changed)

    def _session_changed(self, state):
        if state == "LOST" or state == "SUSPENDED" and self.server and self.server.api:  # who leads gives up as soon as in doubt
            log("lost ZooKeeper")
            code = EXIT_LEADERSHIP_LOST if self.server and self.server.api else EXIT_ZOOKEEPER_LOST
            threading.Thread(target=self.exit, args=(code,)).start()

    def _contend(self):
        """Join the latch; returns the latch's folder and our node's name."""
        base = self.options.zk_url.path.rstrip("/")
        folder, label = (f"{base}/leader", "member_") if OLD else (f"{base}/leader-curator", f"_c_{uuid.uuid4()}-latch-")
        node = self.client.create(f"{folder}/{label}", self.options.host_port.encode(), ephemeral=True, sequence=True, makepath=True)
        return folder, node.rpartition("/")[2]

    def _stand_by(self, folder, mine):
        """Return when we lead. Meanwhile requests go to whoever does."""
        from kazoo.exceptions import NoNodeError
        from kazoo.recipe.watchers import ChildrenWatch
        ChildrenWatch(self.client, folder, lambda names: self._members.put(sorted(names, key=lambda name: name[-10:])))
        haunted = False
        while True:
            members = self._members.get()
            if mine not in members:
                log("our leadership node is gone")
                self.exit(EXIT_LEADERSHIP_LOST)
            contents = {}
            for name in members:
                try:
                    contents[name] = self.client.get(f"{folder}/{name}")[0].decode()
                except NoNodeError:
                    pass
            if any(content == self.options.host_port for name, content in contents.items() if name != mine):
                # A predecessor at our own address that died without a word. The real Marathon cannot tell its node from
                # ours and exits; it takes seconds to start, we do not, so we wait for the node to go before we exit too.
                if not haunted:
                    log(f"another candidate has our address {self.options.host_port}: waiting for its session to end")
                haunted = True
            elif haunted:
                # Masters wait for such sessions, too. Whoever stops us when the new one leads must not meet the first moments of
                # the next process: the kernel keeps from process 1 what it has no handler for yet, which Python's own start is too slow for.
                time.sleep(2)
                self.exit(EXIT_ELECTION_FAILED)
            elif members[0] == mine:
                break
            elif members[0] in contents:
                self._serve()
                self.server.leader = contents[members[0]]
                log(f"standing by; leader is {self.server.leader}")
        threading.Thread(target=self._watch_latch, args=(mine,), daemon=True).start()

    def _watch_latch(self, mine):
        while mine in self._members.get():
            pass
        log("our leadership node is gone")
        self.exit(EXIT_LEADERSHIP_LOST)

    def _serve(self):
        if self.server is None:
            from .server import Server
            try:
                self.server = Server(self.options)
            except OSError as error:
                log(f"cannot listen on {self.options.http_address or ''}:{self.options.http_port}: {error}")
                self.exit(EXIT_BINDING)
            threading.Thread(target=self.server.serve_forever, daemon=True).start()

    # Leading.

    def _lead(self, mine):
        import libprocess
        from .api import Api
        from .deployments import Deployments
        from .driver import Driver
        from .events import Bus
        from .groups import Groups
        from .scheduler import Scheduler
        from .store import Store
        log(f"elected as leader ({mine})")
        options, bus = self.options, Bus()
        store = Store(self.client, options.zk_url.path, options.zk_max_versions)
        if not OLD and store.get("framework-id", "id") is None and store.all("instance"):
            log("instances are recorded but no framework id: refusing to register as a new framework. "
                f"Remove {store.root}/instance to forget them")
            self.exit(EXIT_NO_FRAMEWORK_ID)

        def framework_id(new=None, forget=False):
            if forget and OLD:
                store.remove("framework-id", "id")
                return True
            if forget:
                return False
            if new and new != (store.get("framework-id", "id") or {}).get("id"):
                store.put("framework-id", "id", {"id": new})
                framework_id.known = new
            if framework_id.known is None:
                framework_id.known = (store.get("framework-id", "id") or {}).get("id")
            return framework_id.known
        framework_id.known = None

        try:
            process = libprocess.Process(f"scheduler-{uuid.uuid4()}", ip=options.libprocess_ip, port=options.libprocess_port)
        except OSError as error:
            log(f"cannot listen for Mesos on {options.libprocess_ip or ''}:{options.libprocess_port}: {error}")
            self.exit(EXIT_BINDING)
        self.driver = driver = Driver(options, process, bus, self.exit, framework_id)
        groups = Groups(options, store, bus)
        scheduler = Scheduler(options, store, bus, process, driver, groups, lambda app: bool(deployments.of(app)), lambda: deployments.wake())
        driver.scheduler = scheduler

        def stopped(app_id):
            groups.removed(app_id)
            scheduler.app_gone(app_id)
        deployments = groups.deployments = Deployments(store, bus, process, scheduler, groups.find, stopped)
        abdicate = lambda: process.after(0.5, lambda: self.exit(105))
        api = Api(options, bus, process, groups, deployments, scheduler, driver, framework_id, abdicate)
        process.dispatch(scheduler.start)
        process.dispatch(driver.start)
        deployments.wake()
        self._serve()
        self.server.api = api
        log(f"listening on {options.http_address or '0.0.0.0'}:{options.http_port}, scheduler {process.pid}")
        process.run()


def main():
    log("This is a stand-in for Marathon, for rehearsal; it is not Marathon.")
    try:
        options = Options()
    except Refused as error:
        log(str(error))
        sys.exit(EXIT_OPTION)
    marathon = Marathon(options)
    # Handlers run in the main thread between two of its steps; closing takes locks, so it is done in another.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda signum, _: threading.Thread(target=marathon.exit, args=(128 + signum,)).start())
    marathon.run()


main()
