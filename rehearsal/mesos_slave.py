"""Stand-in for the Mesos slave (agent): registers, remembers, launches executors, passes their reports on.

Not Mesos. Tasks are real containers or processes; see README.md for what it keeps of the contract. What it must not
forget lies under `<work_dir>/meta/slaves/latest`, one JSON file for the slave and one for each run of an executor.
"""
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter

from docker_api import DockerError, connect
from libprocess import Response
from mesos_flags import BUILD, OLD, SLAVE, VERSION, Flags, leave, listen, log
from mesos_model import (SLAVE_CAPABILITIES, TERMINAL, Resources, apply_status, new_task, plain, reserved_for, show_reserved,
                         show_reserved_full, show_role, show_task, status_of, system_metrics, total, used_metrics)
from zookeeper_group import Group, Url

EXECUTOR_OVERHEAD = Resources(cpus=0.1, mem=32.0)
# Seconds after which a recovering slave gives up even executors that it sees living. Mesos gives up all that have not answered
# after executor_reregistration_timeout; here a processor that is busy must not cost a task.
EXECUTOR_PATIENCE = 15
OURS = re.compile(r"mesos-(?:.*\.)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?:\.executor)?")
# The versions whose recovery takes every container of that prefix for a task's, whatever comes after it.
BY_PREFIX = re.fullmatch(r"0\.(?:\d|1\d|2[0-2])\..*|1\.0\.[01]|1\.1\..*", VERSION)


class Run:
    """One run of an executor, with its task. `saved` is what is checkpointed; the rest is gone with the slave."""

    def __init__(self, saved):
        self.saved = saved
        self.framework_id, self.container_id = saved["framework"]["id"]["value"], saved["container_id"]
        self.executor_id = self.task_id = saved["info"]["task_id"]["value"]
        self.pid = None  # of the executor's process; known once it has (re-)registered
        self.gone = self.kill_wanted = self.silent = False
        self.cancel_retry = lambda: None

    task = property(lambda self: self.saved["task"])
    key = property(lambda self: (self.framework_id, self.executor_id))
    docker = property(lambda self: self.saved["info"].get("container", {}).get("type") == "DOCKER")

    def resources(self):
        return Resources.read(self.task.get("resources")) + EXECUTOR_OVERHEAD

    def show(self):
        alive, tasks = self.task["state"] not in TERMINAL, [show_task(self.task)]
        command = self.saved["info"].get("command", {}).get("value", "")
        command = f"sh -c '{command[:15]}{'...' if len(command) > 15 else ''}'"
        return {"id": self.executor_id, "name": f"Command Executor (Task: {self.task_id}) (Command: {command})", "source": self.task_id,
                "container": self.container_id, "directory": self.saved["directory"], "resources": self.resources().show(), "role": "*",
                "tasks": tasks if alive else [], "queued_tasks": [], "completed_tasks": [] if alive else tasks}


class Slave:
    def __init__(self, flags):
        self.flags, self.process, self.docker = flags, listen("slave(1)", flags), None
        self.meta = os.path.join(flags["work_dir"], "meta", "slaves")
        self.start_time, self.id, self.master, self.recovering, self.registered = time.time(), "", None, True, False
        self.runs, self.completed, self.count, self.attempt, self.leaving = {}, [], Counter(), 0, False
        self.hostname = flags["hostname"] or (self.process.ip if flags["ip"] else socket.gethostname())
        self.resources, self.attributes = self.own_resources(), self.own_attributes()
        self.role = flags["default_role"] or "*"
        self.info = {"hostname": self.hostname, "port": self.process.port, "resources": self.resources.write(self.role),
                     "attributes": self.attributes, "checkpoint": True}
        for message, handler in (("SlaveRegisteredMessage", self.slave_registered), ("SlaveReregisteredMessage", self.slave_registered),
                                 ("PingSlaveMessage", self.ping), ("RunTaskMessage", self.run_task), ("KillTaskMessage", self.kill_task),
                                 ("ShutdownFrameworkMessage", self.shutdown_framework), ("UpdateFrameworkMessage", lambda *_: self.resend()),
                                 ("StatusUpdateAcknowledgementMessage", self.acknowledged), ("StatusUpdateMessage", self.status_update),
                                 ("RegisterExecutorMessage", self.register_executor), ("ReregisterExecutorMessage", self.register_executor)):
            self.process.receive(message, handler)
        for path, handler in (("/health", lambda _: Response()), ("/metrics/snapshot", lambda _: self.metrics()),
                              ("/state.json" if OLD else "/state", self.state), ("/", self.page),
                              ("/slave(1)/monitor/statistics.json" if OLD else "/slave(1)/monitor/statistics", lambda _: self.containers()),
                              *(() if OLD else (("/slave(1)/containers", lambda _: self.containers()), ("/version", lambda _: BUILD),
                                                ("/slave(1)/flags", lambda _: {"flags": self.flags.shown()})))):
            self.process.route(path if path in ("/metrics/snapshot", "/version", "/") or "(1)" in path else f"/slave(1){path}", handler)
        self.process.exited = self.exited
        self.process.start()
        log(f"Agent started on {self.process.pid} with resources {self.resources.show()}")
        self.in_background(self.look_around, self.recover)

    def in_background(self, work, then):
        """Run work() in a thread of its own, then then(result, error) in ours."""
        def both():
            result = error = None
            try:
                result = work()
            except (DockerError, OSError, http.client.HTTPException) as problem:
                error = problem
            self.process.dispatch(lambda: then(result, error))
        threading.Thread(target=both, daemon=True).start()

    def own_resources(self):
        memory, disk = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20, shutil.disk_usage("/").total >> 20
        found = Resources(cpus=float(os.cpu_count()), mem=float(memory - 1024 if memory > 2048 else memory // 2),
                          disk=float(disk - 5120 if disk > 10240 else disk // 2), ports=set(range(31000, 32001)))
        try:
            return Resources({**found, **Resources.parse(self.flags["resources"])})
        except ValueError as error:
            leave(f"Failed to determine agent resources: {error}")

    def own_attributes(self):
        result = []
        for pair in filter(None, (part.strip() for part in self.flags["attributes"].split(";"))):
            name, colon, value = pair.partition(":")
            if not colon:
                leave(f"Failed to parse attributes: Invalid attribute key:value pair '{pair}'")
            number = re.fullmatch(r"\d+(\.\d+)?", value)
            result.append({"name": name, **({"type": "SCALAR", "scalar": {"value": float(value)}} if number else
                                            {"type": "TEXT", "text": {"value": value}})})
        return result

    # Remembering.

    def path(self, run):
        return os.path.join(self.meta, self.id, "frameworks", run.framework_id, "executors", run.executor_id, "runs",
                            run.container_id + ".json")

    def save(self, path, value):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".new", "w") as file:
            json.dump(value, file)
        os.replace(path + ".new", path)

    def checkpoint(self, run):
        self.save(self.path(run), run.saved)

    def look_around(self):
        """What was remembered, and which containers there are. Runs in the background."""
        remembered, latest = None, os.path.join(self.meta, "latest")
        if os.path.exists(os.path.join(latest, "slave.info")):
            remembered = {"info": json.load(open(os.path.join(latest, "slave.info"))), "runs": []}
            for folder, _, names in os.walk(os.path.join(os.path.realpath(latest), "frameworks")):
                remembered["runs"] += [json.load(open(os.path.join(folder, name))) for name in names if name.endswith(".json")]
        containers = {}
        if "docker" in self.flags["containerizers"].split(","):
            self.docker = connect(self.flags["docker"], self.flags["docker_socket"])
            self.docker.version()
            if remembered or not OLD:  # 0.23 asks the engine nothing before there is something to recover
                containers = self.docker.containers()
        return remembered, containers

    def recover(self, found, error):
        if isinstance(error, DockerError):
            leave(f"Failed to perform recovery: Collect failed: Failed to run '{self.docker.client} -H unix://{self.flags['docker_socket']} ps -a': "
                  f"exited with status {error.exit}; stderr='{error}'")
        if error:
            leave(f"Failed to create a containerizer: Could not create DockerContainerizer: {error}")
        remembered, containers = found
        if remembered is None:
            return self.recovered()
        problem = self.incompatible(remembered["info"])
        if problem:
            leave(f"Failed to perform recovery: {problem}\nTo restart this agent with a new agent id instead, do as follows:\n"
                  f"rm -f {os.path.join(self.meta, 'latest')}\n(It then does not recover its old executors.)")
        self.id = remembered["info"]["id"]["value"]
        self.info["id"] = {"value": self.id}
        self.save(os.path.join(self.meta, self.id, "slave.info"), self.info)
        log(f"Recovering agent {self.id}")
        known = set()
        for saved in remembered["runs"]:
            run = Run(saved)
            if saved["completed"]:
                self.completed.append(run)
                continue
            self.runs[run.key] = run
            known.update((saved["container"], saved["container"] + ".executor"))
            if saved["executor_pid"]:
                self.process.send(saved["executor_pid"], "ReconnectExecutorMessage", {"slave_id": {"value": self.id}})
        orphans = [name for name in containers if (name.startswith("mesos-") if BY_PREFIX else OURS.fullmatch(name)) and name not in known]
        if OLD and not BY_PREFIX:  # only its own slave id's, by name
            orphans = [name for name in orphans if name.startswith(f"mesos-{self.id}.")]
        if self.flags.on("docker_kill_orphans") and orphans:
            log(f"Killing orphaned containers {orphans}")
            self.in_background(lambda: [self.docker.remove(name) for name in orphans], lambda *_: None)
        if self.runs:
            timeout = self.flags.seconds("executor_reregistration_timeout")
            self.process.after(timeout, lambda: self.give_up_executors(time.monotonic() + EXECUTOR_PATIENCE - timeout))
        else:
            self.recovered()

    def incompatible(self, old):
        """Why the settings do not go with the remembered ones; None if they do."""
        new, before = self.info, Resources.read(old["resources"])
        same = all(old[name] == new[name] for name in ("hostname", "port", "attributes")) and before == self.resources
        same = same and reserved_for(old["resources"]) == self.role
        if same:
            return None
        if self.flags["reconfiguration_policy"] != "additive" or OLD:
            line = "\n" + "-" * 60 + "\n"
            kind = "slave" if OLD else "agent"
            return f"Incompatible {kind} info detected.{line}Old {kind} info:\n{json.dumps(old)}{line}New {kind} info:\n{json.dumps(new)}{line}"
        problem = None
        if old["hostname"] != new["hostname"]:
            problem = f"Hostname changed from {old['hostname']} to {new['hostname']}"
        elif old["port"] != new["port"]:
            problem = f"Port changed from {old['port']} to {new['port']}"
        for item in old["attributes"]:
            if item["name"] not in [other["name"] for other in new["attributes"]]:
                problem = problem or f"Couldn't find '{item['name']}'"
        role = reserved_for(old["resources"])
        if role != self.role:
            problem = problem or f"Resource not found: cpus{'' if role == '*' else f'({role})'}:{plain(before.get('cpus', 0))}"
        for name, value in before.items():
            now = self.resources.get(name, 0)
            if not (now >= value):
                problem = problem or (f"Value of scalar resource '{name}' decreased from {plain(value)} to {plain(now)}"
                                      if not isinstance(value, set) else f"Range resource '{name}' lost some of its values")
        return problem and f"Configuration change not permitted under `additive` policy: {problem}"

    def give_up_executors(self, deadline):
        missing = [run for run in self.runs.values() if run.pid is None]
        if time.monotonic() < deadline and any(self.lives(run) for run in missing):
            self.process.after(0.1, lambda: self.give_up_executors(deadline))
            return
        for run in missing:
            self.executor_gone(run, "Abnormal executor termination: unknown container", "REASON_EXECUTOR_REREGISTRATION_TIMEOUT")
        self.recovered()

    def recovered(self):
        self.recovering = False
        log("Finished recovery")
        address = self.flags["master"]
        if address.startswith("zk://"):
            self.group = Group(Url(address), "json.info_", lambda leader: self.process.dispatch(
                lambda: self.detected(json.loads(leader[1])["pid"] if leader else None, json.loads(leader[1]) if leader else {})),
                               timeout=self.flags.seconds("zk_session_timeout"))
        else:
            host, _, port = address.partition("@")[2 if "@" in address else 0].partition(":")
            self.detected(f"master@{socket.gethostbyname(host)}:{port or 5050}", {"hostname": host})

    # The master.

    def detected(self, pid, info):
        log(f"New master detected at {pid}" if pid else "Lost leading master; waiting for a new one")
        self.master, self.master_info, self.registered = pid, info, False
        self.attempt += 1
        if pid:
            self.process.link(pid)
            factor = self.flags.seconds("registration_backoff_factor")
            self.process.after(random.uniform(0, factor), lambda attempt=self.attempt: self.register(attempt, factor * 2))

    def register(self, attempt, wait):
        if attempt != self.attempt or self.registered or self.leaving:
            return
        body = {"slave": self.info, "version": VERSION, "agent_capabilities": [{"type": name} for name in SLAVE_CAPABILITIES]}
        if not self.id:
            self.process.send(self.master, "RegisterSlaveMessage", body)
        else:
            runs = [run for run in self.runs.values() if not run.silent]
            frameworks = {run.framework_id: run.saved["framework"] for run in runs}
            self.process.send(self.master, "ReregisterSlaveMessage",
                              {**body, "tasks": [run.task for run in runs], "frameworks": list(frameworks.values())})
        self.process.after(random.uniform(wait / 2, wait), lambda: self.register(attempt, min(wait * 2, 60)))

    def slave_registered(self, sender, body):
        if sender != self.master or self.leaving:
            return
        slave_id = body["slave_id"]["value"]
        if self.id and self.id != slave_id:
            leave(f"Registered but got wrong id: {slave_id} (expected: {self.id})")
        if self.registered:  # asked again before the master had answered
            return
        if not self.id:
            self.id, self.info["id"] = slave_id, {"value": slave_id}
            self.save(os.path.join(self.meta, slave_id, "slave.info"), self.info)
            latest = os.path.join(self.meta, "latest")
            if os.path.islink(latest):
                os.remove(latest)
            os.symlink(slave_id, latest)
        self.registered = True
        log(f"Registered with master {sender}; agent id {slave_id}")
        self.resend()

    def ping(self, sender, body):
        if sender != self.master:
            return
        self.process.send(sender, "PongSlaveMessage", {"slave_id": {"value": self.id}})
        if not body["connected"] and self.registered:
            self.detected(self.master, self.master_info)

    def exited(self, pid):
        if pid == self.master:
            log(f"Master {pid} disconnected")
            if not self.flags["master"].startswith("zk://"):  # nobody will tell us of a new one
                self.process.after(1, lambda: self.detected(pid, self.master_info))
        else:
            log(f"Failed to connect to {pid.partition('@')[2]}", "W")

    # Launching.

    def run_task(self, sender, body):
        if sender != self.master or self.leaving:
            return
        info, framework = body["task"], body["framework"]
        number = str(uuid.uuid4())
        task = new_task(info, framework["id"]["value"])
        directory = os.path.join(self.flags["work_dir"], "slaves", self.id, "frameworks", framework["id"]["value"], "executors",
                                 info["task_id"]["value"], "runs", number)
        run = Run({"framework": framework, "info": info, "task": task, "container_id": number, "directory": directory, "executor_pid": None,
                   "container": f"mesos-{self.id}.{number}" if OLD else f"mesos-{number}", "own_container": False, "process": None,
                   "updates": [], "completed": False})
        self.runs[run.key] = run
        os.makedirs(directory, exist_ok=True)
        latest = os.path.join(os.path.dirname(directory), "latest")
        if os.path.islink(latest):
            os.remove(latest)
        os.symlink(number, latest)
        self.checkpoint(run)
        log(f"Launching task {run.task_id} of framework {run.framework_id} in container {run.saved['container']}")
        wanted = "docker" if run.docker else "mesos"
        if wanted not in self.flags["containerizers"].split(","):
            return self.launch_failed(run, f"None of the enabled containerizers ({self.flags['containerizers']}) could create a container "
                                           "for the provided TaskInfo/ExecutorInfo message")
        self.in_background(lambda: self.prepare(run), lambda result, error: self.prepared(run, error))

    def prepare(self, run):
        """In the background: have the image."""
        if run.docker:
            docker = run.saved["info"]["container"]["docker"]
            try:
                self.docker.pull(docker["image"], docker.get("force_pull_image", False))
            except DockerError as error:
                raise OSError(f"Failed to run '{self.docker.client} -H unix://{self.flags['docker_socket']} pull {docker['image']}': exited with status {error.exit}; "
                              f"stderr='{error.stderr}\n'") from error

    def prepared(self, run, error):
        if error:
            return self.launch_failed(run, f"Failed to launch container: {error}")
        if run.kill_wanted:
            return self.killed_early(run)
        name = run.saved["container"]
        env = {"MESOS_SLAVE_PID": self.process.pid, "MESOS_SLAVE_ID": self.id, "MESOS_FRAMEWORK_ID": run.framework_id,
               "MESOS_EXECUTOR_ID": run.executor_id, "MESOS_DIRECTORY": run.saved["directory"], "MESOS_CONTAINER_NAME": name,
               "MESOS_RECOVERY_TIMEOUT": str(self.flags.seconds("recovery_timeout")), "MESOS_CHECKPOINT": "1",
               "MESOS_DOCKER": self.flags["docker"], "MESOS_DOCKER_SOCKET": self.flags["docker_socket"], "STAND_IN_VERSION": VERSION,
               "MESOS_DOCKER_STOP_TIMEOUT": str(self.flags.seconds("docker_stop_timeout"))}
        if self.flags["ip"]:
            env["LIBPROCESS_IP"] = self.flags["ip"]
        for source in (self.flags["executor_environment_variables"], json.dumps({"DOCKER_HOST": os.environ.get("DOCKER_HOST")})):
            env.update({key: value for key, value in json.loads(source or "{}").items() if value})
        timeout = self.flags.seconds("executor_registration_timeout")
        self.process.after(timeout, lambda: self.registration_timeout(run))
        if run.docker and self.flags["docker_mesos_image"]:
            run.saved["own_container"] = True
            directory, socket_path = run.saved["directory"], self.docker.socket
            binds = [f"{directory}:{directory}", *([f"{socket_path}:{socket_path}"] if socket_path else [])]
            spec = {"Image": self.flags["docker_mesos_image"], "Entrypoint": ["python3", "-m", "mesos_executor"], "Cmd": [],
                    "Env": [f"{key}={value}" for key, value in env.items()], "HostConfig": {"NetworkMode": "host", "Binds": binds}}
            self.in_background(lambda: self.docker.run(name + ".executor", spec), lambda result, error: self.executor_started(run, result, error))
        else:
            child = subprocess.Popen([sys.executable, "-m", "mesos_executor"], env={**os.environ, **env})
            self.in_background(child.wait, lambda *_: self.executor_gone(run, "Container terminated", "REASON_EXECUTOR_TERMINATED"))

    def executor_started(self, run, inspected, error):
        if error:
            return self.launch_failed(run, f"Failed to launch container: {error}")
        run.saved["process"] = inspected["State"]["Pid"]
        self.checkpoint(run)
        if run.pid:  # it was quicker than Docker's answer
            return self.watch_soon(run)

        def ended(_, error):
            if run.pid is None and not error:
                self.executor_gone(run, "Container terminated", "REASON_EXECUTOR_TERMINATED")
        self.in_background(lambda: self.docker.wait(run.saved["container"] + ".executor"), ended)

    def lives(self, run):
        """Whether an executor in a container of its own is seen, by its pid on the host: only `--pid=host` lets the slave see it."""
        try:
            with open(f"/proc/{run.saved['process']}/cmdline") as file:
                return "mesos_executor" in file.read()
        except OSError:
            return False

    def watch_soon(self, run):
        self.process.after(1, lambda: self.watch(run))

    def watch(self, run):
        """Reap an executor in a container of its own once it is not seen any more. Only one that has registered: until then Docker tells."""
        if self.lives(run):
            self.process.after(0.5, lambda: self.watch(run))
        else:
            self.executor_gone(run, "Container terminated", "REASON_EXECUTOR_TERMINATED")

    def registration_timeout(self, run):
        if run.pid is None and not run.gone and run.key in self.runs:
            self.executor_gone(run, "Executor did not register within " + self.flags["executor_registration_timeout"],
                               "REASON_EXECUTOR_REGISTRATION_TIMEOUT")

    def launch_failed(self, run, message):
        self.count["container_launch_errors"] += 1
        self.executor_gone(run, message, "REASON_CONTAINER_LAUNCH_FAILED")

    def killed_early(self, run):
        self.executor_gone(run, "Killed before delivery to the executor", "REASON_TASK_KILLED_DURING_LAUNCH", "TASK_KILLED")

    # Executors.

    def register_executor(self, sender, body):
        run = self.runs.get((body["framework_id"]["value"], body["executor_id"]["value"]))
        if run is None or run.gone:
            log(f"Ignoring executor {body['executor_id']['value']} at {sender}: it is unknown or terminated", "W")
            return
        again = "updates" in body
        run.pid = run.saved["executor_pid"] = sender
        self.checkpoint(run)
        if again:
            for update in body["updates"]:
                self.status_update(sender, {"update": update, "pid": sender})
            if run.saved["own_container"]:
                self.watch(run)
            if run.kill_wanted:
                self.process.send(sender, "KillTaskMessage", {"task_id": run.task["task_id"]})
            return
        self.process.send(sender, "ExecutorRegisteredMessage", {"slave_id": {"value": self.id}, "slave_info": self.info})
        if run.kill_wanted or self.leaving:
            self.process.send(sender, "ShutdownExecutorMessage", {})
            return self.killed_early(run)
        self.process.send(sender, "RunTaskMessage", {"framework": run.saved["framework"], "task": run.saved["info"], "pid": ""})
        if run.saved["process"]:
            self.watch_soon(run)

    def executor_gone(self, run, message, reason, state="TASK_FAILED"):
        if run.gone or self.runs.get(run.key) is not run:
            return
        run.gone = True
        if run.task["state"] not in TERMINAL and not run.silent:
            log(f"Executor of task {run.task_id} is gone: {message}", "W")
            self.take(run, status_of(run.task, state, message, "SOURCE_SLAVE", reason, uuid=uuid.uuid4().hex))
            if self.docker and run.docker and not run.saved["own_container"] and not message.startswith("Abnormal"):
                self.in_background(lambda: self.docker.stop(run.saved["container"], 0), lambda *_: None)
        if run.silent or not run.saved["updates"]:
            self.complete(run)

    def complete(self, run):
        self.runs.pop(run.key, None)
        self.completed.append(run)
        run.cancel_retry()
        run.saved.update(completed=True, updates=[])
        self.checkpoint(run)
        self.process.after(self.flags.seconds("docker_remove_delay"), lambda: self.in_background(lambda: self.docker and [
            self.docker.remove(run.saved["container"] + suffix) for suffix in ("", ".executor")], lambda *_: None))
        self.leave_when_done()

    # Status updates: one at a time for each task, again until the framework has acknowledged it.

    def status_update(self, sender, body):
        update = body["update"]
        run = self.runs.get((update["framework_id"]["value"], update["executor_id"]["value"]))
        self.process.send(sender, "StatusUpdateAcknowledgementMessage", {"slave_id": {"value": self.id}, "uuid": update["uuid"],
                          "framework_id": update["framework_id"], "task_id": update["status"]["task_id"]})
        if run is None or run.pid != sender or run.gone:
            self.count["invalid_status_updates"] += 1
        elif update["uuid"] not in [known["status"]["uuid"] for known in run.saved["updates"]]:
            self.count["valid_status_updates"] += 1
            self.take(run, update["status"])

    def take(self, run, status):
        address = {"ip_addresses": [{"protocol": "IPv4", "ip_address": self.process.ip}]}
        status["container_status"] = {"container_id": {"value": run.container_id}, "network_infos": [address], **status.get("container_status", {})}
        if run.task["state"] in TERMINAL:
            return
        apply_status(run.task, status)
        if status["state"] in TERMINAL:
            self.count[f"tasks_{status['state'][5:].lower()}"] += 1
        log(f"Task {run.task_id} of framework {run.framework_id} is {status['state']} {status.get('message', '')}")
        if run.silent:
            return self.checkpoint(run)
        run.saved["updates"].append({"framework_id": run.task["framework_id"], "slave_id": {"value": self.id},
                                     "executor_id": {"value": run.executor_id}, "status": status, "timestamp": status["timestamp"],
                                     "uuid": status["uuid"]})
        self.checkpoint(run)
        if len(run.saved["updates"]) == 1:
            self.forward(run)

    def forward(self, run, wait=10):
        run.cancel_retry()
        if run.saved["updates"] and not run.silent:
            if self.registered:
                self.process.send(self.master, "StatusUpdateMessage", {"update": run.saved["updates"][0], "pid": self.process.pid})
            run.cancel_retry = self.process.after(wait, lambda: self.forward(run, min(wait * 2, 600)))

    def resend(self):
        for run in self.runs.values():
            self.forward(run)

    def acknowledged(self, _, body):
        run = self.runs.get((body["framework_id"]["value"], body["task_id"]["value"]))
        if run is None or not run.saved["updates"] or run.saved["updates"][0]["uuid"] != body["uuid"]:
            return
        run.saved["updates"].pop(0)
        self.checkpoint(run)
        self.forward(run)
        if not run.saved["updates"] and run.gone:
            self.complete(run)

    # Ending.

    def kill_task(self, _, body):
        run = self.runs.get((body["framework_id"]["value"], body["task_id"]["value"]))
        if run and run.pid:
            self.process.send(run.pid, "KillTaskMessage", body)
        elif run:
            run.kill_wanted = True

    def shutdown_framework(self, sender, body):
        if sender == self.master:
            for run in [run for run in self.runs.values() if run.framework_id == body["framework_id"]["value"]]:
                run.silent = True
                self.shutdown(run)

    def shutdown(self, run):
        """End an executor and its task; by force after the grace period."""
        run.kill_wanted = True
        if run.gone:
            self.complete(run)
        elif run.pid:
            self.process.send(run.pid, "ShutdownExecutorMessage", {})

        def force():
            if not run.gone and self.docker and run.docker:
                for suffix in ("", ".executor"):
                    self.docker.stop(run.saved["container"] + suffix, 0)
        self.process.after(self.flags.seconds("executor_shutdown_grace_period"), lambda: self.in_background(
            force, lambda *_: self.executor_gone(run, "Executor did not shut down in time", "REASON_EXECUTOR_TERMINATED")))

    def unregister(self):
        """SIGUSR1: say goodbye, end everything, forget the id."""
        log("Received SIGUSR1: unregistering and shutting down", "W")
        self.leaving = True
        if self.master and self.id:
            self.process.send(self.master, "UnregisterSlaveMessage", {"slave_id": {"value": self.id}})
        for run in list(self.runs.values()):
            run.silent = True
            self.shutdown(run)
        self.process.after(0.2, self.leave_when_done)  # time for the message to go out
        self.process.after(self.flags.seconds("executor_shutdown_grace_period") + 2, lambda: (self.runs.clear(), self.leave_when_done()))

    def leave_when_done(self):
        if self.leaving and not self.runs:
            latest = os.path.join(self.meta, "latest")
            if os.path.islink(latest):
                os.remove(latest)
            log("All executors are gone; exiting")
            os._exit(0)

    # HTTP.

    def state(self, _):
        if self.recovering:
            return Response("Agent has not finished recovery", 503)
        frameworks, completed = {}, {}
        for runs, where, kind in ((self.runs.values(), frameworks, "executors"), (self.completed, completed, "completed_executors")):
            for run in runs:
                info = run.saved["framework"]
                target = frameworks if run.framework_id in frameworks else where
                shown = target.setdefault(run.framework_id, {
                    "id": run.framework_id, "name": info.get("name", ""), "user": info.get("user", ""),
                    "failover_timeout": info.get("failover_timeout", 0), "checkpoint": info.get("checkpoint", False),
                    "hostname": info.get("hostname", ""), **show_role(info), "executors": [], "completed_executors": []})
                shown[kind].append(run.show())
        used = total(run.resources() for run in self.runs.values())
        shown = {**BUILD, "start_time": self.start_time, "id": self.id, "pid": self.process.pid, "hostname": self.hostname,
                 "capabilities": SLAVE_CAPABILITIES, "resources": self.resources.show(),
                 **show_reserved(self.resources, self.role), **show_reserved_full(self.resources, self.role),
                 "reserved_resources_allocated": {} if self.role == "*" else {self.role: used.show()},
                 "unreserved_resources_allocated": (used if self.role == "*" else Resources()).show(), "resource_providers": [],
                 "attributes": {item["name"]: (item.get("text") or item.get("scalar"))["value"] for item in self.attributes},
                 "flags": self.flags.shown(), "frameworks": list(frameworks.values()), "completed_frameworks": list(completed.values())}
        if self.master:
            shown["master_hostname"] = self.master_info["hostname"]
        return shown

    def containers(self):
        return [{"container_id": run.container_id, "executor_id": run.executor_id, "executor_name": run.show()["name"],
                 "framework_id": run.framework_id, "source": run.task_id, "status": {"container_id": {"value": run.container_id}},
                 "statistics": self.statistics(run)} for run in self.runs.values() if run.pid]

    def statistics(self, run):
        limits = Resources.read(run.task.get("resources"))
        result = {"cpus_soft_limit": limits.get("cpus", 0), "mem_limit_bytes": int(limits.get("mem", 0)) << 20, "timestamp": time.time(),
                  "cpus_system_time_secs": 0, "cpus_user_time_secs": 0, "mem_rss_bytes": 0}
        if run.docker:
            try:
                seen = self.docker.call("GET", f"/containers/{run.saved['container']}/stats?stream=0&one-shot=1", timeout=2)
                usage = seen["cpu_stats"]["cpu_usage"]
                result.update(cpus_system_time_secs=usage["usage_in_kernelmode"] / 1e9, cpus_user_time_secs=usage["usage_in_usermode"] / 1e9,
                              mem_rss_bytes=seen["memory_stats"].get("usage", 0))
            except (DockerError, KeyError, OSError):
                pass
        return result

    def metrics(self):
        states, used = Counter(run.task["state"][5:].lower() for run in self.runs.values()), total(run.resources() for run in self.runs.values())
        zeros = ("containerizer/docker/image_pull_ms", "containerizer/fetcher/cache_size_used_bytes", "containerizer/fetcher/task_fetches_failed",
                 "containerizer/fetcher/task_fetches_succeeded", "gc/path_removals_failed", "gc/path_removals_pending",
                 "gc/path_removals_succeeded", "resource_provider_manager/events/disconnect", "resource_provider_manager/events/subscribe",
                 "resource_provider_manager/subscribed", "slave/executors_preempted", "slave/executors_terminating",
                 "slave/invalid_framework_messages", "slave/valid_framework_messages", "slave/recovery_errors")
        return {**dict.fromkeys(zeros, 0), "containerizer/fetcher/cache_size_total_bytes": 2 << 30,
                "slave/executor_directory_max_allowed_age_secs": 604800.0, "slave/recovery_time_secs": 0.1,
                # 1 as soon as a master is known, whether or not it has taken the slave: the real one says so too.
                "slave/registered": int(self.master is not None), "slave/uptime_secs": time.time() - self.start_time,
                "slave/executors_registering": sum(run.pid is None for run in self.runs.values()),
                "slave/executors_running": sum(run.pid is not None for run in self.runs.values()),
                "slave/executors_terminated": len(self.completed), "slave/frameworks_active": len({run.framework_id for run in self.runs.values()}),
                **{f"slave/{name}": self.count[name] for name in ("container_launch_errors", "invalid_status_updates", "valid_status_updates")},
                **{f"slave/tasks_{name}": self.count[f"tasks_{name}"] + (states[name] if f"TASK_{name.upper()}" not in TERMINAL else 0)
                   for name in ("failed", "finished", "gone", "killed", "killing", "lost", "running", "staging", "starting")},
                **used_metrics("slave/", self.resources, used), **system_metrics()}

    def page(self, _):
        import html
        rows = "".join(f"<li>{html.escape(run.task_id)}: {run.task['state']}, sandbox <code>{html.escape(run.saved['directory'])}</code></li>"
                       for run in self.runs.values())
        return Response(f"<!doctype html><html lang=en><meta charset=utf-8><title>Mesos slave (stand-in)</title><link rel=icon href='data:,'>"
                        f"<h1>Mesos slave (stand-in)</h1><p>This is a stand-in for the Mesos slave {VERSION}, not Apache Mesos.</p>"
                        f"<p>Id: {self.id or 'none yet'}. Master: {self.master or 'none detected'}.</p><ul>{rows or '<li>No task</li>'}</ul></html>",
                        content_type="text/html; charset=utf-8")


def main():
    flags = Flags("mesos-slave", SLAVE)
    if flags["version"] == "true":
        return print(f"mesos {VERSION} (stand-in)")
    if not flags["work_dir"]:
        flags.refuse("Flag 'work_dir' is required, but it was not provided")
    if not flags["master"]:
        leave("Missing required option --master") if OLD else flags.refuse("Flag 'master' is required, but it was not provided")
    log(f"This is a stand-in for the Mesos slave {VERSION}, not Mesos itself")
    if flags["master"].startswith("zk://"):
        try:
            url = Url(flags["master"])
        except ValueError as error:
            leave(f"Failed to create a master detector: {error}")
        if url.path == "/":
            leave("Failed to create a master detector: Expecting a (chroot) path for ZooKeeper ('/' is not supported)")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))  # tasks stay, and so does what is remembered
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    slave = Slave(flags)
    signal.signal(signal.SIGUSR1, lambda *_: slave.process.dispatch(slave.unregister))
    slave.process.run()


if __name__ == "__main__":
    sys.exit(main())
