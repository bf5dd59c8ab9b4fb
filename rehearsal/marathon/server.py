"""Marathon's HTTP port: hands requests to the API while this process leads, passes them to the leader while it stands by."""
import base64
import http.client
import json
import queue
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_FRAME_HEADERS = {"X-Frame-Options": "DENY", "X-XSS-Protection": "1; mode=block"}
_NO_CACHE = {"Cache-Control": "no-cache, no-store, must-revalidate", "Pragma": "no-cache", "Expires": "0"}
_HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length", "server", "date")


class Answer:
    """body: None, text, or anything JSON can say."""

    def __init__(self, body=None, status=200, headers=None, content_type="application/json"):
        self.body, self.status, self.headers, self.content_type = body, status, headers or {}, content_type


class Request:
    def __init__(self, handler):
        url = urllib.parse.urlsplit(handler.path)
        self.method, self.target, self.path = handler.command, handler.path, urllib.parse.unquote(url.path)
        self.query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
        self.headers, self.client = handler.headers, handler.client_address[0]
        self.body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))

    def value(self, name, default=None):
        return self.query.get(name, [default])[0]

    def flag(self, name, default=False):
        return self.value(name, str(default)).lower() == "true"


class Server(ThreadingHTTPServer):
    """Binds at once (OSError if it cannot). `api` is set when this process leads, `leader` ("host:port") while another does."""

    daemon_threads, request_queue_size = True, 128

    def __init__(self, options):
        self.options, self.api, self.leader = options, None, None
        super().__init__((options.http_address or "0.0.0.0", options.http_port), _Handler)

    def server_bind(self):  # without the base class's look-up of the host's full name
        self.socket.setsockopt(1, 2, 1)  # SO_REUSEADDR
        self.socket.bind(self.server_address)

    def handle_error(self, *_):  # a client that hangs up is no news
        pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version, server_version, sys_version, wbufsize, disable_nagle_algorithm = "HTTP/1.1", "Marathon-stand-in", "", -1, True

    def handle_any(self):
        request = Request(self)
        credentials = self.server.options.http_credentials
        if credentials and request.headers.get("Authorization") != "Basic " + base64.b64encode(credentials.encode()).decode():
            realm = {"WWW-Authenticate": f'Basic realm="{self.server.options.http_realm}"'}
            return self._answer(Answer("Unauthorized", 401, realm, "text/plain"))
        if self.server.api is None and self.server.leader is None:
            for _ in range(12):  # a leader may be just about to be found
                time.sleep(0.25)
                if self.server.api or self.server.leader:
                    break
        if self.server.api is not None:
            self._lead(request)
        elif self.server.leader:
            self._forward(request, self.server.leader)
        else:
            self._answer(Answer({"message": "Could not determine the current leader"}, 502))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_any

    def _lead(self, request):
        headers = {"X-Marathon-Leader": f"http://{self.server.options.host_port}", **_FRAME_HEADERS}
        if self.server.options.access_control_allow_origin:
            headers["Access-Control-Allow-Origin"] = self.server.options.access_control_allow_origin
        if request.path.rstrip("/") == "/v2/events" and request.method == "GET":
            self._events(request, headers)
        else:
            self._answer(self.server.api.answer(request), {**headers, **_NO_CACHE})

    def _answer(self, answer, headers=()):
        body = answer.body
        if body is None:
            data = b""
        elif answer.content_type == "application/json":
            data = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        else:
            data = body.encode()
        self.send_response(answer.status)
        for name, value in {**dict(headers), **answer.headers}.items():
            self.send_header(name, value)
        if data:
            self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        self.wfile.flush()

    def _events(self, request, headers):
        if "text/event-stream" not in (request.headers.get("Accept") or ""):
            return self._answer(Answer({"message": "HTTP method GET is not supported by this URL"}, 405), headers)
        bus = self.server.api.bus
        types = [each for value in request.query.get("event_type", []) for each in value.split(",")]
        subscriber = bus.subscribe(types)
        try:
            self.send_response(200)
            for name, value in {**headers, "Content-Type": "text/event-stream;charset=utf-8", "Connection": "close"}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.flush()
            bus.publish("event_stream_attached", remoteAddress=request.client)
            while True:
                try:
                    kind, event = subscriber.get(timeout=10)
                    self.wfile.write(f"event: {kind}\r\ndata: {json.dumps(event, separators=(',', ':'))}\r\n\r\n".encode())
                except queue.Empty:
                    self.wfile.write(b"\r\n")  # keeps the connection from looking dead
                self.wfile.flush()
        except OSError:
            pass
        finally:
            bus.unsubscribe(subscriber)
            bus.publish("event_stream_detached", remoteAddress=request.client)
            self.close_connection = True

    def _forward(self, request, leader):
        here, via = self.server.options.host_port, request.headers.get("X-Marathon-Via", "")
        if here in via:
            return self._answer(Answer({"message": "Detected proxying loop."}, 502))
        if request.path.startswith("/v2/events"):
            return self._answer(Answer(None, 302, {"Location": f"http://{leader}{request.target}"}))
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP and name.lower() != "host"}
        headers.update({"X-Marathon-Via": f"1.1 {here}" + (f", {via}" if via else ""), "X-Forwarded-For": request.client, "Host": leader})
        connection = http.client.HTTPConnection(leader, timeout=self.server.options.leader_proxy_read_timeout / 1000)
        try:
            connection.request(request.method, request.target, request.body or None, headers)
            response = connection.getresponse()
            data = response.read()
        except ConnectionRefusedError:
            return self._answer(Answer({"message": "Connection to leader refused."}, 502))
        except TimeoutError:
            return self._answer(Answer({"message": "Connection to leader timed out."}, 504))
        except (OSError, http.client.HTTPException):
            return self._answer(Answer({"message": "Failed to successfully establish a connection to the leader."}, 502))
        finally:
            connection.close()
        self.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("X-Marathon-Via", f"1.1 {here}")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else data)
        self.wfile.flush()

    def log_message(self, *_):
        pass
