/** A client of Marathon's API as plain as can be, so that tests see what is really answered. Needs no Docker. */
import { setTimeout as sleep } from "node:timers/promises";

/** Ask again and again until there is an answer (not undefined, null or false), and give that. */
export async function until<T>(what: string, ask: () => T | Promise<T>, seconds = 60): Promise<NonNullable<T>> {
  const end = Date.now() + seconds * 1000;
  let last: unknown = "no answer";
  while (Date.now() < end) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== null && answer !== false) return answer;
      last = answer;
    } catch (problem) {
      last = problem;
    }
    await sleep(50);
  }
  throw new Error(`Waited ${seconds} s for ${what}; last: ${last}`);
}

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  json: any;
}

/** A client of one Marathon's API: as plain as can be, so that tests see what is really answered. */
export class Api {
  constructor(readonly url: string) {}

  async call(method: string, path: string, body?: unknown): Promise<Reply> {
    const response = await fetch(this.url + path, {
      method,
      redirect: "manual",
      signal: AbortSignal.timeout(20_000),
      headers: { Accept: "application/json", "Content-Type": "application/json" },
      body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
    });
    const text = await response.text();
    let json;
    try {
      json = JSON.parse(text);
    } catch {
      json = undefined;
    }
    return { status: response.status, headers: response.headers, text, json };
  }

  app = async (id: string) => (await this.call("GET", `/v2/apps/${id}`)).json?.app;

  /** Wait until nothing is being deployed. */
  settled = (seconds = 60) =>
    until("all deployments to end", async () => {
      const { status, json } = await this.call("GET", "/v2/deployments");
      return status === 200 && json.length === 0;
    }, seconds);

  /** Do it, expect that status, wait for the deployment. */
  async deploy(method: string, path: string, body?: unknown, status = 200): Promise<Reply> {
    const reply = await this.call(method, path, body);
    if (reply.status !== status) throw new Error(`${method} ${path}: ${reply.status} instead of ${status}: ${reply.text}`);
    await this.settled();
    return reply;
  }

  tasks = async (id: string): Promise<Task[]> => (await this.app(id)).tasks;
}

export interface Task {
  id: string;
  host: string;
  ports: number[];
  state: string;
  version: string;
  stagedAt: string;
}

/** An HTTP server in few words: answers `hello <V>`, ends with code 7 when asked for /die, is unhealthy after /sicken. */
export const server = `exec python3 -c '
import http.server, os, signal
signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
class Handler(http.server.BaseHTTPRequestHandler):
    sick = False
    def do_GET(self):
        if self.path == "/die": os._exit(7)
        if self.path == "/sicken": Handler.sick = True
        self.send_response(503 if Handler.sick else 200); self.end_headers()
        self.wfile.write(("hello " + os.environ.get("V", "")).encode())
    def log_message(self, *args): pass
http.server.HTTPServer((os.environ["HOST"], int(os.environ["PORT0"])), Handler).serve_forever()'`;

/** Ask a task's server for a path; its answer, or "" if it broke off. */
export const ask = (task: Task, path = "/"): Promise<string> =>
  fetch(`http://${task.host}:${task.ports[0]}${path}`, { signal: AbortSignal.timeout(5_000) }).then((answer) => answer.text(), () => "");

export interface Event {
  type: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  data: any;
}

/** Everything that `/v2/events` says from now on. */
export class EventStream {
  readonly events: Event[] = [];
  private readonly end = new AbortController();
  headers!: Headers;

  static async open(url: string, query = ""): Promise<EventStream> {
    const stream = new EventStream();
    const response = await fetch(`${url}/v2/events${query}`, { headers: { Accept: "text/event-stream" }, signal: stream.end.signal });
    if (response.status !== 200) throw new Error(`/v2/events: ${response.status} ${await response.text()}`);
    stream.headers = response.headers;
    void stream.read(response.body!).catch(() => {}); // ends with close()
    return stream;
  }

  private async read(body: ReadableStream<Uint8Array>) {
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true });
      for (let match; (match = /event: (.*)\r?\ndata: (.*)\r?\n\r?\n/.exec(text)); text = text.slice(match.index + match[0].length)) {
        this.events.push({ type: match[1]!.trim(), data: JSON.parse(match[2]!) });
      }
    }
  }

  close = () => this.end.abort();
}
