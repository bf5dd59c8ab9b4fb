"""Stand-in for the Mesos master: election, agents, frameworks, offers, tasks, and the HTTP answers about them.

Not Mesos. It keeps the contract that was seen on a real Mesos 1.11.0 (and 0.23's paths, see README.md); what it shows
is what really goes on between it, its slaves and its frameworks.
"""
import json
import os
import random
import signal
import socket
import struct
import sys
import time
import uuid
from collections import Counter, deque

from libprocess import Response
from mesos_flags import BUILD, MASTER, OLD, VERSION, Flags, leave, listen, log
from mesos_model import (SLAVE_CAPABILITIES, STATES, TERMINAL, Resources, apply_status, capabilities, new_task, reserved_for,
                         roles_of, show_reserved, show_reserved_full, show_role, show_task, status_of, system_metrics, total,
                         used_metrics)
from zookeeper_group import Group, Url

CALLS = ("accept", "accept_inverse_offers", "acknowledge", "acknowledge_operation_status", "decline", "decline_inverse_offers", "kill",
         "message", "reconcile", "reconcile_operations", "request", "revive", "shutdown", "subscribe", "suppress", "teardown",
         "update_framework")
EVENTS = ("error", "failure", "heartbeat", "inverse_offers", "message", "offers", "rescind", "rescind_inverse_offer", "subscribed",
          "update", "update_operation_status")
OPERATIONS = ("create", "create_disk", "destroy", "destroy_disk", "grow_volume", "reserve", "shrink_volume", "unreserve")
OPERATION_STATES = ("dropped", "error", "failed", "finished", "gone_by_operator", "pending", "recovering", "total", "unreachable")
MESSAGES = ("authenticate", "deactivate_framework", "decline_offers", "executor_to_framework", "exited_executor", "framework_to_executor",
            "kill_task", "launch_tasks", "operation_status_update", "operation_status_update_acknowledgement", "reconcile_operations",
            "reconcile_tasks", "register_framework", "register_slave", "reregister_framework", "reregister_slave", "resource_request",
            "revive_offers", "status_update", "status_update_acknowledgement", "suppress_offers", "unregister_framework",
            "unregister_slave", "update_slave")
PERCENTILES = ("count", "max", "min", "p50", "p90", "p95", "p99", "p999", "p9999")


class Slave:
    """An agent that has registered: what it has, what runs on it, whether it is there."""

    def __init__(self, info, pid, version):
        self.info, self.pid, self.version, self.id = info, pid, version, info["id"]["value"]
        self.active = self.connected = True
        self.registered_time, self.reregistered_time, self.missed_pings = time.time(), None, 0
        self.resources, self.tasks, self.offers = Resources.read(info["resources"]), {}, {}

    @property
    def role(self):
        """The role that everything on it is reserved for."""
        return reserved_for(self.info["resources"])

    def used(self):
        return total(Resources.read(task.get("resources")) for task in self.tasks.values() if task["state"] not in TERMINAL)

    def offered(self):
        return total(offer["resources"] for offer in self.offers.values())

    def show(self, full=False):
        attributes = {item["name"]: (item.get("text") or item.get("scalar"))["value"] for item in self.info.get("attributes", [])}
        shown = {"id": self.id, "hostname": self.info["hostname"], "port": self.info["port"], "attributes": attributes,
                 "pid": self.pid, "registered_time": self.registered_time, "resources": self.resources.show(),
                 "used_resources": self.used().show(), "offered_resources": self.offered().show(),
                 **show_reserved(self.resources, self.role), "active": self.active, "deactivated": False,
                 "version": self.version, "capabilities": SLAVE_CAPABILITIES}
        if self.reregistered_time:
            shown["reregistered_time"] = self.reregistered_time
        if full:
            allocated = {"allocation_info": {"role": self.role}}
            shown.update(**show_reserved_full(self.resources, self.role), used_resources_full=self.used().write(self.role, **allocated),
                         offered_resources_full=self.offered().write(self.role, **allocated))
        return shown


class Framework:
    """A framework, subscribed or recovered: its tasks, its offers, what it wants no offers of."""

    def __init__(self, info, pid=None):
        self.info, self.pid, self.id = info, pid, info["id"]["value"]
        self.active = self.connected = pid is not None
        self.recovered = pid is None  # known from its tasks only
        self.registered_time, self.reregistered_time, self.unregistered_time = time.time(), None, 0
        self.tasks, self.completed, self.unreachable, self.offers = {}, deque(maxlen=1000), {}, {}
        self.filters, self.suppressed, self.last_offered, self.count = {}, False, 0.0, Counter()
        self.cancel_failover = lambda: None

    def show(self):
        used = total(Resources.read(task.get("resources")) for task in self.tasks.values() if task["state"] not in TERMINAL)
        offered = total(offer["resources"] for offer in self.offers.values())
        shown = {"id": self.id, "name": self.info.get("name", ""), "used_resources": used.show(), "offered_resources": offered.show(),
                 "capabilities": capabilities(self.info), "hostname": self.info.get("hostname", ""),
                 "webui_url": self.info.get("webui_url", ""), "active": self.active, "connected": self.connected,
                 "recovered": self.recovered, "user": self.info.get("user", ""),
                 "failover_timeout": self.info.get("failover_timeout", 0), "checkpoint": self.info.get("checkpoint", False),
                 "registered_time": self.registered_time, "unregistered_time": self.unregistered_time,
                 "resources": (used + offered).show(), **show_role(self.info),
                 "tasks": [show_task(task) for task in self.tasks.values()],
                 "unreachable_tasks": [show_task(task) for task in self.unreachable.values()],
                 "completed_tasks": [show_task(task) for task in self.completed],
                 "offers": [{"id": offer["id"], "framework_id": self.id, "slave_id": offer["slave_id"],
                             "resources": offer["resources"].show()} for offer in self.offers.values()],
                 "executors": [], "offer_constraints": {}}
        if self.pid:
            shown["pid"] = self.pid
        if self.info.get("principal"):
            shown["principal"] = self.info["principal"]
        if self.reregistered_time:
            shown["reregistered_time"] = self.reregistered_time
        return shown


class Master:
    def __init__(self, flags, url):
        self.flags, self.process = flags, listen("master", flags)
        ip, port = self.process.ip, self.process.port
        number = struct.unpack("<I", socket.inet_aton(ip))[0]
        self.id = f"{time.strftime('%Y%m%d-%H%M%S')}-{number}-{port}-{os.getpid()}" if OLD else str(uuid.uuid4())
        self.hostname = flags["hostname"] or (ip if flags["ip"] else socket.gethostname())
        self.info = {"address": {"hostname": self.hostname, "ip": ip, "port": port},
                     "capabilities": [{"type": name} for name in ("AGENT_UPDATE", "AGENT_DRAINING", "QUOTA_V2")],
                     "hostname": self.hostname, "id": self.id, "ip": number, "pid": self.process.pid, "port": port, "version": VERSION}
        self.start_time, self.elected_time, self.leader = time.time(), None, None
        self.slaves, self.recovered_slaves, self.unreachable, self.frameworks = {}, {}, {}, {}
        self.completed_frameworks = deque(maxlen=int(flags["max_completed_frameworks"]))
        self.count, self.task_ends, self.next_slave, self.next_framework, self.next_offer = Counter(), Counter(), 0, 0, 0
        self.registry, self.allocation_ms = os.path.join(flags["work_dir"], "registry.json"), 0.0
        os.makedirs(flags["work_dir"], exist_ok=True)
        self.listen_to_messages()
        self.answer_http()
        self.process.exited = self.exited
        self.process.start()
        if ip.startswith("127."):
            log("Master bound to loopback interface! Cannot communicate with remote schedulers or agents.", "W")
        log(f"Master {self.id} ({self.hostname}) started on {ip}:{port}")
        self.group = Group(url, "json.info_", lambda leader: self.process.dispatch(lambda: self.detected(leader)),
                           json.dumps(self.info, separators=(",", ":")).encode(),
                           {"log_replicas/": f"log-replica(1)@{ip}:{port}".encode()}, flags.seconds("zk_session_timeout"))

    # Election.

    def detected(self, leader):
        self.leader = json.loads(leader[1]) if leader else None
        log(f"The newly elected leader is {self.leader['pid'] + ' with id ' + self.leader['id'] if leader else 'None'}")
        if leader and self.leader["id"] == self.id:
            if not self.elected_time:
                self.elected()
        elif self.elected_time:
            leave("Lost leadership... committing suicide!")

    def elected(self):
        self.elected_time = time.time()
        log("Elected as the leading master!")
        try:
            with open(self.registry) as file:
                self.recovered_slaves = json.load(file)
        except (FileNotFoundError, ValueError):
            pass
        log(f"Recovered {len(self.recovered_slaves)} agents from the registry; allowing {self.flags['agent_reregister_timeout']} "
            "for agents to reregister")
        self.process.after(self.flags.seconds("agent_reregister_timeout"), self.give_up_recovered)
        self.allocate_again()
        self.ping_all()

    def give_up_recovered(self):
        for slave_id in list(self.recovered_slaves):
            self.recovered_slaves.pop(slave_id)
            self.unreachable[slave_id] = time.time()
        self.store_registry()

    def store_registry(self):
        with open(self.registry + ".new", "w") as file:
            json.dump({**self.recovered_slaves, **{slave.id: slave.info for slave in self.slaves.values()}}, file)
        os.replace(self.registry + ".new", self.registry)

    # Messages.

    def listen_to_messages(self):
        for message, counter, handler in (
                ("RegisterSlaveMessage", "register_slave", self.register_slave),
                ("ReregisterSlaveMessage", "reregister_slave", self.reregister_slave),
                ("UnregisterSlaveMessage", "unregister_slave", self.unregister_slave),
                ("PongSlaveMessage", None, self.pong),
                ("StatusUpdateMessage", "status_update", self.status_update),
                ("RegisterFrameworkMessage", "register_framework", self.subscribe),
                ("ReregisterFrameworkMessage", "reregister_framework", self.subscribe)):
            self.process.receive(message, self.elected_only(counter, handler))
        for message, counter, call, handler in (
                ("UnregisterFrameworkMessage", "unregister_framework", "teardown", lambda framework, _: self.remove_framework(framework)),
                ("LaunchTasksMessage", None, None, self.launch),
                ("KillTaskMessage", "kill_task", "kill", self.kill),
                ("StatusUpdateAcknowledgementMessage", "status_update_acknowledgement", "acknowledge", self.acknowledge),
                ("ReconcileTasksMessage", "reconcile_tasks", "reconcile", self.reconcile),
                ("ReviveOffersMessage", "revive_offers", "revive", self.revive),
                ("SuppressOffersMessage", "suppress_offers", "suppress", self.suppress)):
            self.process.receive(message, self.elected_only(counter, self.of_framework(call, handler)))

    def elected_only(self, counter, handler):
        def guarded(sender, body):
            if not self.elected_time:
                self.count["dropped_messages"] += 1
                return
            if counter:
                self.count[f"messages_{counter}"] += 1
            handler(sender, body)
        return guarded

    def of_framework(self, call, handler):
        def guarded(sender, body):
            framework = self.frameworks.get(body["framework_id"]["value"])
            if framework is None or framework.pid != sender:
                log(f"Ignoring a message of framework {body['framework_id']['value']} at {sender}: it is not subscribed", "W")
                return
            if not framework.connected:  # only the connection broke: the framework itself is still there
                framework.active = framework.connected = True
                framework.cancel_failover()
                self.process.link(sender)
            if call:
                framework.count[f"calls/{call}"] += 1
            handler(framework, body)
        return guarded

    def exited(self, pid):
        for slave in self.slaves.values():
            if slave.pid == pid and slave.connected:
                log(f"Agent {slave.id} at {pid} disconnected")
                slave.active = slave.connected = False
                self.rescind(slave.offers)
        for framework in list(self.frameworks.values()):
            if framework.pid == pid and framework.connected:
                self.deactivate(framework)

    # Agents.

    def register_slave(self, sender, body):
        info = body["slave"]
        known = next((slave for slave in self.slaves.values() if slave.pid == sender), None)
        if known and known.connected:
            return self.process.send(sender, "SlaveRegisteredMessage", self.slave_accepted(known))
        if known:
            self.remove_slave(known, "a new agent registered at the same address", "registered")
        info["id"] = {"value": f"{self.id}-S{self.next_slave}"}
        self.next_slave += 1
        slave = self.slaves[info["id"]["value"]] = Slave(info, sender, body.get("version", VERSION))
        self.count["slave_registrations"] += 1
        self.store_registry()
        log(f"Registered agent {slave.id} at {sender} ({info['hostname']}) with {body['slave']['resources'] and slave.resources.show()}")
        self.process.link(sender)
        self.process.send(sender, "SlaveRegisteredMessage", self.slave_accepted(slave))
        self.allocate()

    def slave_accepted(self, slave):
        timeout = self.flags.seconds("agent_ping_timeout") * int(self.flags["max_agent_ping_timeouts"])
        return {"slave_id": {"value": slave.id}, "connection": {"total_ping_timeout_seconds": timeout}}

    def reregister_slave(self, sender, body):
        info, version = body["slave"], body.get("version", VERSION)
        slave_id = info["id"]["value"]
        slave = self.slaves.get(slave_id)
        if slave:
            slave.info, slave.pid, slave.version, slave.resources = info, sender, version, Resources.read(info["resources"])
            slave.active = slave.connected = True
        else:
            slave = self.slaves[slave_id] = Slave(info, sender, version)
            registered = self.recovered_slaves.pop(slave_id, None) or self.unreachable.pop(slave_id, None)
            log(f"Agent {slave_id} was {'registered before' if registered else 'unknown'}")
        slave.reregistered_time, slave.missed_pings = time.time(), 0
        self.count["slave_reregistrations"] += 1
        self.store_registry()
        for framework_info in body.get("frameworks", []):
            framework_id = framework_info["id"]["value"]
            if framework_id in self.frameworks:
                continue
            if any(framework.id == framework_id for framework in self.completed_frameworks):
                self.process.send(sender, "ShutdownFrameworkMessage", {"framework_id": {"value": framework_id}})
                continue
            framework = self.frameworks[framework_id] = Framework(framework_info)
            self.await_failover(framework)
        reported = {}
        for task in body.get("tasks", []):
            framework = self.frameworks.get(task["framework_id"]["value"])
            if framework:
                key = (framework.id, task["task_id"]["value"])
                reported[key] = framework.tasks[key[1]] = slave.tasks[key] = task
                framework.unreachable.pop(key[1], None)
        for key, task in list(slave.tasks.items()):
            if key not in reported:
                self.end_task(slave, task, status_of(task, "TASK_LOST", "Reconciliation: Task is unknown to the agent", "SOURCE_MASTER",
                                                     "REASON_RECONCILIATION"))
        log(f"Reregistered agent {slave_id} at {sender} ({info['hostname']}) with {len(reported)} tasks")
        self.process.link(sender)
        self.process.send(sender, "SlaveReregisteredMessage", self.slave_accepted(slave))
        for framework_id in {framework_id for framework_id, _ in slave.tasks}:
            if self.frameworks[framework_id].pid:
                self.process.send(sender, "UpdateFrameworkMessage", {"framework_id": {"value": framework_id},
                                                                     "pid": self.frameworks[framework_id].pid})
        self.allocate()

    def unregister_slave(self, sender, body):
        slave = self.slaves.get(body["slave_id"]["value"])
        if slave and slave.pid == sender:
            self.remove_slave(slave, "the agent unregistered", "unregistered")

    def remove_slave(self, slave, message, reason):
        log(f"Removing agent {slave.id} at {slave.pid}: {message}")
        self.count["slave_removals"] += 1
        self.count[f"slave_removals/reason_{reason}"] += 1
        self.rescind(slave.offers)
        for task in list(slave.tasks.values()):
            unreachable = reason == "unhealthy" and "PARTITION_AWARE" in capabilities(self.frameworks[task["framework_id"]["value"]].info)
            self.end_task(slave, task, status_of(task, "TASK_UNREACHABLE" if unreachable else "TASK_LOST", message, "SOURCE_MASTER",
                                                 "REASON_SLAVE_REMOVED"))
        del self.slaves[slave.id]
        self.store_registry()
        for framework in self.frameworks.values():
            self.tell(framework, "LostSlaveMessage", {"slave_id": {"value": slave.id}})

    def ping_all(self):
        limit = int(self.flags["max_agent_ping_timeouts"])
        for slave in list(self.slaves.values()):
            if slave.missed_pings >= limit:
                self.unreachable[slave.id] = time.time()
                self.count["slave_unreachable_completed"] += 1
                self.remove_slave(slave, "health check timed out", "unhealthy")
            else:
                slave.missed_pings += 1
                self.process.send(slave.pid, "PingSlaveMessage", {"slave_id": {"value": slave.id}, "connected": slave.connected})
        self.process.after(self.flags.seconds("agent_ping_timeout"), self.ping_all)

    def pong(self, sender, body):
        for slave in self.slaves.values():
            if slave.pid == sender and slave.id == body.get("slave_id", {}).get("value", slave.id):
                slave.missed_pings = 0

    # Frameworks.

    def subscribe(self, sender, body):
        info, failover = body["framework"], body.get("failover", False)
        framework_id = info.get("id", {}).get("value", "")
        if any(framework.id == framework_id for framework in self.completed_frameworks):
            return self.process.send(sender, "FrameworkErrorMessage", {"message": "Framework has been removed"})
        # Up to 0.26 the master knows its roles beforehand; later ones do so where they are told.
        known = {"*", *self.flags["roles"].split(",")} if OLD or self.flags["roles"] else roles_of(info)
        for role in roles_of(info):
            if role not in known:
                return self.process.send(sender, "FrameworkErrorMessage", {"message": f"Role '{role}' is not present in the master's --roles"})
        if not framework_id:
            before = next((framework for framework in self.frameworks.values() if framework.pid == sender), None)
            framework_id = before.id if before else f"{self.id}-{self.next_framework:04d}"
            self.next_framework += not before
            info["id"] = {"value": framework_id}
        framework = self.frameworks.get(framework_id)
        again = framework is not None or "failover" in body
        if framework is None:
            framework = self.frameworks[framework_id] = Framework(info, sender)
        elif framework.pid not in (sender, None) and framework.connected:
            self.tell(framework, "FrameworkErrorMessage", {"message": "Framework failed over"})
        framework.cancel_failover()
        self.rescind(framework.offers, tell=False)
        framework.info, framework.pid, framework.active, framework.connected, framework.recovered = info, sender, True, True, False
        framework.filters, framework.suppressed = {}, False
        framework.count["calls/subscribe"] += 1
        if again:
            framework.reregistered_time = time.time()
        log(f"{'Res' if again else 'S'}ubscribed framework {framework_id} ({info.get('name')}) at {sender}")
        self.process.link(sender)
        message = "FrameworkReregisteredMessage" if again and not failover else "FrameworkRegisteredMessage"
        self.tell(framework, message, {"framework_id": {"value": framework_id}, "master_info": self.info}, "subscribed")
        for slave in self.slaves.values():
            if any(key[0] == framework_id for key in slave.tasks):
                self.process.send(slave.pid, "UpdateFrameworkMessage", {"framework_id": {"value": framework_id}, "pid": sender})
        self.allocate()

    def tell(self, framework, message, body, event=None):
        if framework.connected:
            if event:
                framework.count[f"events/{event}"] += 1
            self.process.send(framework.pid, message, body)

    def deactivate(self, framework):
        log(f"Framework {framework.id} ({framework.info.get('name')}) disconnected; "
            f"it has {framework.info.get('failover_timeout', 0)} s to fail over")
        framework.active = framework.connected = False
        self.rescind(framework.offers)
        self.await_failover(framework)

    def await_failover(self, framework):
        def give_up():
            if not framework.connected and framework.id in self.frameworks:
                self.remove_framework(framework)
        framework.cancel_failover = self.process.after(framework.info.get("failover_timeout", 0) if not framework.recovered else
                                                       max(600, framework.info.get("failover_timeout", 0)), give_up)

    def remove_framework(self, framework):
        log(f"Removing framework {framework.id} ({framework.info.get('name')})")
        framework.cancel_failover()
        self.rescind(framework.offers)
        framework.active = framework.connected = False
        framework.unregistered_time = time.time()
        for slave in self.slaves.values():
            self.process.send(slave.pid, "ShutdownFrameworkMessage", {"framework_id": {"value": framework.id}})
            for key in [key for key in slave.tasks if key[0] == framework.id]:
                task = slave.tasks.pop(key)
                if task["state"] not in TERMINAL:
                    self.task_ends["TASK_KILLED"] += 1
                apply_status(task, status_of(task, "TASK_KILLED", "Framework removed", "SOURCE_MASTER", "REASON_FRAMEWORK_REMOVED"))
                framework.completed.append(task)
        framework.tasks.clear()
        del self.frameworks[framework.id]
        self.completed_frameworks.append(framework)

    # Offers. Everything free on an agent goes to one framework at a time, the one that has waited longest.

    def allocate_again(self):
        self.allocate()
        self.process.after(self.flags.seconds("allocation_interval"), self.allocate_again)

    def allocate(self):
        began, now, made = time.perf_counter(), time.monotonic(), {}
        self.count["allocation_runs"] += 1
        for slave in random.sample(list(self.slaves.values()), len(self.slaves)):
            free = slave.resources - slave.used() - slave.offered()
            if not slave.active or not (free.get("cpus", 0) >= 0.01 or free.get("mem", 0) >= 32):
                continue
            for framework in sorted(self.frameworks.values(), key=lambda framework: framework.last_offered):
                refused = [entry for entry in framework.filters.get(slave.id, []) if entry[1] > now]
                framework.filters[slave.id] = refused
                allowed = slave.role == "*" or slave.role in roles_of(framework.info)
                if allowed and framework.active and not framework.suppressed and not any(amount.covers(free) for amount, _ in refused):
                    framework.last_offered = time.monotonic()
                    made.setdefault(framework.id, []).append(self.make_offer(framework, slave, free))
                    break
        for framework_id, offers in made.items():
            self.frameworks[framework_id].count["offers/sent"] += len(offers)
            self.tell(self.frameworks[framework_id], "ResourceOffersMessage",
                      {"offers": [offer for offer, _ in offers], "pids": [pid for _, pid in offers]}, "offers")
        self.allocation_ms = (time.perf_counter() - began) * 1000

    def make_offer(self, framework, slave, resources):
        offer_id = f"{self.id}-O{self.next_offer}"
        self.next_offer += 1
        framework.offers[offer_id] = slave.offers[offer_id] = {"id": offer_id, "framework_id": framework.id, "slave_id": slave.id,
                                                               "resources": resources}
        name, _, address = slave.pid.partition("@")
        ip, _, port = address.partition(":")
        roles = roles_of(framework.info)
        allocated = {"allocation_info": {"role": slave.role if slave.role in roles else roles[0]}}
        return {"id": {"value": offer_id}, "framework_id": {"value": framework.id}, "slave_id": {"value": slave.id},
                "hostname": slave.info["hostname"], "resources": resources.write(slave.role, **allocated), "executor_ids": [], **allocated,
                "attributes": slave.info.get("attributes", []),
                "url": {"scheme": "http", "address": {"hostname": slave.info["hostname"], "ip": ip, "port": int(port)},
                        "path": f"/{name}"}}, slave.pid

    def drop_offer(self, offer_id, framework_id):
        framework = self.frameworks[framework_id]
        offer = framework.offers.pop(offer_id)
        self.slaves[offer["slave_id"]].offers.pop(offer_id, None)
        return offer

    def rescind(self, offers, tell=True):
        for offer in list(offers.values()):
            self.drop_offer(offer["id"], offer["framework_id"])
            framework = self.frameworks[offer["framework_id"]]
            if tell:
                framework.count["offers/rescinded"] += 1
                self.tell(framework, "RescindResourceOfferMessage", {"offer_id": {"value": offer["id"]}}, "rescind")

    def revive(self, framework, _):
        framework.filters, framework.suppressed = {}, False
        self.allocate()

    def suppress(self, framework, _):
        framework.suppressed = True

    # Tasks.

    def launch(self, framework, body):
        tasks = body.get("tasks", [])
        self.count["messages_launch_tasks" if tasks else "messages_decline_offers"] += 1
        framework.count["calls/accept" if tasks else "calls/decline"] += 1
        given = [item["value"] for item in body.get("offer_ids", [])]
        valid = [offer_id for offer_id in given if offer_id in framework.offers]
        framework.count["offers/accepted" if tasks else "offers/declined"] += len(valid)
        offers = [self.drop_offer(offer_id, framework.id) for offer_id in valid]
        free, slave_ids = total(offer["resources"] for offer in offers), {offer["slave_id"] for offer in offers}
        for info in tasks:
            task = new_task(info, framework.id)
            needs, state, problem = Resources.read(info["resources"]), "TASK_ERROR", None
            if len(valid) < len(given) or not valid:
                state, problem = "TASK_LOST", "Task launched with invalid offers: Offer is no longer valid"
            elif slave_ids != {info["slave_id"]["value"]}:
                problem = f"Task uses invalid agent {info['slave_id']['value']} while agents {sorted(slave_ids)} were offered"
            elif info["task_id"]["value"] in framework.tasks:
                problem = "Task has duplicate ID: " + info["task_id"]["value"]
            elif not free.covers(needs) or any(item.get("role", "*") != self.slaves[info["slave_id"]["value"]].role for item in info["resources"]):
                problem = f"Task uses more resources {needs.show()} than available {free.show()}"
            if problem:
                self.task_ends[state] += 1
                self.update_scheduler(framework, status_of(task, state, problem, "SOURCE_MASTER",
                                      "REASON_INVALID_OFFERS" if state == "TASK_LOST" else "REASON_TASK_INVALID"))
                continue
            free, slave = free - needs, self.slaves[info["slave_id"]["value"]]
            framework.tasks[info["task_id"]["value"]] = slave.tasks[framework.id, info["task_id"]["value"]] = task
            framework.count["operations/launch"] += 1
            log(f"Launching task {info['task_id']['value']} of framework {framework.id} on agent {slave.id}")
            self.process.send(slave.pid, "RunTaskMessage", {"framework": framework.info, "task": info, "pid": framework.pid})
        refuse = body.get("filters", {}).get("refuse_seconds", 5.0)
        if refuse > 0:
            for slave_id in slave_ids:
                left = free if tasks else total(offer["resources"] for offer in offers if offer["slave_id"] == slave_id)
                framework.filters.setdefault(slave_id, []).append((left, time.monotonic() + min(refuse, 31536000)))
        elif offers:
            self.process.dispatch(self.allocate)

    def kill(self, framework, body):
        task = framework.tasks.get(body["task_id"]["value"])
        if task is None:
            return self.reconcile(framework, {"statuses": [{"task_id": body["task_id"]}]})
        slave = self.slaves[task["slave_id"]["value"]]
        log(f"Telling agent {slave.id} to kill task {body['task_id']['value']} of framework {framework.id}")
        self.process.send(slave.pid, "KillTaskMessage", {"framework_id": {"value": framework.id}, "task_id": body["task_id"]})

    def status_update(self, sender, body):
        update = body["update"]
        framework, slave = self.frameworks.get(update["framework_id"]["value"]), self.slaves.get(update["slave_id"]["value"])
        if framework is None or slave is None or slave.pid != sender:
            self.count["invalid_status_updates"] += 1
            log(f"Ignoring a status update of {update['status']['task_id']['value']} from {sender}: "
                f"unknown {'framework' if framework is None else 'agent'}", "W")
            return
        self.count["valid_status_updates"] += 1
        task = framework.tasks.get(update["status"]["task_id"]["value"])
        if task:
            before = task["state"]
            apply_status(task, update["status"])
            if task["state"] in TERMINAL and before not in TERMINAL:
                self.task_ends[task["state"]] += 1
        self.tell(framework, "StatusUpdateMessage", {"update": update, "pid": sender}, "update")

    def acknowledge(self, framework, body):
        slave, task = self.slaves.get(body["slave_id"]["value"]), framework.tasks.get(body["task_id"]["value"])
        if slave is None or not slave.connected:
            self.count["invalid_status_update_acknowledgements"] += 1
            return
        self.count["valid_status_update_acknowledgements"] += 1
        if task and task["state"] in TERMINAL and task["statuses"][-1].get("uuid") == body["uuid"]:
            del framework.tasks[body["task_id"]["value"]]
            slave.tasks.pop((framework.id, body["task_id"]["value"]), None)
            framework.completed.append(task)
        self.process.send(slave.pid, "StatusUpdateAcknowledgementMessage", body)

    def end_task(self, slave, task, status):
        """End a task that no agent will say the end of."""
        framework, task_id = self.frameworks[task["framework_id"]["value"]], task["task_id"]["value"]
        slave.tasks.pop((framework.id, task_id), None)
        framework.tasks.pop(task_id, None)
        if task["state"] not in TERMINAL:
            self.task_ends[status["state"]] += 1
            apply_status(task, status)
            self.update_scheduler(framework, status)
        if task["state"] == "TASK_UNREACHABLE":
            framework.unreachable[task_id] = task
        else:
            framework.completed.append(task)

    def update_scheduler(self, framework, status):
        self.tell(framework, "StatusUpdateMessage", {"update": {"framework_id": {"value": framework.id}, "slave_id": status["slave_id"],
                                                                "status": status, "timestamp": time.time()}, "pid": ""}, "update")

    def reconcile(self, framework, body):
        wanted = [status["task_id"] for status in body.get("statuses", [])]
        if not wanted:
            wanted = [task["task_id"] for task in [*framework.tasks.values(), *framework.unreachable.values()] if task["statuses"]]
        asked = {status["task_id"]["value"]: status for status in body.get("statuses", [])}
        for task_id in wanted:
            task = framework.tasks.get(task_id["value"]) or framework.unreachable.get(task_id["value"])
            slave_id = asked.get(task_id["value"], {}).get("slave_id", {}).get("value")
            if task is None:
                if slave_id in self.recovered_slaves or (not slave_id and self.recovered_slaves):
                    continue  # its agent may come back with it
                known = slave_id in self.slaves
                state = "TASK_LOST" if "PARTITION_AWARE" not in capabilities(framework.info) else "TASK_GONE" if known else "TASK_UNKNOWN"
                task = {"task_id": task_id, "slave_id": {"value": slave_id or ""}, "state": state, "statuses": []}
                message = f"Reconciliation: Task is unknown{' to the agent' if known else ''}"
            else:
                message = "Reconciliation: Latest task state"
            last = task["statuses"][-1] if task["statuses"] else {}
            more = {name: last[name] for name in ("container_status", "healthy", "labels") if name in last}
            self.update_scheduler(framework, status_of(task, task["state"], message, "SOURCE_MASTER", "REASON_RECONCILIATION", **more))

    # HTTP.

    def answer_http(self):
        route, leading = self.process.route, self.leading
        page = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "mesos_master.html")).read()
        page = page.replace("{VERSION}", VERSION).replace("{STATE}", "/master/state.json" if OLD else "/master/state")
        route("/", lambda _: Response(page, content_type="text/html; charset=utf-8"))
        route("/master/health", lambda _: Response())
        route("/metrics/snapshot", lambda _: self.metrics())
        route("/master/redirect", self.redirect)
        route("/master/slaves", leading(lambda _: self.show_slaves(full=True)))
        for path in ("/master/teardown", "/master/shutdown") if OLD else ("/master/teardown",):
            route(path, leading(self.teardown), ("POST",))
        if OLD:
            route("/master/state.json", leading(lambda _: self.state()))
            route("/master/tasks.json", leading(lambda _: self.tasks()))
            route("/master/roles.json", leading(lambda _: self.roles()))
        else:
            route("/master/state", leading(lambda _: self.state()))
            route("/master/frameworks", leading(lambda _: self.show_frameworks()))
            route("/master/tasks", leading(lambda _: self.tasks()))
            route("/master/roles", leading(lambda _: self.roles()))
            route("/master/flags", lambda _: {"flags": self.flags.shown()})
            route("/version", lambda _: BUILD)

    def leading(self, handler):
        """Only the leader knows; 1.x sends you there, 0.23 let any master answer."""
        return lambda request: handler(request) if self.elected_time or OLD else self.redirect(request)

    def redirect(self, request):
        leader = self.leader or (self.info if OLD else None)
        if leader is None:
            return Response("No leader elected", 503)
        path = "" if request.path.endswith("/redirect") else request.path
        return Response(status=307, headers={"Location": f"//{leader['hostname']}:{leader['port']}{path}"})

    def teardown(self, request):
        framework_id = request.form().get("frameworkId")
        if not framework_id:
            return Response("Missing 'frameworkId' query parameter in the request body", 400)
        if framework_id not in self.frameworks:
            return Response("No framework found with specified ID", 400)
        self.frameworks[framework_id].count["calls/teardown"] += 1
        self.remove_framework(self.frameworks[framework_id])
        return Response()

    def show_slaves(self, full=False):
        recovered = [{"id": slave_id, "hostname": info["hostname"], "port": info["port"]} for slave_id, info in self.recovered_slaves.items()]
        return {"slaves": [slave.show(full) for slave in self.slaves.values()], "recovered_slaves": recovered}

    def show_frameworks(self):
        return {"frameworks": [framework.show() for framework in self.frameworks.values()],
                "completed_frameworks": [framework.show() for framework in self.completed_frameworks], "unregistered_frameworks": []}

    def tasks(self):
        both = [*self.frameworks.values(), *self.completed_frameworks]
        return {"tasks": [show_task(task) for framework in both
                          for task in [*framework.tasks.values(), *framework.unreachable.values(), *framework.completed]]}

    def roles(self):
        amounts = [{name: value for name, value in part.show().items() if value} for part in
                   (total(slave.used() for slave in self.slaves.values()), total(slave.offered() for slave in self.slaves.values()))]
        used = {name: value for name, value in amounts[0].items() if name != "ports"}
        return {"roles": [{"name": "*", "weight": 1, "quota": {"role": "*", "guarantee": {}, "limit": {}, "consumed": used},
                           "resources": used, "allocated": used, "offered": amounts[1], "reserved": {},
                           "frameworks": list(self.frameworks)}]}

    def state(self):
        active = [slave for slave in self.slaves.values() if slave.active]
        shown = {**BUILD, "start_time": self.start_time, "id": self.id, "pid": self.process.pid, "hostname": self.hostname,
                 "capabilities": [item["type"] for item in self.info["capabilities"]], "activated_slaves": len(active),
                 "deactivated_slaves": len(self.slaves) - len(active), "unreachable_slaves": len(self.unreachable),
                 "flags": self.flags.shown(), **self.show_slaves(), **self.show_frameworks(), "orphan_tasks": []}
        if self.elected_time:
            shown["elected_time"] = self.elected_time
        if self.flags["cluster"]:
            shown["cluster"] = self.flags["cluster"]
        if self.leader:
            shown["leader"] = self.leader["pid"]
            shown["leader_info"] = {name: self.leader[name] for name in ("id", "pid", "port", "hostname")}
        if OLD:
            shown.update({f"{name}_tasks": self.task_ends[f"TASK_{name.upper()}"] for name in ("failed", "finished", "killed", "lost")},
                         staged_tasks=self.count["messages_launch_tasks"], started_tasks=0)
        return shown

    def metrics(self):
        slaves, frameworks = list(self.slaves.values()), list(self.frameworks.values())
        everything, used = (total(part) for part in ([slave.resources for slave in slaves if slave.active], [slave.used() for slave in slaves]))
        offered, active = total(slave.offered() for slave in slaves), sum(slave.active for slave in slaves)
        states = Counter(task["state"] for framework in frameworks for task in framework.tasks.values() if task["state"] not in TERMINAL)
        result = {f"master/{name}": self.count[name] for name in (
            "dropped_messages", "slave_registrations", "slave_removals", "slave_reregistrations", "slave_removals/reason_registered",
            "slave_removals/reason_unhealthy", "slave_removals/reason_unregistered", "slave_shutdowns_canceled", "slave_shutdowns_completed",
            "slave_shutdowns_scheduled", "slave_unreachable_canceled", "slave_unreachable_completed", "slave_unreachable_scheduled",
            "recovery_slave_removals", "http_cache_hits", "event_queue_dispatches", "event_queue_http_requests", "event_queue_messages",
            "operator_event_stream_subscribers", *(f"messages_{name}" for name in MESSAGES),
            *(f"{kind}_{name}" for kind in ("valid", "invalid") for name in (
                "status_updates", "status_update_acknowledgements", "framework_to_executor_messages", "executor_to_framework_messages",
                "operation_status_updates", "operation_status_update_acknowledgements")),
            *(f"operations/{name}" for name in OPERATION_STATES), *(f"operations/{kind}/{name}" for kind in OPERATIONS for name in OPERATION_STATES))}
        result.update({f"master/tasks_{name}": states[f"TASK_{name.upper()}"] + self.task_ends[f"TASK_{name.upper()}"] for name in STATES})
        result.update({f"allocator/mesos/{name}/{part}": value for name, value in (
            ("allocation_run_ms", self.allocation_ms), ("allocation_run_latency_ms", 0.0)) for part in PERCENTILES for value in
            [self.count["allocation_runs"] if part == "count" else value]})
        shares = [used.get(name, 0) / everything[name] for name in ("cpus", "mem") if everything.get(name)]
        result.update({
            "master/elected": int(bool(self.elected_time)), "master/uptime_secs": time.time() - self.start_time,
            "master/slaves_active": active, "master/slaves_inactive": len(slaves) - active,
            "master/slaves_connected": sum(slave.connected for slave in slaves),
            "master/slaves_disconnected": sum(not slave.connected for slave in slaves), "master/slaves_unreachable": len(self.unreachable),
            "master/frameworks_active": sum(framework.active for framework in frameworks),
            "master/frameworks_inactive": sum(not framework.active for framework in frameworks),
            "master/frameworks_connected": sum(framework.connected for framework in frameworks),
            "master/frameworks_disconnected": sum(not framework.connected for framework in frameworks),
            "master/outstanding_offers": sum(len(slave.offers) for slave in slaves), **used_metrics("master/", everything, used),
            "allocator/event_queue_dispatches": 0, "allocator/mesos/event_queue_dispatches": 0,
            "allocator/mesos/allocation_run_ms": self.allocation_ms, "allocator/mesos/allocation_run_latency_ms": 0.0,
            "allocator/mesos/allocation_runs": self.count["allocation_runs"],
            "allocator/mesos/offer_filters/roles/*/active": sum(len(entries) for item in frameworks for entries in item.filters.values()),
            "allocator/mesos/roles/*/shares/dominant": max(shares, default=0), "registrar/log/ensemble_size": 1,
            "registrar/log/recovered": 1, "registrar/queued_operations": 0,
            "registrar/registry_size_bytes": os.path.getsize(self.registry) if os.path.exists(self.registry) else 0,
            "registrar/state_fetch_ms": 1.0 if self.elected_time else None, "registrar/state_store_ms": 1.0,
            **{f"registrar/state_store_ms/{part}": 1.0 for part in PERCENTILES}, **system_metrics()})
        for name in ("cpus", "mem", "disk"):
            result[f"allocator/mesos/resources/{name}/total"] = everything.get(name, 0)
            result[f"allocator/mesos/resources/{name}/offered_or_allocated"] = (used + offered).get(name, 0)
            if used.get(name):
                result.update({f"allocator/mesos/quota/roles/{role}/resources/{name}/consumed": used[name] for role in ("*", "")})
        for framework in frameworks:
            self.framework_metrics(framework, result)
        return result

    def framework_metrics(self, framework, result):
        from urllib.parse import quote
        count, prefix = framework.count, f"master/frameworks/{quote(framework.info.get('name', ''), safe='')}/{framework.id}/"
        states = Counter(task["state"] for task in [*framework.tasks.values(), *framework.completed])
        for kind, names in (("calls", CALLS), ("events", EVENTS)):
            result[prefix + kind] = sum(count[f"{kind}/{name}"] for name in names)
            result.update({f"{prefix}{kind}/{name}": count[f"{kind}/{name}"] for name in names})
        result.update({f"{prefix}offers/{name}": count[f"offers/{name}"] for name in ("accepted", "declined", "rescinded", "sent")})
        result.update({f"{prefix}operations/{name}": count[f"operations/{name}"] for name in (*OPERATIONS, "launch", "launch_group")})
        result.update({prefix + "operations": count["operations/launch"], prefix + "subscribed": int(framework.connected),
                       prefix + "roles/*/suppressed": int(framework.suppressed)})
        result.update({f"{prefix}tasks/active/task_{name}": states[f"TASK_{name.upper()}"]
                       for name in ("killing", "running", "staging", "starting", "unknown", "unreachable")})
        result.update({f"{prefix}tasks/terminal/task_{name}": states[f"TASK_{name.upper()}"]
                       for name in ("dropped", "error", "failed", "finished", "gone", "gone_by_operator", "killed", "lost")})


def main():
    flags = Flags("mesos-master", MASTER)
    if flags["version"] == "true":
        return print(f"mesos {VERSION} (stand-in)")
    log(f"This is a stand-in for the Mesos master {VERSION}, not Mesos itself")
    if not flags["work_dir"]:
        leave("--work_dir needed for replicated log based registry")
    if not flags["zk"]:
        leave("This stand-in always elects through ZooKeeper: --zk (MESOS_ZK) is needed")
    if not flags["quorum"]:
        leave("Need to specify --quorum for replicated log based registry when using ZooKeeper")
    try:
        url = Url(flags["zk"])
    except ValueError as error:
        leave(f"Error parsing ZooKeeper URL: {error}")
    if url.path == "/":
        leave("Failed to create a master contender: Expecting a (chroot) path for ZooKeeper ('/' is not supported)")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))  # at once: the node in ZooKeeper stays until its session ends
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    Master(flags, url).process.run()


if __name__ == "__main__":
    sys.exit(main())
