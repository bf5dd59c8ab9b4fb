import * as pulumi from "@pulumi/pulumi";
import { getMonitor } from "@pulumi/pulumi/runtime/settings";

/**
 * A resource as the program sent it to the engine: what the mocks hand over, and what only the request has. Resources
 * are called by class and logical name, such as "Container cluster-marathon": a component and its container share the
 * second.
 */
export interface Registered {
  readonly token: string;
  readonly inputs: Record<string, any>;
  /** Empty for the stack. */
  readonly parent: string;
  /** Empty for a default provider. */
  readonly provider: string;
  /** Sorted: explicit dependencies and those that come with an input's value. */
  readonly dependsOn: readonly string[];
  readonly retainOnDelete: boolean;
  readonly deleteBeforeReplace: boolean;
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  /** What a component gave to registerOutputs. */
  outputs?: Record<string, any>;
}

export interface MockedStack {
  /** By class and logical name, in the order of registration. The stack itself is left out. */
  readonly resources: Map<string, Registered>;
  /** What the program returns, when nothing is held any more. */
  readonly outputs: Promise<any>;
  /** Lets the registration of a held resource end. */
  release(name: string): void;
  /** Resolves when nothing that is not held back has anything left to do. */
  settled(): Promise<void>;
}

// Whoever runs these tests may have chosen a Docker Engine; the stack under test has not.
delete process.env.DOCKER_HOST;
process.env.DOCKER_CONTEXT = "default";

/** Values that only the engine knows, made from the names so that a test can write them down. */
function madeUpState(type: string, name: string, inputs: Record<string, any>) {
  const made: Record<string, Record<string, any>> = {
    "docker:index/volume:Volume": { mountpoint: `/docker/volumes/${inputs.name}/_data` },
    "docker:index/remoteImage:RemoteImage": { imageId: `sha256:${name}`, repoDigest: "" },
    "command:local:Command": { stdout: `${name} says so`, stderr: "" },
  };
  return { ...inputs, ...made[type] };
}

/**
 * Runs a program against Pulumi's mocks, as stack `stack` of project mesos-marathon, until nothing moves any more.
 * The registration of a resource named in `hold` does not end until it is released, so that what waits for it is seen.
 * A program that fails must be caught by itself: as in the language host, its error ends the process.
 */
export async function mockedStack(
  program: () => unknown,
  { stack = "dev", hold = [] as readonly string[], config = {} as Record<string, string>, secrets = [] as readonly string[], preview = false } = {},
): Promise<MockedStack> {
  const resources = new Map<string, Registered>();
  const gates = new Map<string, { opened: Promise<void>; open: () => void }>();
  for (const name of hold) {
    let open = () => {};
    gates.set(name, { opened: new Promise((resolve) => (open = resolve)), open: () => open() });
  }
  let moves = 0;

  pulumi.runtime.setAllConfig(
    Object.fromEntries(Object.entries(config).map(([key, value]) => [`mesos-marathon:${key}`, value])),
    secrets.map((key) => `mesos-marathon:${key}`),
  );
  await pulumi.runtime.setMocks(
    {
      call: ({ token }) => {
        throw new Error(`the program called ${token}`);
      },
      newResource: async ({ type, name, inputs }) => {
        await gates.get(called(type, name))?.opened;
        moves++;
        return { id: `${name}-id`, state: madeUpState(type, name, inputs) };
      },
    },
    "mesos-marathon",
    stack,
    preview,
  );
  // Parents, dependencies and the rest of the options are in the request, which the mocks do not hand over.
  const monitor: any = getMonitor();
  const { registerResource, registerResourceOutputs } = monitor;
  monitor.registerResource = (request: any, callback: any) => {
    moves++;
    if (request.getType() !== "pulumi:pulumi:Stack") {
      resources.set(called(request.getType(), request.getName()), {
        token: request.getType(),
        inputs: request.getObject().toJavaScript(),
        parent: calledIn(request.getParent()),
        provider: calledIn(request.getProvider()),
        dependsOn: request.getDependenciesList().map(calledIn).sort(),
        retainOnDelete: request.getRetainondelete(),
        deleteBeforeReplace: request.getDeletebeforereplace(),
        ignoreChanges: request.getIgnorechangesList(),
        replaceOnChanges: request.getReplaceonchangesList(),
      });
    }
    return registerResource.call(monitor, request, callback);
  };
  monitor.registerResourceOutputs = (request: any, callback: any) => {
    moves++;
    const resource = resources.get(calledIn(request.getUrn()));
    if (resource) {
      resource.outputs = request.getOutputs().toJavaScript();
    }
    return registerResourceOutputs.call(monitor, request, callback);
  };

  // Mocks do no input or output: what can go on does so within one turn of the event loop (tried); ten are for safety.
  const settled = async () => {
    process.setSourceMapsEnabled(false);
    for (let before = -1; before !== moves; ) {
      before = moves;
      for (let turn = 0; turn < 10; turn++) {
        await new Promise(setImmediate);
      }
    }
    process.setSourceMapsEnabled(true);
  };
  // Pulumi takes a stack trace for every promise; finding its place in the TypeScript is most of the time.
  process.setSourceMapsEnabled(false);
  const outputs = pulumi.runtime.runInPulumiStack(async () => program()).finally(settled);
  await settled();
  return { resources, outputs, settled, release: (name) => gates.get(name)?.open() };
}

function called(token: string, name: string): string {
  return `${token.split(":").at(-1)} ${name}`;
}

/** urn:pulumi:STACK::PROJECT::PARENTS$TOKEN::NAME, and ::ID behind it where it is a provider's. */
function calledIn(urn: string): string {
  const [, , tokens = "", name] = urn.split("::");
  const token = tokens.split("$").at(-1) ?? "";
  return urn === "" || token === "pulumi:pulumi:Stack" ? "" : called(token, name);
}
