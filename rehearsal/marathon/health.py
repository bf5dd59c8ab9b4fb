"""Health checks that Marathon makes itself: a request to the task's host and port, every few seconds, in a thread of its own.

The MESOS_ variants are made here too (the real Mesos has its executors make them); COMMAND is left to the executor.
"""
import http.client
import socket
import ssl
import threading


def target_port(check, app, ports):
    """The port to ask: a host port of the task, or the container's where none is published."""
    if check.get("port"):
        return check["port"]
    index = check.get("portIndex", 0)
    if index < len(ports) and ports[index] is not None:
        return ports[index]
    mappings = (app.get("container") or {}).get("portMappings", [])
    return mappings[index]["containerPort"] if index < len(mappings) else None


def probe(check, host, port):
    """None if healthy, else why not."""
    timeout = check["timeoutSeconds"] or 1
    try:
        if check["protocol"].endswith("TCP"):
            socket.create_connection((host, port), timeout).close()
            return None
        if check["protocol"].endswith("HTTPS"):
            connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=ssl._create_unverified_context())
        else:
            connection = http.client.HTTPConnection(host, port, timeout=timeout)
        try:
            connection.request("GET", check.get("path", "/"))
            status = connection.getresponse().status
        finally:
            connection.close()
        return None if 200 <= status < 400 else f"{status}"
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"


class Watch:
    """Asks until stopped; report(check index, None | reason) is called after each answer, in this watch's threads."""

    def __init__(self, app, host, ports, report):
        self._stop = threading.Event()
        for index, check in enumerate(app.get("healthChecks", [])):
            port = target_port(check, app, ports)
            if check["protocol"] != "COMMAND" and port:
                threading.Thread(target=self._run, args=(index, check, host, port, report), daemon=True).start()

    def _run(self, index, check, host, port, report):
        while not self._stop.wait(check["intervalSeconds"] or 1):
            reason = probe(check, host, port)
            if not self._stop.is_set():
                report(index, reason)

    def stop(self):
        self._stop.set()
