"""The few calls of the Docker Engine API that the stand-ins need, over its socket: starts at once, needs no library."""
import http.client
import json
import os
import socket
from urllib.parse import quote, urlencode, urlsplit


class DockerError(Exception):
    """The engine said no (`status` is its HTTP status), or could not be reached (status 0)."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Docker:
    """An engine. `DOCKER_HOST` decides where it is, otherwise the socket that is given."""

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
            raise DockerError(answer.status, text)
        return answer

    def call(self, method, path, body=None, timeout=60):
        """A call's whole answer as JSON, None where it has none."""
        text = self.stream(method, path, body, timeout).read()
        return json.loads(text) if text else None

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
