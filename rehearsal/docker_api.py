"""The few calls of the Docker Engine API that the stand-ins need, over its socket: starts at once, needs no library.

With a docker client that was named (`MESOS_DOCKER`) they go through that one instead, as Mesos's all do.
"""
import http.client
import json
import os
import shlex
import socket
import subprocess
from urllib.parse import quote, urlencode, urlsplit


class DockerError(Exception):
    """The engine said no (`status` is its HTTP status), or could not be reached (status 0).

    `exit` and `stderr` are what a docker client ends with and says.
    """

    def __init__(self, status, message, exit=1, stderr=None):
        super().__init__(message)
        self.status, self.exit, self.stderr = status, exit, stderr or message


def connect(client, docker_socket):
    """An engine: over its API where Mesos would take the `docker` on its PATH, else through the client of that name."""
    return Docker(docker_socket) if client == "docker" else DockerClient(client, docker_socket)


class Docker:
    """An engine. `DOCKER_HOST` decides where it is, otherwise the socket that is given."""

    client = "docker"  # as messages call it

    def __init__(self, docker_socket="/var/run/docker.sock"):
        self.host = os.environ.get("DOCKER_HOST") or f"unix://{docker_socket}"
        self.socket = self.host[7:] if self.host.startswith("unix://") else None

    def _connect(self, timeout):
        if not self.socket:
            return http.client.HTTPConnection(urlsplit(self.host).netloc, timeout=timeout)
        connection = http.client.HTTPConnection("docker", timeout=timeout)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(timeout)
        connection.sock.connect(self.socket)
        return connection

    def stream(self, method, path, body=None, timeout=60):
        """The open answer to a call; DockerError if it failed."""
        try:
            connection = self._connect(timeout)
            connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
            answer = connection.getresponse()
        except OSError as error:
            raise DockerError(0, f"Cannot connect to the Docker daemon at {self.host}. Is the docker daemon running? ({error})") from error
        if answer.status >= 400:
            text = answer.read().decode(errors="replace")
            try:
                text = json.loads(text)["message"]
            except (ValueError, KeyError):
                pass
            raise DockerError(answer.status, text, stderr=f"Error response from daemon: {text}")
        return answer

    def call(self, method, path, body=None, timeout=60):
        """A call's whole answer as JSON, None where it has none."""
        text = self.stream(method, path, body, timeout).read()
        return json.loads(text) if text else None

    def version(self):
        """Fails where there is nothing to talk to the engine with."""

    def containers(self):
        """Names of all containers, running or not -> id."""
        return {item["Names"][0].lstrip("/"): item["Id"] for item in self.call("GET", "/containers/json?all=1") if item["Names"]}

    def pull(self, image, force):
        """Make sure that the image is there; DockerError with Docker's own message if it cannot be had."""
        if not force:
            try:
                return self.call("GET", f"/images/{quote(image)}/json")
            except DockerError as error:
                if error.status != 404:
                    raise
        if "@" in image:  # by digest
            name, _, tag = image.partition("@")
        else:
            name, _, tag = image.rpartition(":") if ":" in image.rpartition("/")[2] else (image, "", "latest")
        for line in self.stream("POST", "/images/create?" + urlencode({"fromImage": name, "tag": tag}), timeout=3600):
            problem = json.loads(line).get("error")
            if problem:
                raise DockerError(500, problem)

    def run(self, name, spec):
        """Create and start a container; returns its inspection."""
        made = self.call("POST", f"/containers/create?name={quote(name)}", spec)
        self.call("POST", f"/containers/{made['Id']}/start")
        return self.inspect(made["Id"])

    def inspect(self, name):
        return self.call("GET", f"/containers/{quote(name)}/json")

    def wait(self, name):
        """Exit status, once it has one."""
        return self.call("POST", f"/containers/{quote(name)}/wait", timeout=None)["StatusCode"]

    def stop(self, name, grace):
        """SIGTERM, and after so many seconds SIGKILL. A container that is not there or not running is fine."""
        self._unless_gone("POST", f"/containers/{quote(name)}/stop?t={int(grace)}", timeout=grace + 60)

    def remove(self, name):
        """Remove, running or not."""
        self._unless_gone("DELETE", f"/containers/{quote(name)}?force=1&v=1")

    def _unless_gone(self, method, path, timeout=60):
        try:
            self.call(method, path, timeout=timeout)
        except DockerError as error:
            if error.status not in (304, 404, 409):
                raise

    def copy_logs(self, name, out, err):
        """Copy a container's output into two open files until it ends."""
        answer = self.stream("GET", f"/containers/{quote(name)}/logs?follow=1&stdout=1&stderr=1", timeout=None)
        while len(head := answer.read(8)) == 8:  # kind of stream, three zeros, length
            target = err if head[0] == 2 else out
            target.write(answer.read(int.from_bytes(head[4:], "big")))
            target.flush()


class DockerClient(Docker):
    """The same through a docker client: what it cannot do fails as it does in Mesos."""

    def __init__(self, client, docker_socket):
        super().__init__(docker_socket)
        self.client = client

    def _command(self, *arguments):
        return shlex.join([self.client, "-H", self.host, *arguments])

    def _ask(self, *arguments, timeout=60):
        """What the client prints; DockerError with what it complains of. Through a shell, as Mesos runs it."""
        try:
            done = subprocess.run(self._command(*arguments), shell=True, capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise DockerError(0, f"'{self._command(*arguments)}' gave no answer in {timeout} s") from error
        if done.returncode:
            raise DockerError(404 if "no such" in done.stderr.lower() else 500, done.stderr.strip(), done.returncode)
        return done.stdout

    def version(self):
        try:
            self._ask("--version")
        except DockerError as error:
            raise OSError(f"Failed to create docker: Failed to get docker version: Failed to execute '{self._command('--version')}': "
                          f"exited with status {error.exit}") from error

    def containers(self):
        return dict(line.split() for line in self._ask("ps", "-a", "--no-trunc", "--format", "{{.Names}} {{.ID}}").splitlines())

    def pull(self, image, force):
        try:
            found = None if force else self._ask("inspect", image)
        except DockerError as error:
            if error.status != 404:
                raise
            found = None
        if found is None:
            self._ask("pull", image, timeout=3600)
            found = self._ask("inspect", image)
        config = json.loads(found)[0].get("ContainerConfig", {})
        if config is None:
            raise OSError("Unable to create image: Failed to find 'ContainerConfig.Entrypoint': Intermediate JSON value not an object")
        if "Entrypoint" not in config:  # newer engines tell it to old clients only
            raise OSError("Unable to create image: Unable to find 'ContainerConfig.Entrypoint'")

    def run(self, name, spec):
        host, options = spec["HostConfig"], ["--name", name]
        several = {"--env": spec["Env"], "--volume": host.get("Binds"), "--cap-add": host.get("CapAdd"), "--cap-drop": host.get("CapDrop"),
                   "--add-host": host.get("ExtraHosts"), "--dns": host.get("Dns"), "--security-opt": host.get("SecurityOpt"),
                   "--label": [f"{key}={value}" for key, value in spec.get("Labels", {}).items()],
                   "--publish": [f"{binding['HostPort']}:{port}" for port, bindings in host.get("PortBindings", {}).items() for binding in bindings]}
        log = host.get("LogConfig", {})
        one = {"--network": host["NetworkMode"], "--cpu-shares": host.get("CpuShares"), "--memory": host.get("Memory"), "--pid": host.get("PidMode"),
               "--ipc": host.get("IpcMode"), "--hostname": spec.get("Hostname"), "--user": spec.get("User"), "--workdir": spec.get("WorkingDir"),
               "--stop-signal": spec.get("StopSignal"), "--log-driver": log.get("Type"), "--entrypoint": next(iter(spec.get("Entrypoint", [])), None)}
        flags = {"--privileged": host.get("Privileged"), "--init": host.get("Init"), "--read-only": host.get("ReadonlyRootfs"), "--tty": spec.get("Tty")}
        several["--log-opt"] = [f"{key}={value}" for key, value in log.get("Config", {}).items()]
        options += [part for option, values in several.items() for value in values or [] for part in (option, value)]
        options += [part for option, value in one.items() if value for part in (option, str(value))]
        options += [option for option, value in flags.items() if value]
        self._ask("run", "--detach", *options, spec["Image"], *spec.get("Entrypoint", [])[1:], *spec.get("Cmd", []))
        return self.inspect(name)

    def inspect(self, name):
        return json.loads(self._ask("inspect", name))[0]

    def wait(self, name):
        return int(self._ask("wait", name, timeout=None))

    def stop(self, name, grace):
        self._unless_gone("stop", "--time", str(int(grace)), name, timeout=grace + 60)

    def remove(self, name):
        self._unless_gone("rm", "--force", "--volumes", name)

    def _unless_gone(self, *arguments, timeout=60):
        try:
            self._ask(*arguments, timeout=timeout)
        except DockerError as error:
            if error.status != 404:
                raise

    def copy_logs(self, name, out, err):
        subprocess.run(self._command("logs", "--follow", name), shell=True, stdout=out, stderr=err)
