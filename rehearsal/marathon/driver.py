"""Talks to the Mesos master: finds it in ZooKeeper, registers, passes messages on.

As in the real Marathon nothing is kept over a change of master: it gives up leadership and starts anew.
"""
import json

import zookeeper_group

from . import log

EXIT_ABDICATED, EXIT_SCHEDULER_ERROR, EXIT_REMOVED = 105, 106, 110
_HEARTBEAT = "heartbeat-"


class Driver:
    """process: a libprocess.Process. exit(code): ends Marathon. framework_id(new=None): reads or keeps the id.
    After `scheduler` is set, `start`."""

    def __init__(self, options, process, bus, exit_, framework_id):
        self.options, self.process, self.bus, self.exit, self.framework_id = options, process, bus, exit_, framework_id
        self.scheduler = self.master = self.master_info = self.group = None
        self.registered, self._missed = False, 0
        for message, handler in (
                ("FrameworkRegisteredMessage", self._registered), ("FrameworkReregisteredMessage", self._registered),
                ("ResourceOffersMessage", self._offers), ("RescindResourceOfferMessage", lambda *_: None),
                ("StatusUpdateMessage", self._status), ("LostSlaveMessage", self._lost_slave), ("FrameworkErrorMessage", self._error)):
            process.receive(message, self._alive(handler))

    def start(self):
        changed = lambda leader: self.process.dispatch(lambda: self._detected(leader))
        self.group = zookeeper_group.Group(self.options.master_url, "json.info_", changed, timeout=self.options.zk_session_timeout / 1000)
        self._beat()
        self.process.after(self.options.reconciliation_interval / 1000, self._reconcile_all)

    def close(self):
        if self.group:
            self.group.close()

    def _alive(self, handler):
        def handle(sender, body):
            if self.master and sender == self.master:  # anyone else is no master of ours (any more)
                self._missed = 0
                handler(sender, body)
        return handle

    # The master.

    def _detected(self, leader):
        if self.registered:
            log("the leading master changed: disconnected")
            self.bus.publish("scheduler_disconnected_event")
            self.exit(EXIT_ABDICATED)
        elif leader is None:
            self.master = None
            log("no master detected")
        else:
            info = json.loads(leader[1])
            self.master, self.master_info = info["pid"], info
            log(f"new master detected at {self.master}")
            self.process.link(self.master)
            self._register(self.master, 0.5)

    def _register(self, master, pause):
        if self.registered or master != self.master:
            return
        framework = {"user": self.options.mesos_user, "name": self.options.framework_name, "failover_timeout": float(self.options.failover_timeout),
                     "checkpoint": self.options.checkpoint, "role": self.options.mesos_role, "hostname": self.options.hostname,
                     "webui_url": self.options.webui_url or f"http://{self.options.host_port}",
                     "capabilities": [{"type": "PARTITION_AWARE"}]}
        if self.framework_id():
            framework["id"] = {"value": self.framework_id()}
            self.process.send(master, "ReregisterFrameworkMessage", {"framework": framework, "failover": True})
        else:
            self.process.send(master, "RegisterFrameworkMessage", {"framework": framework})
        self.process.after(pause, lambda: self._register(master, min(pause * 2, 10)))

    def _registered(self, _, body):
        if self.registered:
            return
        self.registered = True
        identifier = body["framework_id"]["value"]
        event = "scheduler_reregistered_event" if self.framework_id() == identifier else "scheduler_registered_event"
        self.framework_id(identifier)
        log(f"registered with {self.master} as framework {identifier}")
        master = self.master_info["address"]
        self.bus.publish(event, frameworkId={"value": identifier}, master=f"{master['hostname']}:{master['port']}")
        self._send("ReconcileTasksMessage", statuses=self.scheduler.reconcile())
        self.process.after(self.options.reconciliation_initial_delay / 1000, lambda: self._send("ReconcileTasksMessage", statuses=[]))
        self.scheduler.registered()

    def _reconcile_all(self):
        self._send("ReconcileTasksMessage", statuses=self.scheduler.reconcile())
        self._send("ReconcileTasksMessage", statuses=[])
        self.process.after(self.options.reconciliation_interval / 1000, self._reconcile_all)

    def _beat(self):
        """Ask about a task that cannot exist: a master that knows this framework answers, one that removed it does not."""
        if self.registered:
            self._missed += 1
            if self._missed > self.options.mesos_heartbeat_failure_threshold:
                log("the master does not answer heartbeats any more")
                self.exit(EXIT_ABDICATED)
            self._send("ReconcileTasksMessage", statuses=[{"task_id": {"value": f"{_HEARTBEAT}{self._missed}"}, "state": "TASK_STAGING"}])
        self.process.after(self.options.mesos_heartbeat_interval / 1000, self._beat)

    def _error(self, _, body):
        message = body["message"]
        log(f"error from the master: {message}")
        if "Framework has been removed" in message:
            if self.framework_id(forget=True):  # the 0.x line starts again as a new framework
                self.exit(1)
            self.exit(EXIT_REMOVED)
        self.exit(EXIT_SCHEDULER_ERROR)

    @property
    def master_ui(self):
        address = self.master_info and self.master_info["address"]
        return f"http://{address['hostname']}:{address['port']}/" if address else None

    # What comes from it.

    def _offers(self, _, body):
        self.scheduler.offers(body["offers"])

    def _status(self, _, body):
        update = body["update"]
        if not update["status"]["task_id"]["value"].startswith(_HEARTBEAT):
            self.scheduler.status(update["status"])
        if update.get("uuid"):
            self._send("StatusUpdateAcknowledgementMessage", slave_id=update["slave_id"], task_id=update["status"]["task_id"], uuid=update["uuid"])

    def _lost_slave(self, _, body):
        log(f"lost slave {body['slave_id']['value']}")

    # What goes to it.

    def _send(self, message, **body):
        if self.registered:
            self.process.send(self.master, message, {"framework_id": {"value": self.framework_id()}, **body})

    def revive(self):
        self._send("ReviveOffersMessage")

    def launch(self, offer_id, tasks):
        self._send("LaunchTasksMessage", offer_ids=[offer_id], tasks=tasks, filters={"refuse_seconds": 5.0})

    def decline(self, offer_id, seconds):
        self._send("LaunchTasksMessage", offer_ids=[offer_id], tasks=[], filters={"refuse_seconds": seconds})

    def kill(self, identifier):
        self._send("KillTaskMessage", task_id={"value": identifier})
