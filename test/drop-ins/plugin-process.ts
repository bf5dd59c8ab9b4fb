/** Starts a drop-in as the engine does and talks to it over gRPC. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import * as grpc from "@grpc/grpc-js";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as pb from "@pulumi/pulumi/proto/provider_pb";
import type { Properties } from "../../setup/drop-ins/wire";

/** A call as it was recorded: field names of the protocol, values as plain JSON. */
export interface Request {
  urn: string;
  id?: string;
  type?: string;
  name?: string;
  preview?: boolean;
  timeout?: number;
  randomSeed?: string;
  properties?: Properties;
  inputs?: Properties;
  olds?: Properties;
  news?: Properties;
  oldInputs?: Properties;
  ignoreChanges?: string[];
  autonaming?: { proposedName: string; mode: number };
}

export type Method = "Check" | "CheckConfig" | "Diff" | "DiffConfig" | "Create" | "Read" | "Update" | "Delete";

/** Folder with a PULUMI_HOME that has both drop-ins; made once for all tests of a file. */
export async function pulumiHome(): Promise<{ home: string; remove: () => void }> {
  const { install } = (await import("../../setup/drop-ins/install.mjs")) as { install(home: string): Promise<string[]> };
  const home = mkdtempSync(join(tmpdir(), "drop-ins-"));
  await install(home);
  return { home, remove: () => rmSync(home, { recursive: true, force: true }) };
}

const VERSIONS = { docker: "5.2.0", command: "1.2.1" };

export class PluginProcess {
  private constructor(
    readonly child: ChildProcess,
    readonly client: ResourceProviderClient,
  ) {}

  /** @param engine address of a log service, if the test has one */
  static async start(home: string, name: "docker" | "command", engine = "127.0.0.1:9", env: NodeJS.ProcessEnv = {}): Promise<PluginProcess> {
    const program = join(home, "plugins", `resource-${name}-v${VERSIONS[name]}`, `pulumi-resource-${name}`);
    const child = spawn(program, [engine], { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...env } });
    const lines = createInterface({ input: child.stdout });
    const port = await new Promise<string>((resolve, reject) => {
      lines.once("line", resolve);
      child.once("exit", (code) => reject(new Error(`the plugin ended with ${code} before it said its port`)));
    });
    const unlimited = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };
    return new PluginProcess(child, new ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), unlimited));
  }

  async stop(): Promise<void> {
    this.client.close();
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill();
    await ended;
  }

  async configure(args: Properties): Promise<pb.ConfigureResponse> {
    const request = new pb.ConfigureRequest();
    request.setArgs(struct(args));
    request.setAcceptsecrets(true);
    return this.unary("configure", request);
  }

  async cancel(): Promise<void> {
    await this.unary("cancel", new Empty());
  }

  /** Makes a call and gives its answer in the form of the recordings: what is empty is left out. */
  async call(method: Method, request: Request): Promise<Properties> {
    switch (method) {
      case "Check":
      case "CheckConfig": {
        const answer = await this.unary<pb.CheckResponse>(method === "Check" ? "check" : "checkConfig", checkRequest(request));
        const failures = answer.getFailuresList().map((failure) => ({ property: failure.getProperty(), reason: failure.getReason() }));
        return { inputs: plain(answer.getInputs()), ...(failures.length > 0 ? { failures } : {}) };
      }
      case "Diff":
      case "DiffConfig":
        return diffAnswer(await this.unary<pb.DiffResponse>(method === "Diff" ? "diff" : "diffConfig", diffRequest(request)));
      case "Create": {
        const message = new pb.CreateRequest();
        common(message, request);
        message.setProperties(struct(request.properties));
        message.setPreview(request.preview ?? false);
        message.setTimeout(request.timeout ?? 0);
        const answer = await this.unary<pb.CreateResponse>("create", message);
        return { ...(answer.getId() ? { id: answer.getId() } : {}), properties: plain(answer.getProperties()) };
      }
      case "Read": {
        const message = new pb.ReadRequest();
        common(message, request);
        message.setId(request.id ?? "");
        message.setProperties(struct(request.properties));
        if (request.inputs) message.setInputs(struct(request.inputs));
        const answer = await this.unary<pb.ReadResponse>("read", message);
        if (!answer.getId()) return {};
        return { id: answer.getId(), properties: plain(answer.getProperties()), inputs: plain(answer.getInputs()) };
      }
      case "Update": {
        const message = new pb.UpdateRequest();
        common(message, request);
        message.setId(request.id ?? "");
        message.setOlds(struct(request.olds));
        message.setNews(struct(request.news));
        message.setOldInputs(struct(request.oldInputs));
        message.setPreview(request.preview ?? false);
        message.setTimeout(request.timeout ?? 0);
        const answer = await this.unary<pb.UpdateResponse>("update", message);
        return { properties: plain(answer.getProperties()) };
      }
      case "Delete": {
        const message = new pb.DeleteRequest();
        common(message, request);
        message.setId(request.id ?? "");
        message.setProperties(struct(request.properties));
        message.setOldInputs(struct(request.oldInputs));
        message.setTimeout(request.timeout ?? 0);
        await this.unary("delete", message);
        return {};
      }
    }
  }

  async invoke(token: string, args: Properties): Promise<Properties> {
    const request = new pb.InvokeRequest();
    request.setTok(token);
    request.setArgs(struct(args));
    return plain((await this.unary<pb.InvokeResponse>("invoke", request)).getReturn());
  }

  /** One call; rejects with the gRPC error. */
  unary<A>(method: keyof ResourceProviderClient, request: unknown): Promise<A> {
    return new Promise((resolve, reject) => {
      const call = this.client[method] as unknown as (request: unknown, done: (error: grpc.ServiceError | null, answer: A) => void) => void;
      call.call(this.client, request, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
  }
}

/** What a failed call left behind, if it is a partial failure. */
export function partialFailure(error: grpc.ServiceError): { id: string; properties: Properties; reasons: string[] } | undefined {
  const [raw] = error.metadata.get("grpc-status-details-bin");
  if (raw === undefined) return undefined;
  const { Status } = require("@pulumi/pulumi/proto/status_pb") as typeof import("@pulumi/pulumi/proto/status_pb");
  const detail = Status.deserializeBinary(raw as Buffer).getDetailsList()[0];
  const failed = pb.ErrorResourceInitFailed.deserializeBinary(detail?.getValue_asU8() ?? new Uint8Array());
  return { id: failed.getId(), properties: plain(failed.getProperties()), reasons: failed.getReasonsList() };
}

function struct(value: Properties = {}): Struct {
  return Struct.fromJavaScript(value as never);
}

function plain(value: Struct | undefined): Properties {
  return (value?.toJavaScript() ?? {}) as Properties;
}

function common(message: { setUrn(urn: string): unknown; setName(name: string): unknown; setType(type: string): unknown }, request: Request): void {
  message.setUrn(request.urn);
  message.setName(request.name ?? "");
  message.setType(request.type ?? "");
}

function checkRequest(request: Request): pb.CheckRequest {
  const message = new pb.CheckRequest();
  common(message, request);
  message.setOlds(struct(request.olds));
  message.setNews(struct(request.news));
  if (request.randomSeed) message.setRandomseed(request.randomSeed);
  if (request.autonaming) {
    const options = new pb.CheckRequest.AutonamingOptions();
    options.setProposedName(request.autonaming.proposedName);
    options.setMode(request.autonaming.mode);
    message.setAutonaming(options);
  }
  return message;
}

function diffRequest(request: Request): pb.DiffRequest {
  const message = new pb.DiffRequest();
  common(message, request);
  message.setId(request.id ?? "");
  message.setOlds(struct(request.olds));
  message.setNews(struct(request.news));
  message.setOldInputs(struct(request.oldInputs));
  message.setIgnorechangesList(request.ignoreChanges ?? []);
  return message;
}

function nameOf(names: { [name: string]: number }, value: number): string {
  return Object.keys(names).find((name) => names[name] === value) ?? String(value);
}

function diffAnswer(answer: pb.DiffResponse): Properties {
  const detailed: Properties = {};
  for (const [path, detail] of answer.getDetaileddiffMap().entries()) {
    const kind = detail.getKind();
    detailed[path] = {
      ...(kind === pb.PropertyDiff.Kind.ADD ? {} : { kind: nameOf(pb.PropertyDiff.Kind as never, kind) }),
      ...(detail.getInputdiff() ? { inputDiff: true } : {}),
    };
  }
  const changes = answer.getChanges();
  return {
    ...(answer.getReplacesList().length > 0 ? { replaces: answer.getReplacesList() } : {}),
    ...(answer.getStablesList().length > 0 ? { stables: answer.getStablesList() } : {}),
    ...(answer.getDeletebeforereplace() ? { deleteBeforeReplace: true } : {}),
    ...(changes ? { changes: nameOf(pb.DiffResponse.DiffChanges as never, changes) } : {}),
    ...(answer.getDiffsList().length > 0 ? { diffs: answer.getDiffsList() } : {}),
    ...(Object.keys(detailed).length > 0 ? { detailedDiff: detailed } : {}),
    ...(answer.getHasdetaileddiff() ? { hasDetailedDiff: true } : {}),
  };
}
