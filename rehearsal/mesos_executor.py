"""Stand-in for the Mesos executors: runs one task, a Docker container or a command, and reports on it to the slave.

Started by the slave, as its child or in a container of its own; everything it needs to know is in its environment.
It outlives a slave that goes away (if it is let) and reconnects to the one that comes instead.
"""
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
import uuid

from docker_api import DockerError, connect
from libprocess import Process
from mesos_flags import OLD, log
from mesos_model import TERMINAL, Resources, capabilities, reserved_for

SHUTDOWN_GRACE = 3  # seconds between SIGTERM and SIGKILL when the slave tells the executor to end


class Executor:
    def __init__(self, env):
        self.env, self.slave, self.sandbox = env, env["MESOS_SLAVE_PID"], env["MESOS_DIRECTORY"]
        self.ids = {"framework_id": {"value": env["MESOS_FRAMEWORK_ID"]}, "executor_id": {"value": env["MESOS_EXECUTOR_ID"]}}
        self.docker = connect(env.get("MESOS_DOCKER", "docker"), env.get("MESOS_DOCKER_SOCKET", "/var/run/docker.sock"))
        self.container = env["MESOS_CONTAINER_NAME"]
        self.task, self.updates, self.kill, self.killed, self.done, self.give_up = None, {}, None, False, False, lambda: None
        self.process = Process("executor(1)", env.get("LIBPROCESS_IP"))
        for message, handler in (("ExecutorRegisteredMessage", lambda *_: log("Executor registered on agent")),
                                 ("RunTaskMessage", self.run_task), ("KillTaskMessage", self.kill_task),
                                 ("StatusUpdateAcknowledgementMessage", self.acknowledged), ("ReconnectExecutorMessage", self.reconnect),
                                 ("ShutdownExecutorMessage", lambda *_: self.shutdown())):
            self.process.receive(message, handler)
        self.process.exited = self.slave_exited
        self.process.start()
        self.process.link(self.slave)
        self.process.send(self.slave, "RegisterExecutorMessage", self.ids)

    # The slave.

    def slave_exited(self, pid):
        if pid == self.slave:
            log(f"Agent exited; waiting {self.env['MESOS_RECOVERY_TIMEOUT']} s for it to come back")
            self.give_up = self.process.after(float(self.env["MESOS_RECOVERY_TIMEOUT"]), self.shutdown)

    def reconnect(self, sender, _):
        if sender != self.slave:  # one at another address is another slave to it
            return log(f"Ignoring reconnect request from {sender}: the agent is {self.slave}", "W")
        self.give_up()
        self.process.link(sender)
        self.process.send(sender, "ReregisterExecutorMessage", {**self.ids, "updates": list(self.updates.values())})

    def update(self, state, message=None, **more):
        """Report a state to the slave; kept until it says that it has it. Callable from any thread."""
        def send():
            if self.done:
                return
            self.done = state in TERMINAL
            number = uuid.uuid4().hex
            status = {"task_id": self.task["task_id"], "slave_id": self.task["slave_id"], "state": state, "timestamp": time.time(),
                      "source": "SOURCE_EXECUTOR", "uuid": number, **self.ids, **more}
            del status["framework_id"]
            if message:
                status["message"] = message
            self.updates[number] = {**self.ids, "slave_id": self.task["slave_id"], "status": status, "timestamp": status["timestamp"],
                                    "uuid": number}
            self.process.send(self.slave, "StatusUpdateMessage", {"update": self.updates[number], "pid": self.process.pid})
        self.process.dispatch(send)

    def acknowledged(self, _, body):
        self.updates.pop(body["uuid"], None)
        if self.done and not self.updates:
            os._exit(0)

    # The task.

    def run_task(self, _, body):
        self.task, self.framework = body["task"], body["framework"]
        log(f"Starting task {self.task['task_id']['value']}")
        if not OLD:
            self.update("TASK_STARTING")
        docker = self.task.get("container", {}).get("type") == "DOCKER"
        threading.Thread(target=self.run_container if docker else self.run_command, daemon=True).start()

    def kill_task(self, _, body):
        grace = self.task.get("kill_policy", {}).get("grace_period", {}).get("nanoseconds") if self.task else None
        self.end(grace / 1e9 if grace is not None else float(self.env["MESOS_DOCKER_STOP_TIMEOUT"]))

    def shutdown(self):
        log("Executor asked to shutdown")
        if self.task is None or self.done:
            os._exit(0)
        self.end(SHUTDOWN_GRACE)
        self.process.after(SHUTDOWN_GRACE + 5, lambda: os._exit(0))

    def end(self, grace):
        if self.killed or self.task is None:
            return
        self.killed = True
        if "TASK_KILLING_STATE" in capabilities(self.framework):
            self.update("TASK_KILLING")
        if self.kill:  # otherwise it is just being started, and ended as soon as it has
            threading.Thread(target=self.kill, args=(grace,), daemon=True).start()

    def started(self, kill, **more):
        def note():
            self.kill = kill
            if self.killed:
                threading.Thread(target=kill, args=(0,), daemon=True).start()
        self.process.dispatch(note)
        self.update("TASK_RUNNING", **more)

    def ended(self, ok, message):
        self.process.dispatch(lambda: self.update("TASK_KILLED" if self.killed else "TASK_FINISHED" if ok else "TASK_FAILED", message))

    def environment(self):
        variables = self.task.get("command", {}).get("environment", {}).get("variables", [])
        return {item["name"]: item.get("value", "") for item in variables}

    def run_container(self):
        try:
            inspected = self.docker.run(self.container, self.specification())
        except (DockerError, ValueError) as error:
            return self.ended(False, f"Failed to run docker container: {error}")
        more = {}
        addresses = [network["IPAddress"] for network in inspected["NetworkSettings"]["Networks"].values() if network.get("IPAddress")]
        if addresses:
            infos = [{"ip_addresses": [{"protocol": "IPv4", "ip_address": address}]} for address in addresses]
            more = {"container_status": {"network_infos": infos}}
        self.started(lambda grace: self.docker.stop(self.container, grace), **more)
        with open(f"{self.sandbox}/stdout", "ab") as out, open(f"{self.sandbox}/stderr", "ab") as err:
            try:
                threading.Thread(target=self.docker.copy_logs, args=(self.container, out, err), daemon=True).start()
                status = self.docker.wait(self.container)
            except (DockerError, OSError, ValueError) as error:
                return self.ended(False, f"Failed to wait for the container: {error}")
            self.ended(status == 0, f"Container exited with status {status}")

    def specification(self):
        """What `docker run` would be told for the task."""
        docker, command = self.task["container"]["docker"], self.task.get("command", {})
        resources = Resources.read(self.task["resources"])
        env = {**self.environment(), "MESOS_SANDBOX": "/mnt/mesos/sandbox", "MESOS_CONTAINER_NAME": self.container}
        if not OLD:
            env["MESOS_ALLOCATION_ROLE"] = reserved_for(self.task["resources"])
        binds = []
        for volume in self.task["container"].get("volumes", []):
            source = volume.get("host_path") or volume["container_path"]
            source = source if source.startswith("/") else f"{self.sandbox}/{source}"
            binds.append(f"{source}:{volume['container_path']}:{volume.get('mode', 'RW').lower()}")
        network = docker.get("network", "HOST").lower()
        if network == "user":
            network = self.task["container"]["network_infos"][0]["name"]
        host = {"NetworkMode": network, "Binds": [*binds, f"{self.sandbox}:/mnt/mesos/sandbox"], "Privileged": docker.get("privileged", False),
                "CpuShares": max(2, int(resources.get("cpus", 0) * 1024)), "Memory": max(32, int(resources.get("mem", 0))) << 20}
        spec = {"Image": docker["image"], "Env": [f"{name}={value}" for name, value in env.items()], "HostConfig": host, "Labels": {}}
        for mapping in docker.get("port_mappings", []):
            port = f"{mapping['container_port']}/{mapping.get('protocol') or 'tcp'}"
            spec.setdefault("ExposedPorts", {})[port] = {}
            host.setdefault("PortBindings", {}).setdefault(port, []).append({"HostPort": str(mapping["host_port"])})
        if command.get("shell", True) and command.get("value"):
            spec.update(Entrypoint=["/bin/sh"], Cmd=["-c", command["value"]])
        elif command.get("value") or command.get("arguments"):
            spec["Cmd"] = [*filter(None, [command.get("value")]), *command.get("arguments", [])]
        for parameter in docker.get("parameters", []):
            set_parameter(spec, parameter["key"], parameter.get("value", ""))
        return spec

    def run_command(self):
        command = self.task["command"]
        arguments = ["/bin/sh", "-c", command["value"]] if command.get("shell", True) else command.get("arguments") or [command["value"]]
        env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONUNBUFFERED", "STAND_IN_VERSION")
               and not name.startswith(("MESOS_", "LIBPROCESS_"))}
        env.update({"MESOS_SANDBOX": self.sandbox, "MESOS_TASK_ID": self.task["task_id"]["value"], **self.environment()})
        with open(f"{self.sandbox}/stdout", "ab") as out, open(f"{self.sandbox}/stderr", "ab") as err:
            try:
                child = subprocess.Popen(arguments, cwd=self.sandbox, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                         start_new_session=True)
            except OSError as error:
                return self.ended(False, f"Failed to run the command: {error}")

        def kill(grace):
            for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 0)):
                try:
                    os.killpg(child.pid, number)
                    child.wait(patience)
                except (ProcessLookupError, subprocess.TimeoutExpired):
                    continue
        self.started(kill)
        status = child.wait()
        self.ended(status == 0, f"Command exited with status {status}" if status >= 0 else
                   f"Command terminated with signal {signal.strsignal(-status)}")


def set_parameter(spec, key, value):
    """A `docker run` option, as an app's docker parameters name it; ValueError for one that this stand-in does not know."""
    host, flag = spec["HostConfig"], value.lower() in ("", "true")
    lists = {"env": (spec, "Env"), "e": (spec, "Env"), "volume": (host, "Binds"), "v": (host, "Binds"), "cap-add": (host, "CapAdd"),
             "cap-drop": (host, "CapDrop"), "add-host": (host, "ExtraHosts"), "dns": (host, "Dns"), "security-opt": (host, "SecurityOpt")}
    words = {"hostname": (spec, "Hostname"), "user": (spec, "User"), "u": (spec, "User"), "workdir": (spec, "WorkingDir"),
             "w": (spec, "WorkingDir"), "network": (host, "NetworkMode"), "net": (host, "NetworkMode"), "pid": (host, "PidMode"),
             "ipc": (host, "IpcMode"), "stop-signal": (spec, "StopSignal")}
    flags = {"privileged": (host, "Privileged"), "init": (host, "Init"), "read-only": (host, "ReadonlyRootfs"), "tty": (spec, "Tty")}
    if key in ("label", "l"):
        name, _, text = value.partition("=")
        spec["Labels"][name] = text
    elif key in lists:
        lists[key][0].setdefault(lists[key][1], []).append(value)
    elif key in words:
        words[key][0][words[key][1]] = value
    elif key in flags:
        flags[key][0][flags[key][1]] = flag
    elif key == "entrypoint":
        spec["Entrypoint"] = shlex.split(value)
    elif key == "log-driver":
        host.setdefault("LogConfig", {"Config": {}})["Type"] = value
    elif key == "log-opt":
        name, _, text = value.partition("=")
        host.setdefault("LogConfig", {"Type": "json-file", "Config": {}})["Config"][name] = text
    else:
        raise ValueError(f"unknown flag: --{key} (this stand-in knows a part of docker run's options)")


def main():
    log("This is a stand-in for a Mesos executor")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    Executor(dict(os.environ)).process.run()


if __name__ == "__main__":
    sys.exit(main())
