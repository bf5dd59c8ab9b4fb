import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A container as the fake engine has it. What a test leaves out is that of a running container of nobody's. */
export interface FakeContainer {
  readonly name: string;
  readonly image?: string;
  status?: "created" | "running" | "restarting" | "paused" | "exited";
  exitCode?: number;
  /** As the engine tells it when one container is looked at; lists tell seconds. */
  readonly created?: string;
  startedAt?: string;
  finishedAt?: string;
  readonly pidMode?: string;
  readonly binds?: readonly string[];
  restarts?: number;
  /** The exit code of its next end; absent: it does not end while anybody waits. */
  nextExit?: number;
  restartPolicy?: string;
  readonly labels?: Record<string, string>;
  /** As `NAME=value`. */
  readonly environment?: readonly string[];
  /** Host paths; undefined for a mount that has none, such as a tmpfs. */
  readonly mounts?: readonly (string | undefined)[];
  readonly ports?: readonly { readonly PrivatePort: number; readonly PublicPort?: number; readonly IP?: string; readonly Type: string }[];
  /** As the engine sends it: frames, or plain where the container has a terminal. */
  log?: Buffer;
  /** Called before each inspect is answered: what the container does as time goes by. */
  inspected?: (container: FakeContainer, times: number) => void;
  /** Status codes other than success: action, such as `kill`, → code, or code and message. */
  readonly refuses?: Readonly<Record<string, number | readonly [code: number, message: string]>>;
}

/** As Docker writes it. */
const never = "0001-01-01T00:00:00Z";
const atFirst = "1970-01-01T00:00:01Z";

/** One frame of a log: stream (1 or 2), three zeros, length, text. */
export function frame(stream: 1 | 2, text: string): Buffer {
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

/** As much of the Docker Engine API as checks and preflight use, on a socket in a folder of its own. */
export class FakeEngine {
  readonly folder = mkdtempSync(join(tmpdir(), "engine-"));
  readonly socket = join(this.folder, "docker.sock");
  readonly dockerHost = `unix://${this.socket}`;
  /** By name, which is also the id. */
  readonly containers = new Map<string, FakeContainer>();
  /** Every request that would change something, in order: `POST /containers/NAME/kill?signal=SIGUSR1`. */
  readonly changes: string[] = [];
  version: Record<string, unknown> = { Version: "20.10.24", ApiVersion: "1.41", MinAPIVersion: "1.12", Arch: "amd64" };
  info: Record<string, unknown> = { CgroupVersion: "1", DefaultRuntime: "runc", DockerRootDir: this.folder, SecurityOptions: ["name=seccomp,profile=default"] };
  images: readonly { Id: string; RepoTags: readonly string[] | null; RepoDigests?: readonly string[] | null }[] = [];
  networks: readonly unknown[] = [];
  volumes: readonly { Name: string; CreatedAt?: string; Labels: Record<string, string> | null }[] | null = null;

  /** What registries answer, by image, as far as it is not "here it is"; null: nothing. */
  registries: Readonly<Record<string, { readonly status: number; readonly message: string; readonly Descriptor?: { readonly digest: string } } | null>> = {};
  /** The credentials that a registry was shown, by image. */
  readonly shown: Record<string, unknown> = {};

  private readonly inspections = new Map<string, number>();
  private readonly server: Server = createServer((request, response) => void this.answer(request, response));

  static async start(...containers: FakeContainer[]): Promise<FakeEngine> {
    const engine = new FakeEngine();
    containers.forEach((container) => engine.containers.set(container.name, container));
    await new Promise<void>((resolve) => engine.server.listen(engine.socket, resolve));
    return engine;
  }

  /** Ends as an engine that is killed does: connections break, the socket stays in its folder. */
  async kill(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true });
  }

  private listed(query: URLSearchParams): FakeContainer[] {
    const wanted: string[] = JSON.parse(query.get("filters") ?? "{}").label ?? [];
    return [...this.containers.values()].filter(
      ({ status = "running", labels = {} }) => (query.has("all") || status === "running") && wanted.every((label) => labels[label.split("=")[0]] === label.split("=")[1]),
    );
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, search } = new URL(request.url ?? "/", "http://engine");
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    const body = Buffer.concat(chunks).toString();
    const send = (status: number, value?: unknown) =>
      response.writeHead(status, { "content-type": Buffer.isBuffer(value) ? "application/octet-stream" : "application/json" }).end(
        value === undefined || Buffer.isBuffer(value) ? value : JSON.stringify(value),
      );
    if (request.method !== "GET") {
      // The client library repeats a query as the body.
      this.changes.push(`${request.method} ${pathname}${search || ` ${body}`}`);
    }

    const lists: Record<string, () => unknown> = {
      "/version": () => this.version,
      "/info": () => this.info,
      "/images/json": () => this.images,
      "/networks": () => this.networks,
      "/volumes": () => ({ Volumes: this.volumes, Warnings: null }),
      "/containers/json": () => this.listed(new URLSearchParams(search)).map(listed),
    };
    if (lists[pathname]) {
      return void send(200, lists[pathname]());
    }
    const asked = /^\/distribution\/(.+)\/json$/.exec(pathname)?.[1];
    if (asked) {
      const auth = request.headers["x-registry-auth"];
      this.shown[asked] = auth && JSON.parse(Buffer.from(String(auth), "base64url").toString());
      const answer = asked in this.registries ? this.registries[asked] : { status: 200, message: "" };
      return answer ? void send(answer.status, answer) : undefined;
    }
    const [, kind, name, action = "remove"] = pathname.split("/").map(decodeURIComponent);
    if (kind === "volumes") {
      const volume = this.volumes?.find(({ Name }) => Name === name);
      const done = () => (request.method === "DELETE" ? send(204) : send(200, volume));
      return void (volume ? done() : send(404, { message: `get ${name}: no such volume` }));
    }
    const container = this.containers.get(name);
    if (!container || !pathname.startsWith("/containers/")) {
      return void send(404, { message: `No such container: ${name}` });
    }
    const refused = container.refuses?.[action];
    if (refused) {
      const [code, message] = typeof refused === "number" ? [refused, `${action} is refused`] : refused;
      return void send(code, { message });
    }
    switch (action) {
      case "json": {
        const times = (this.inspections.get(name) ?? 0) + 1;
        this.inspections.set(name, times);
        container.inspected?.(container, times);
        // It may have gone just now.
        return void (this.containers.has(name) ? send(200, inspected(container)) : send(404, { message: `No such container: ${name}` }));
      }
      case "logs":
        return void send(200, container.log ?? Buffer.alloc(0));
      case "wait":
        return void (container.nextExit === undefined ? send(204) : send(200, { StatusCode: container.nextExit }));
      case "update":
        return void send(200, { Warnings: [] });
      case "stop":
        return void send(container.status === "exited" ? 304 : 204);
      case "remove":
        this.containers.delete(name);
        return void send(204);
      default:
        return void send(204);
    }
  }
}

function listed({ name, image = "image", status = "running", created = atFirst, labels = {}, mounts = [], ports = [] }: FakeContainer) {
  const Created = Math.floor(Date.parse(created) / 1000);
  return { Id: name, Names: [`/${name}`], Image: image, Created, State: status, Labels: labels, Mounts: mounts.map((Source) => ({ Source })), Ports: ports };
}

function inspected(container: FakeContainer) {
  const { name, status = "running", labels = {}, exitCode = 0, created = atFirst, startedAt = never, finishedAt = never, pidMode = "" } = container;
  const { restarts = 0, restartPolicy = "always", environment = [], binds = [] } = container;
  return {
    Id: name,
    Name: `/${name}`,
    Created: created,
    Image: "sha256:0",
    Config: { Image: "nginx:1", Labels: labels, Env: environment },
    RestartCount: restarts,
    HostConfig: { RestartPolicy: { Name: restartPolicy }, Binds: binds, PidMode: pidMode },
    State: {
      Status: status,
      // While Docker waits before the next start, both are so.
      Running: ["running", "restarting", "paused"].includes(status),
      Paused: status === "paused",
      StartedAt: startedAt,
      Restarting: status === "restarting",
      ExitCode: exitCode,
      FinishedAt: finishedAt,
    },
  };
}
