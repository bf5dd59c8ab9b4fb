import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { TestContext } from "node:test";

/** What a path answers; a text is sent as it is, anything else as JSON. */
export interface Reply {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  /** user:password, without which the answer is 401. */
  readonly credentials?: string;
}

export interface Liar {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: string;
  /** Paths asked for, in order. */
  readonly asked: string[];
}

/** An HTTP server that answers these paths, and every other with 404 as the real ones do. It ends with the test. */
export async function http(t: TestContext, replies: Record<string, Reply>): Promise<Liar> {
  const asked: string[] = [];
  const server = createHttpServer((request, response) => {
    asked.push(request.url ?? "");
    const { credentials, ...reply } = replies[request.url ?? ""] ?? { status: 404 };
    const refused = credentials && request.headers.authorization !== `Basic ${Buffer.from(credentials).toString("base64")}`;
    const { status = 200, headers, body = "" } = refused ? { status: 401 } : reply;
    response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body));
  });
  const port = await listen(t, server);
  t.after(() => server.closeAllConnections());
  return { url: `http://127.0.0.1:${port}`, port, asked };
}

/** A TCP server that does this with every connection. It ends with the test. Returns its port. */
export async function tcp(t: TestContext, handle: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    handle(socket);
  });
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  return listen(t, server);
}

/** A port at which nobody listens. */
export async function closedPort(t: TestContext): Promise<string> {
  const server = createServer();
  const port = await listen(t, server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listen(t: TestContext, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return String((server.address() as AddressInfo).port);
}
