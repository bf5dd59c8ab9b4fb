/**
 * Pulumi's provider protocol, spoken directly: the SDK's own server has no provider configuration, preview,
 * time limits or detailed differences. Only the generated protocol files are imported, never the whole SDK, because a
 * plugin is started for every command and the SDK would take longer to load than everything else here together.
 */
import * as grpc from "@grpc/grpc-js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import * as pb from "@pulumi/pulumi/proto/provider_pb";
import { ResourceProviderService, type IResourceProviderServer } from "@pulumi/pulumi/proto/provider_grpc_pb";
import { EngineLog } from "./engine-log";
import type { Difference, Failure } from "./fields";
import { containsSecret, fromStruct, keepSecrets, reveal, secret, secretTexts, toStruct, type Properties } from "./wire";

/** What a call knows about its surroundings. */
export interface Context {
  urn: string;
  /** Logical name of the resource. */
  name: string;
  /** True in a preview: nothing may be changed, and what is not known stays unknown. */
  preview: boolean;
  /** Aborted when the user cancels or the time limit is over; its reason is the error to end with. */
  signal: AbortSignal;
  /** Time limit that the program set with customTimeouts, in seconds; 0 for none. */
  timeout: number;
  /** A line that is shown while the resource is being worked on and then forgotten. */
  status(line: string): void;
  /** A warning that stays on the terminal. */
  warn(line: string): void;
  /** The text with every secret of this call struck out. */
  redact(text: string): string;
  /** The same inputs before the secrets in them were unwrapped: to know what must stay secret. */
  wrapped: Properties;
}

export interface CheckRequest {
  name: string;
  news: Properties;
  olds: Properties;
  randomSeed: Uint8Array;
  autonaming?: { name: string; mode: "propose" | "enforce" | "disable" };
}

export interface Diff {
  differences: Difference[];
  deleteBeforeReplace?: boolean;
  stables?: string[];
}

/** A resource type. Values come with secrets unwrapped, except in `check`; outputs are wrapped again by the caller. */
export interface ResourceType {
  check(request: CheckRequest): { inputs: Properties; failures: Failure[] };
  diff(olds: Properties, news: Properties, oldInputs: Properties, ignore: string[]): Diff;
  create(context: Context, inputs: Properties): Promise<{ id: string; outputs: Properties }>;
  /** Nothing if the resource is gone. Without `inputs` it is an import. */
  read(context: Context, id: string, olds: Properties, inputs?: Properties): Promise<{ id: string; outputs: Properties; inputs: Properties } | undefined>;
  update(context: Context, id: string, olds: Properties, news: Properties, oldInputs: Properties): Promise<Properties>;
  delete(context: Context, id: string, olds: Properties, oldInputs: Properties): Promise<void>;
  /** Outputs that are secret as soon as any input is one. */
  derivedOutputs?: string[];
}

export interface Plugin {
  /** Package name, e.g. `docker`. */
  name: string;
  /** The version of the official plugin in whose place it stands. */
  version: string;
  resources: { [token: string]: ResourceType };
  invokes?: { [token: string]: (context: Context, args: Properties) => Promise<Properties> };
  checkConfig(news: Properties): { inputs: Properties; failures: Failure[] };
  /** Left out where the official plugin has none either. */
  diffConfig?(olds: Properties, news: Properties): void;
  configure(args: Properties): void;
  /** Whether it can make names of its own from the user's pattern. */
  autonaming: boolean;
}

/** The resource exists, but is not as it should be: it stays in the state, with the reason. */
export class PartialFailure extends Error {
  constructor(
    readonly id: string,
    readonly outputs: Properties,
    reason: string,
  ) {
    super(reason);
  }
}

/** The call was ended from outside, by the user or by the time limit. */
export class Stopped extends Error {
  constructor(
    message: string,
    readonly code: grpc.status,
  ) {
    super(message);
  }
}

/** What the plugin is, in a sentence. */
export const describe = (plugin: Plugin) =>
  `drop-in for pulumi-resource-${plugin.name} ${plugin.version}: a replacement made by this project, not the official plugin`;

const SCHEMA_NOTE = "Only what this project's programs use; any other input is refused by name.";

type Call<Q, A> = grpc.ServerUnaryCall<Q, A>;
type Reply<A> = grpc.sendUnaryData<A>;

/** Serves the plugin on a free port of 127.0.0.1 and says the port on the first line of stdout, as the engine expects. */
export async function serve(plugin: Plugin, args = process.argv.slice(2)): Promise<void> {
  if (args.includes("--version")) {
    console.log(`${plugin.version} (${describe(plugin)})`);
    return;
  }
  const log = new EngineLog(args.filter((arg) => !arg.startsWith("-")).pop());
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  const calls = new Calls();
  server.addService(ResourceProviderService, handlers(plugin, log, calls));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  process.stdout.write(`${port}\n`);
  endWithEngine(calls);
}

/** A killed engine cannot say goodbye: without this, its plugins and their commands would live on. */
function endWithEngine(calls: Calls): void {
  const engine = process.ppid;
  setInterval(() => {
    if (process.ppid === engine) return;
    calls.stop("the Pulumi engine is gone");
    void calls.idle().then(() => process.exit(1));
  }, 1000).unref();
}

/** The calls in flight, so that all of them can be stopped. */
class Calls {
  private readonly stopper = new AbortController();
  private readonly running = new Set<Promise<unknown>>();

  stop(reason: string): void {
    this.stopper.abort(new Stopped(reason, grpc.status.CANCELLED));
  }

  async idle(): Promise<void> {
    await Promise.allSettled(this.running);
  }

  /** Runs the work with a signal that ends it on cancellation and after `seconds` (0: never). */
  async run<T>(seconds: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const own = new AbortController();
    const timer =
      seconds > 0
        ? setTimeout(() => own.abort(new Stopped(`not finished within the time limit of ${seconds} s`, grpc.status.DEADLINE_EXCEEDED)), seconds * 1000)
        : undefined;
    const task = work(AbortSignal.any([this.stopper.signal, own.signal]));
    this.running.add(task);
    try {
      return await task;
    } finally {
      clearTimeout(timer);
      this.running.delete(task);
    }
  }
}

/** The service's methods for a plugin. */
function handlers(plugin: Plugin, log: EngineLog, calls: Calls): IResourceProviderServer {
  /** Turns an async function into a method of the service. */
  const method =
    <Q, A>(work: (request: Q) => Promise<A> | A) =>
    (call: Call<Q, A>, reply: Reply<A>): void => {
      void Promise.resolve()
        .then(() => work(call.request))
        .then(
          (answer) => reply(null, answer),
          (error) => reply(asStatus(error)),
        );
    };

  const typeOf = (urn: string): ResourceType => {
    const token = urn.split("::")[2]?.split("$").pop() ?? "";
    const found = plugin.resources[token];
    if (found) return found;
    const known = Object.keys(plugin.resources).join(", ");
    throw refusal(`the resource type ${token} is not in this ${describe(plugin)}; it knows ${known}`);
  };

  interface Scope {
    urn?: string;
    preview?: boolean;
    timeout?: number;
    sources: Properties[];
  }
  /** Runs a call on a resource with everything it may ask for. */
  const inContext = <T>(scope: Scope, work: (context: Context) => Promise<T>): Promise<T> => {
    const { urn = "", preview = false, timeout = 0, sources } = scope;
    const secrets = sources.flatMap((source) => secretTexts(source));
    const redact = (text: string) => secrets.reduce((left, hidden) => left.replaceAll(hidden, "[secret]"), text);
    return calls.run(timeout, async (signal) => {
      const context: Context = {
        urn,
        name: urn.split("::").pop() ?? "",
        preview,
        signal,
        timeout,
        status: (line) => log.status(urn, redact(line)),
        warn: (line) => log.warning(urn, redact(line)),
        redact,
        wrapped: sources[0] ?? {},
      };
      try {
        return await work(context);
      } catch (error) {
        if (error instanceof PartialFailure) throw new PartialFailure(error.id, keepSecrets(error.outputs, ...sources), redact(error.message));
        throw error;
      } finally {
        await log.flush();
      }
    });
  };

  const wrap = (type: ResourceType, outputs: Properties, ...sources: Properties[]): Properties => {
    const kept = keepSecrets(outputs, ...sources);
    if (sources.some((source) => containsSecret(source))) {
      for (const name of type.derivedOutputs ?? []) if (kept[name] !== undefined) kept[name] = secret(kept[name]);
    }
    return kept;
  };

  const checked = ({ inputs, failures }: { inputs: Properties; failures: Failure[] }) => {
    const answer = new pb.CheckResponse();
    answer.setInputs(toStruct(inputs));
    answer.setFailuresList(
      failures.map(({ property, reason }) => {
        const failure = new pb.CheckFailure();
        failure.setProperty(property);
        failure.setReason(reason);
        return failure;
      }),
    );
    return answer;
  };

  const info = () => {
    const answer = new PluginInfo();
    answer.setVersion(plugin.version);
    return answer;
  };

  const unimplemented = (name: string) => (_call: unknown, reply: Reply<never>) =>
    reply({ code: grpc.status.UNIMPLEMENTED, details: `${name} is not in this ${describe(plugin)}` });

  const service = {
    getPluginInfo: method<Empty, PluginInfo>(info),

    getSchema: method<pb.GetSchemaRequest, pb.GetSchemaResponse>(() => {
      const answer = new pb.GetSchemaResponse();
      const description = `${describe(plugin)}. ${SCHEMA_NOTE}`;
      answer.setSchema(JSON.stringify({ name: plugin.name, version: plugin.version, description }));
      return answer;
    }),

    attach: method<{ getAddress(): string }, Empty>((request) => {
      log.connect(request.getAddress());
      return new Empty();
    }),

    checkConfig: method<pb.CheckRequest, pb.CheckResponse>((request) => checked(plugin.checkConfig(fromStruct(request.getNews())))),

    diffConfig: plugin.diffConfig
      ? method<pb.DiffRequest, pb.DiffResponse>((request) => {
          plugin.diffConfig?.(reveal(fromStruct(request.getOlds())), reveal(fromStruct(request.getNews())));
          return new pb.DiffResponse();
        })
      : unimplemented("DiffConfig"),

    configure: method<pb.ConfigureRequest, pb.ConfigureResponse>((request) => {
      plugin.configure(reveal(fromStruct(request.getArgs())));
      log.debug(describe(plugin));
      const answer = new pb.ConfigureResponse();
      answer.setAcceptsecrets(true);
      answer.setSupportspreview(true);
      answer.setSupportsAutonamingConfiguration(plugin.autonaming);
      return answer;
    }),

    check: method<pb.CheckRequest, pb.CheckResponse>((request) => {
      const autonaming = request.getAutonaming();
      return checked(
        typeOf(request.getUrn()).check({
          name: request.getName() || (request.getUrn().split("::").pop() ?? ""),
          news: fromStruct(request.getNews()),
          olds: fromStruct(request.getOlds()),
          randomSeed: request.getRandomseed_asU8(),
          autonaming: autonaming && { name: autonaming.getProposedName(), mode: (["propose", "enforce", "disable"] as const)[autonaming.getMode()] },
        }),
      );
    }),

    diff: method<pb.DiffRequest, pb.DiffResponse>((request) => {
      const type = typeOf(request.getUrn());
      return asDiff(
        type.diff(
          reveal(fromStruct(request.getOlds())),
          reveal(fromStruct(request.getNews())),
          reveal(fromStruct(request.getOldInputs())),
          request.getIgnorechangesList(),
        ),
      );
    }),

    create: method<pb.CreateRequest, pb.CreateResponse>((request) => {
      const type = typeOf(request.getUrn());
      const inputs = fromStruct(request.getProperties());
      const scope = { urn: request.getUrn(), preview: request.getPreview(), timeout: request.getTimeout(), sources: [inputs] };
      return inContext(scope, async (context) => {
        const { id, outputs } = await type.create(context, reveal(inputs));
        const answer = new pb.CreateResponse();
        answer.setId(id);
        answer.setProperties(toStruct(wrap(type, outputs, inputs)));
        return answer;
      });
    }),

    read: method<pb.ReadRequest, pb.ReadResponse>((request) => {
      const type = typeOf(request.getUrn());
      const olds = fromStruct(request.getProperties());
      const inputs = request.hasInputs() ? fromStruct(request.getInputs()) : undefined;
      const given = inputs && Object.keys(inputs).length > 0 ? inputs : undefined;
      const sources = [olds, ...(given ? [given] : [])];
      return inContext({ urn: request.getUrn(), timeout: request.getTimeout(), sources }, async (context) => {
        const found = await type.read(context, request.getId(), reveal(olds), given && reveal(given));
        const answer = new pb.ReadResponse();
        if (!found) return answer;
        answer.setId(found.id);
        answer.setProperties(toStruct(keepSecrets(found.outputs, ...sources)));
        answer.setInputs(toStruct(keepSecrets(found.inputs, ...sources)));
        return answer;
      });
    }),

    update: method<pb.UpdateRequest, pb.UpdateResponse>((request) => {
      const type = typeOf(request.getUrn());
      const olds = fromStruct(request.getOlds());
      const news = fromStruct(request.getNews());
      const oldInputs = fromStruct(request.getOldInputs());
      const scope = { urn: request.getUrn(), preview: request.getPreview(), timeout: request.getTimeout(), sources: [news] };
      return inContext(scope, async (context) => {
        const outputs = await type.update(context, request.getId(), reveal(olds), reveal(news), reveal(oldInputs));
        const answer = new pb.UpdateResponse();
        answer.setProperties(toStruct(wrap(type, outputs, news)));
        return answer;
      });
    }),

    delete: method<pb.DeleteRequest, Empty>((request) => {
      const type = typeOf(request.getUrn());
      const olds = fromStruct(request.getProperties());
      const oldInputs = fromStruct(request.getOldInputs());
      return inContext({ urn: request.getUrn(), timeout: request.getTimeout(), sources: [olds, oldInputs] }, async (context) => {
        await type.delete(context, request.getId(), reveal(olds), reveal(oldInputs));
        return new Empty();
      });
    }),

    invoke: method<pb.InvokeRequest, pb.InvokeResponse>((request) => {
      const invoke = plugin.invokes?.[request.getTok()];
      if (!invoke) throw refusal(`the function ${request.getTok()} is not in this ${describe(plugin)}`);
      const args = fromStruct(request.getArgs());
      return inContext({ sources: [args] }, async (context) => {
        const outputs = await invoke(context, reveal(args));
        const answer = new pb.InvokeResponse();
        answer.setReturn(toStruct(keepSecrets(outputs, args)));
        return answer;
      });
    }),

    cancel: method<Empty, Empty>(() => {
      calls.stop("cancelled");
      return new Empty();
    }),
  };

  // The engine copes with methods that a plugin does not have; a server of this library wants all of them named.
  const missing = Object.keys(ResourceProviderService).filter((name) => !(name in service));
  return { ...Object.fromEntries(missing.map((name) => [name, unimplemented(name)])), ...service } as unknown as IResourceProviderServer;
}

function asDiff({ differences, deleteBeforeReplace, stables = [] }: Diff): pb.DiffResponse {
  const { Kind } = pb.PropertyDiff;
  const answer = new pb.DiffResponse();
  const topLevel = (path: string) => path.split(/[.[]/)[0] ?? path;
  const unique = (paths: string[]) => [...new Set(paths.map(topLevel))].sort();
  const replaces = unique(differences.filter(({ replace }) => replace).map(({ path }) => path));
  for (const { path, change, replace } of differences) {
    const detail = new pb.PropertyDiff();
    detail.setKind(Kind[replace ? (`${change}_REPLACE` as const) : change]);
    answer.getDetaileddiffMap().set(path, detail);
  }
  answer.setChanges(differences.length > 0 ? pb.DiffResponse.DiffChanges.DIFF_SOME : pb.DiffResponse.DiffChanges.DIFF_NONE);
  answer.setDiffsList(unique(differences.map(({ path }) => path)));
  answer.setReplacesList(replaces);
  answer.setStablesList(stables.filter((name) => !replaces.includes(name)));
  answer.setDeletebeforereplace(Boolean(deleteBeforeReplace && replaces.length > 0));
  answer.setHasdetaileddiff(true);
  return answer;
}

/** An error whose message is all there is to say. */
export function refusal(message: string): Error {
  return new Error(message);
}

/**
 * An error as the engine wants it. Never one of the codes Internal, Unknown or DataLoss: the engine would then
 * warn that the resource's state may be corrupt.
 */
function asStatus(error: unknown): Partial<grpc.StatusObject> {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Stopped) return { code: error.code, details: message };
  if (!(error instanceof PartialFailure)) return { code: grpc.status.FAILED_PRECONDITION, details: message };
  const failed = new pb.ErrorResourceInitFailed();
  failed.setId(error.id);
  failed.setProperties(toStruct(error.outputs));
  failed.setReasonsList([message]);
  const detail = new Any();
  detail.pack(failed.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const metadata = new grpc.Metadata();
  metadata.set("grpc-status-details-bin", statusWithDetail(grpc.status.FAILED_PRECONDITION, message, detail));
  return { code: grpc.status.FAILED_PRECONDITION, details: message, metadata };
}

/** google.rpc.Status: the form in which gRPC carries structured details of an error. */
function statusWithDetail(code: number, message: string, detail: Any): Buffer {
  const status = new Status();
  status.setCode(code);
  status.setMessage(message);
  status.addDetails(detail);
  return Buffer.from(status.serializeBinary());
}
