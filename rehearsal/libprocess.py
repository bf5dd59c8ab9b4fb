"""Processes that talk by messages over HTTP, the way Mesos's libprocess does. Shared by all stand-ins.

A process has a pid, `name@ip:port`. A message is `POST http://ip:port/name/mesos.internal.<Message>` with a JSON body
and the sender's pid in `Libprocess-From`; it is answered 202 at once and handled later. Everything a process does
(messages, its own HTTP pages, timers) runs in one thread, the one that calls `run`, so its state needs no locks.
"""
import heapq
import http.client
import json
import queue
import re
import socket
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PREFIX = "mesos.internal."


def parse_pid(pid):
    """`slave(1)@127.0.0.1:5051` -> ("slave(1)", "127.0.0.1", 5051); ValueError if it is no pid."""
    match = re.fullmatch(r"([^@]+)@([^:]+):(\d+)", pid or "")
    if not match:
        raise ValueError(f"'{pid}' is not a pid (name@ip:port)")
    return match[1], match[2], int(match[3])


def own_address(hostname=None):
    """The address that this host's name resolves to: what a process advertises unless it is told another."""
    hostname = hostname or socket.gethostname()
    try:
        return socket.gethostbyname(hostname)
    except OSError as error:
        raise OSError(f"Failed to obtain the IP address for '{hostname}'; the DNS service may not be able to resolve it: {error}")


class Request:
    """What an HTTP route gets: method, path, query (dict of first values), headers, body (bytes)."""

    def __init__(self, method, target, headers, body):
        url = urllib.parse.urlsplit(target)
        self.method, self.path, self.headers, self.body = method, urllib.parse.unquote(url.path), headers, body
        self.query = {key: values[0] for key, values in urllib.parse.parse_qs(url.query).items()}

    def form(self):
        """The body as a submitted form (dict of first values)."""
        return {key: values[0] for key, values in urllib.parse.parse_qs(self.body.decode()).items()}


class Response:
    """An answer: `body` is text, bytes or anything JSON can say."""

    def __init__(self, body="", status=200, content_type=None, headers=None):
        if not isinstance(body, (str, bytes)):
            body, content_type = json.dumps(body), content_type or "application/json"
        self.body = body.encode() if isinstance(body, str) else body
        self.status, self.headers = status, {"Content-Type": content_type or "text/plain; charset=utf-8", **(headers or {})}


class Process:
    """One libprocess-like process. Make it, add `receive` and `route` handlers, then `run` it."""

    def __init__(self, name, ip=None, port=0, advertise_ip=None, advertise_port=None):
        """Listens at once; `OSError` if the address or port cannot be had.

        ip: address to bind and advertise; None binds all and advertises the host name's address.
        port: 0 takes a free one. advertise_ip, advertise_port: what others are told instead.
        """
        self.name = name
        self._handlers, self._routes, self._timers, self._senders, self._links = {}, {}, [], {}, {}
        self._events, self._timer_lock, self._sequence = queue.Queue(), threading.Lock(), 0
        self._sender_lock, self._serving = threading.Lock(), False
        self.exited = lambda pid: None  # called when a linked or addressed peer is gone

        process = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version, disable_nagle_algorithm, wbufsize = "HTTP/1.1", True, -1

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                response = process._answer(Request(self.command, self.path, self.headers, body))
                self.send_response(response.status)
                for key, value in response.headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(response.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(response.body)
                self.wfile.flush()

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads, request_queue_size = True, 128

            def server_bind(self):  # without the base class's look-up of the host's full name, which can take seconds
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self.socket.bind(self.server_address)
                self.server_address = self.socket.getsockname()

            def handle_error(self, *_):  # a peer that hangs up is no news
                pass

        self._server = Server((ip or "0.0.0.0", port), Handler)
        self.ip = advertise_ip or (ip if ip and ip != "0.0.0.0" else own_address())
        self.port = advertise_port or self._server.server_address[1]
        self.pid = f"{name}@{self.ip}:{self.port}"

    # What the process answers.

    def receive(self, message, handler):
        """Handle `mesos.internal.<message>` with handler(sender_pid, body)."""
        self._handlers[message] = handler

    def route(self, path, handler, methods=("GET", "HEAD")):
        """Answer `path` with handler(request) -> Response, or anything JSON can say."""
        self._routes[path] = (handler, methods)

    def _answer(self, request):
        _, _, last = request.path.rpartition("/")
        if request.method == "POST" and last.startswith(PREFIX):
            handler = self._handlers.get(last[len(PREFIX):])
            if handler is None:
                return Response(status=404)
            sender, body = request.headers.get("Libprocess-From"), json.loads(request.body or b"{}")
            self.dispatch(lambda: handler(sender, body))
            return Response(status=202)
        # A path without the process's name belongs to it too: it is the only one here.
        handler, methods = self._routes.get(request.path) or self._routes.get(f"/{self.name}{request.path}") or (None, ())
        if handler is None:
            return Response(status=404)
        if request.method not in methods:
            return Response(f"Expecting one of {{ '{', '.join(methods)}' }}, but received '{request.method}'", 405)
        answer = queue.Queue()

        def respond():
            try:
                result = handler(request)
                answer.put(result if isinstance(result, Response) else Response(result))
            except Exception as error:  # a bug in a handler must not hang its caller
                answer.put(Response(f"{type(error).__name__}: {error}", 500))
                raise

        self.dispatch(respond)
        return answer.get()

    # What the process does.

    def dispatch(self, action):
        """Run action() in the process's own thread, soon. Callable from any thread."""
        self._events.put(action)

    def after(self, seconds, action):
        """Run action() in the process's thread after so many seconds; returns a function that cancels it."""
        entry = [time.monotonic() + seconds, 0, action]
        with self._timer_lock:
            self._sequence += 1
            entry[1] = self._sequence
            heapq.heappush(self._timers, entry)
        self._events.put(None)  # wake up: the next timer may be this one

        def cancel():
            entry[2] = None
        return cancel

    def run(self):
        """Serve for ever, in the calling thread."""
        self.start()
        while True:
            with self._timer_lock:
                due = self._timers[0][0] - time.monotonic() if self._timers else None
                action = heapq.heappop(self._timers)[2] if due is not None and due <= 0 else None
            if due is None or due > 0:
                try:
                    action = self._events.get(timeout=due)
                except queue.Empty:
                    continue
            if action is None:
                continue
            try:
                action()
            except Exception:
                import traceback
                traceback.print_exc()

    def start(self):
        """Begin to accept connections; `run` does it too. Once is enough."""
        if not self._serving:
            self._serving = True
            threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def send(self, to, message, body):
        """Post a message; in order per receiver, without waiting. An unreachable receiver is reported to `exited`."""
        with self._sender_lock:
            if to not in self._senders:
                self._senders[to] = queue.Queue()
                threading.Thread(target=self._deliver, args=(to, self._senders[to]), daemon=True).start()
            self._senders[to].put((message, json.dumps(body)))

    def _deliver(self, to, outbox):
        name, ip, port = parse_pid(to)
        connection = None
        while True:
            try:
                message, body = outbox.get(timeout=60)
            except queue.Empty:  # peers come and go: no thread and connection for each that ever was
                with self._sender_lock:
                    if outbox.empty():
                        del self._senders[to]
                        break
                continue
            for attempt in (1, 2):  # a kept connection may have been closed by a peer that restarted: try a fresh one
                try:
                    fresh = connection is None
                    connection = connection or http.client.HTTPConnection(ip, port, timeout=10)
                    connection.request("POST", f"/{urllib.parse.quote(name, safe='()')}/{PREFIX}{message}", body,
                                       {"Libprocess-From": self.pid, "Content-Type": "application/json"})
                    connection.getresponse().read()
                    break
                except (OSError, http.client.HTTPException):
                    connection.close()
                    connection = None
                    if fresh or attempt == 2:
                        self.dispatch(lambda: self.exited(to))
                        break
        if connection:
            connection.close()

    def link(self, to):
        """Watch a peer: `exited(to)` is called once when its connection breaks or cannot be made."""
        if to not in self._links:
            self._links[to] = True
            threading.Thread(target=self._watch, args=(to,), daemon=True).start()

    def _watch(self, to):
        _, ip, port = parse_pid(to)
        try:
            with socket.create_connection((ip, port), timeout=10) as connection:
                connection.settimeout(None)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                connection.recv(1)  # the peer never speaks on it; an end or an error means that it is gone
        except OSError:
            pass

        def gone():
            self._links.pop(to, None)
            self.exited(to)
        self.dispatch(gone)
