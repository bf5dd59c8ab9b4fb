import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const projectFolder = join(__dirname, "..", "..");

/**
 * The network of clusters that do not say which they want (`npm test -- --network MODE`), and what depends on it: where ZooKeeper and the
 * slave listen, and what the slave calls itself, where its tasks are found.
 */
export const network =
  process.env.TEST_NETWORK === "bridge"
    ? { mode: "bridge", zookeeper: "172.30.250.2", mesosSlave: "172.30.250.4", taskHost: "172.30.250.1" }
    : { mode: "host", zookeeper: "127.0.0.1", mesosSlave: "127.0.0.1", taskHost: "127.0.0.1" };

/** One step, as Pulumi's `--json` gives it. */
interface Step {
  readonly op: string;
  readonly urn: string;
  readonly detailedDiff?: Readonly<Record<string, unknown>> | null;
}

/** What a preview announces. */
export interface Preview {
  /** Resources that do not stay as they are: `op name: what differs`. */
  readonly steps: string[];
  readonly warnings: string[];
}

type Config = Readonly<Record<string, string | number | boolean | object>>;

export interface Run {
  readonly code: number;
  readonly output: string;
  /** What went to stdout alone. */
  readonly stdout: string;
}

/** A stack on a file backend of its own, driven by the real CLI. */
export class TestStack {
  private constructor(
    readonly folder: string,
    readonly name: string,
    private readonly project: string,
    private readonly environment: NodeJS.ProcessEnv,
    private config: Config,
    /** What holds where the configuration does not say otherwise. */
    private readonly defaults: Config,
  ) {}

  /**
   * @param config key → value; keys without a namespace are the project's own. Where it has any of a cluster's, the network is this run's,
   * unless it says which; a cluster of which it says nothing is on the default one
   * @param options `project`: the folder with Pulumi.yaml; `backend`: another stack to share the backend with
   */
  static async create(
    name: string,
    config: Config,
    options: { project?: string; backend?: TestStack; dockerHost?: string } = {},
  ): Promise<TestStack> {
    const folder = options.backend?.folder ?? (await mkdtemp(join(tmpdir(), "mesos-marathon-test-")));
    const project = options.project ?? projectFolder;
    const environment = {
      ...process.env,
      DOCKER_HOST: options.dockerHost ?? dockerHost(),
      PULUMI_BACKEND_URL: `file://${folder}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_CONFIG_PASSPHRASE_FILE: undefined,
      PULUMI_SKIP_UPDATE_CHECK: "1",
    };
    const isConfigured = Object.keys(config).some((key) => key.startsWith("mesos-marathon:"));
    const defaults: Config = process.env.TEST_NETWORK && isConfigured ? { "mesos-marathon:networkMode": process.env.TEST_NETWORK } : {};
    const stack = new TestStack(folder, name, project, environment, {}, defaults);
    // Pulumi writes the stack's salt beside Pulumi.yaml: not in the clone, whose files other tests read meanwhile.
    const [projectName] = /^name: .+$/m.exec(await readFile(join(project, "Pulumi.yaml"), "utf8")) ?? [];
    await writeFile(join(folder, "Pulumi.yaml"), `${projectName}\nruntime: nodejs\n`);
    await stack.from(folder).mustRun("stack", "init", name, "--no-select");
    await stack.configure(config);
    return stack;
  }

  /** The same stack, as somebody else's clone of the project sees it. */
  from(project: string): TestStack {
    return new TestStack(this.folder, this.name, project, this.environment, this.config, this.defaults);
  }

  private get configFile(): string {
    return join(this.folder, `Pulumi.${this.name}.yaml`);
  }

  /** Changes one value of the configuration; undefined takes it away. */
  async set(key: string, value: Config[string] | undefined): Promise<void> {
    const { [key]: _, ...others } = this.config;
    await this.configure(value === undefined ? others : { ...others, [key]: value });
  }

  /** Writes the whole configuration. */
  async configure(config: Config): Promise<void> {
    this.config = config;
    const [salt] = (await readFile(this.configFile, "utf8")).split("\nconfig:\n");
    const lines = Object.entries({ ...this.defaults, ...config }).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`);
    await writeFile(this.configFile, `${salt}\nconfig:\n${lines.join("\n")}\n`);
  }

  /** Runs the CLI and returns whatever comes of it. */
  run(...args: string[]): Promise<Run> {
    const isOperation = ["up", "preview", "refresh", "destroy", "config"].includes(args[0]);
    const stack = args[1] === "init" ? [] : ["--stack", this.name];
    const all = [...args, ...stack, ...(isOperation ? ["--config-file", this.configFile] : []), "--non-interactive", "--color", "never"];
    return this.execute("pulumi", all);
  }

  /** `npm run doctor` on this stack. */
  doctor(...args: string[]): Promise<Run> {
    return this.execute(process.execPath, ["setup/doctor.mjs", "--stack", this.name, "--config-file", this.configFile, ...args]);
  }

  /** Runs `npm run SCRIPT -- --stack NAME ARGS…` in the project's folder, whose file of the stack is this one's then. */
  async npmRun(script: string, ...args: string[]): Promise<Run> {
    await copyFile(this.configFile, join(this.project, `Pulumi.${this.name}.yaml`));
    return this.execute(process.execPath, [join("setup", `${script}.mjs`), "--stack", this.name, ...args]);
  }

  private execute(program: string, args: string[]): Promise<Run> {
    return new Promise((resolve) => {
      execFile(
        program,
        args,
        { cwd: this.project, env: this.environment, maxBuffer: 64 * 1024 * 1024, timeout: 300_000 },
        (error, stdout, stderr) => {
          const code = error ? (typeof error.code === "number" ? error.code : 255) : 0;
          resolve({ code, output: `${stdout}${stderr}`, stdout });
        },
      );
    });
  }

  /** Runs the CLI and fails with its output where it fails. */
  async mustRun(...args: string[]): Promise<Run> {
    const run = await this.run(...args);
    if (run.code !== 0) {
      throw new Error(`pulumi ${args.join(" ")} ended with ${run.code}:\n${run.output}`);
    }
    return run;
  }

  async up(...args: string[]): Promise<Run> {
    return this.mustRun("up", "--yes", "--skip-preview", ...args);
  }

  /** The steps that a preview announces, but for resources that stay as they are: `op name: what differs`. */
  async preview(...args: string[]): Promise<string[]> {
    return (await this.wholePreview(...args)).steps;
  }

  async wholePreview(...args: string[]): Promise<Preview> {
    const { code, stdout, output } = await this.run("preview", "--json", ...args);
    const { steps = [], diagnostics = [] } = JSON.parse(stdout.slice(stdout.indexOf("{")) || "{}");
    if (code !== 0) {
      throw new Error(`pulumi preview ended with ${code}:\n${diagnostics.map(({ message }: any) => message).join("\n") || output}`);
    }
    const warnings = diagnostics.filter(({ severity }: any) => severity === "warning");
    return { steps: changes(steps), warnings: warnings.map(({ message }: any) => message.replace(/^warning: /, "").trimEnd()) };
  }

  /** Runs `up` and gives the steps that it took, told as `preview` tells them. */
  async upSteps(...args: string[]): Promise<string[]> {
    const { stdout } = await this.up("--json", ...args);
    const events = stdout.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
    return changes(events.flatMap(({ resourcePreEvent }) => resourcePreEvent?.metadata ?? []));
  }

  async outputs(): Promise<any> {
    return JSON.parse((await this.mustRun("stack", "output", "--json")).stdout);
  }

  /** The resources in the state by name, without what an update or a refresh may write anew: times, order, zero values, options. */
  async resources(): Promise<any[]> {
    const { stdout } = await this.mustRun("stack", "export");
    return (JSON.parse(stdout).deployment.resources ?? [])
      .map(({ modified, created, sourcePosition, stackTrace, ignoreChanges, ...resource }: any) => withoutZeroValues(resource))
      .sort((a: any, b: any) => a.urn.localeCompare(b.urn));
  }

  async destroy(): Promise<Run> {
    return this.mustRun("destroy", "--yes", "--skip-preview");
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A replacement is one step here: `up` also tells the two that it consists of. */
function changes(steps: readonly Step[]): string[] {
  return steps
    .filter(({ op }) => !["same", "refresh", "create-replacement", "delete-replaced"].includes(op))
    .map(({ op, urn, detailedDiff }) => `${op} ${urn.split("::").pop()}: ${Object.keys(detailedDiff ?? {}).sort().join(", ")}`);
}

/** The docker provider leaves a value out, or writes it as null or as an empty list, and means the same. */
function withoutZeroValues(value: any): any {
  if (Array.isArray(value)) {
    const isSetOfResources = value.every((inner) => typeof inner === "string" && inner.startsWith("urn:"));
    return isSetOfResources ? [...value].sort() : value.map(withoutZeroValues);
  }
  if (value === null || typeof value !== "object") {
    return value;
  }
  const isZero = (inner: any) => !inner || (typeof inner === "object" && Object.keys(inner).length === 0);
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, inner]) => [key, withoutZeroValues(inner)])
      .filter(([, inner]) => !isZero(inner)),
  );
}

/** The tests' own Docker Engine; `npm test` starts it and says where it is. */
export function dockerHost(): string {
  const host = process.env.TEST_DOCKER_HOST;
  if (!host) {
    throw new Error("TEST_DOCKER_HOST is not set: run these tests with npm test");
  }
  return host;
}
