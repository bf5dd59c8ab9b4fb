import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

import type { ContainerInfo, NetworkInspectInfo } from "dockerode";

import { get, startApp } from "../engine/app";
import { docker, plant, plantLookAlikes, removeVolumes, volumeNames } from "../engine/docker";
import { eventually } from "../engine/eventually";
import { network, projectFolder } from "../engine/stack";
import { type Blow, blows } from "./blows";
import { Command, processesIn } from "./command";
import type { Point, Step } from "./points";

const ports = { zookeeperPort: 23181, mesosMasterPort: 26050, mesosSlavePort: 26051, marathonPort: 29080 };
const names = { zookeeperName: "faults-zookeeper", mesosMasterName: "faults-master", mesosSlaveName: "faults-slave", marathonName: "faults-marathon" };
const master = `http://127.0.0.1:${ports.mesosMasterPort}`;
const marathon = `http://127.0.0.1:${ports.marathonPort}`;
const app = "/app";
const volumePrefix = "mesos-marathon-faults-cluster-";
const strange = { volume: "mesos-marathon-faults-2-cluster-zookeeper-data", network: "faults" };

const scripts = {
  up: ["up", "--skip-preview"],
  preview: ["pulumi", "preview"],
  refresh: ["pulumi", "refresh", "--yes", "--skip-preview"],
  destroy: ["down", "--yes", "--skip-preview"],
} as const;

/** Seconds that a command may take, blow included. */
const patience = 180;

/** How many there are of this stack's things. */
export interface Census {
  readonly containers: number;
  readonly volumes: number;
  readonly networks: number;
  /** That run in the clone. */
  readonly processes: number;
  /** Of its app, in Docker. */
  readonly tasks: number;
  /** In the state. */
  readonly resources: number;
}

export interface Outcome {
  /** Exit code of the command that was struck. */
  readonly code: number;
  /** What it left that a command which ends well does not. */
  readonly left: readonly string[];
  readonly recovered: "without hands" | "with npm run recover" | "lost";
  /** After the recovery, like all that follows. */
  readonly census: Census;
  /** Locks, pending operations, processes, and what is there that the state does not know. */
  readonly leaked: readonly string[];
  /** What is there, or in the state, twice. */
  readonly doubled: readonly string[];
  /** What of the strangers' is not as it was. */
  readonly touched: readonly string[];
  /** All that was printed. */
  readonly told: string;
}

/**
 * A clone of the project with a state of its own, in which everything is done as a person does it: `npm run up`,
 * `npm run down`, `npm run recover`. Every process that runs in its folder is its own. Its cluster has an app of one task,
 * which ends with a `destroy` and comes back with the next `up`.
 */
export class World {
  private readonly clone: string;
  private readonly events: string;
  private slaveName = names.mesosSlaveName;
  private isUp = false;
  private planted!: Awaited<ReturnType<typeof plantLookAlikes>>;
  /** Id of the process that is a stranger's. */
  private stranger = 0;

  private constructor(private readonly folder: string) {
    this.clone = join(folder, "clone");
    this.events = join(folder, "events.json");
  }

  static async create(): Promise<World> {
    const world = new World(mkdtempSync(join(tmpdir(), "mesos-marathon-faults-")));
    const left = ["node_modules", ".local", ".git", "dist"];
    await cp(projectFolder, world.clone, { recursive: true, filter: (source) => !left.includes(basename(source)) });
    symlinkSync(join(projectFolder, "node_modules"), join(world.clone, "node_modules"));
    world.configure();
    await world.plantStrangers();
    await world.prepare("a cluster");
    world.isUp = true;
    await startApp(marathon, app);
    return world;
  }

  async remove(): Promise<void> {
    await this.clear();
    await this.planted.remove();
    process.kill(this.stranger, "SIGKILL");
    await docker.getNetwork(strange.network).remove();
    await removeVolumes((await volumeNames()).filter((name) => name.startsWith(volumePrefix)));
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async clear(): Promise<void> {
    processesIn(this.clone).forEach(({ pid }) => process.kill(pid, "SIGKILL"));
    await Promise.all([...(await this.containers()), ...(await this.tasks())].map(({ Id }) => docker.getContainer(Id).remove({ force: true })));
    await Promise.all((await this.networks()).map(({ Id }) => docker.getNetwork(Id).remove()));
    rmSync(join(this.clone, ".local", "state"), { recursive: true, force: true });
    this.isUp = false;
  }

  /** Strikes a command at a step, and goes on as the messages say until a plain `up` ends well. */
  async strike(point: Point): Promise<Outcome> {
    try {
      return await this.struck(point);
    } catch (error) {
      await this.clear();
      return { code: -1, left: [], recovered: "lost", census: { containers: 0, volumes: 0, networks: 0, processes: 0, tasks: 0, resources: 0 }, leaked: [], doubled: [], touched: [], told: String(error) };
    }
  }

  private async struck({ step: { command, on, event, made }, blow }: Point): Promise<Outcome> {
    await this.prepare(on);
    const strangers = await this.look(blow);
    const [script, ...args] = scripts[command];
    const running = this.npmRun(script, [...args, "--event-log", this.events]);
    await running.until(event, ({ resourcePreEvent: seen }) => stepOf(seen?.metadata) === event);
    while (made && !running.over && (await this.containers(made)).length === 0) {}
    await blows[blow](running);
    const struck = await running.ended;
    // Volumes are kept when a stack is destroyed, so that before it is up again its state does not know them.
    const left = (await this.count()).leaked.filter((entry) => !entry.startsWith("volume "));

    let told = `${command} struck at ${event}: exit code ${struck.code}\n${struck.output}`;
    const ends = async (...[script, ...args]: readonly [string, ...string[]]) => {
      const { code, output } = await this.npmRun(script, args).ended;
      told += `\nnpm run ${script} -- ${args.join(" ")}: exit code ${code}\n${output}`;
      return { well: code === 0, names: (text: string) => output.includes(text) };
    };
    const first = await ends(...scripts.up);
    const isCured = first.names("npm run recover") && (await ends("recover")).well && (await ends(...scripts.up)).well;
    const isConverged = (first.well || isCured) && (await ends("pulumi", "preview", "--expect-no-changes")).well && (await this.works());
    this.isUp = isConverged;
    const outcome = {
      code: struck.code,
      left,
      recovered: !isConverged ? "lost" : first.well ? "without hands" : "with npm run recover",
      ...(await this.count()),
      touched: (await this.look(blow)).filter((line) => !strangers.includes(line)),
      told,
    } as const;
    if (!isConverged) {
      await this.clear();
    }
    return outcome;
  }

  private async prepare(on: Step["on"]): Promise<void> {
    const isRight = this.isUp === (on !== "nothing");
    const [script, ...args] = this.isUp ? scripts.destroy : scripts.up;
    const { code, output } = isRight ? { code: 0, output: "" } : await this.npmRun(script, args).ended;
    if (code !== 0) {
      throw new Error(output);
    }
    if (on === "a change") {
      this.slaveName = this.slaveName === names.mesosSlaveName ? `${names.mesosSlaveName}-2` : names.mesosSlaveName;
      this.configure();
    }
  }

  private configure(): void {
    const settings = { imageSet: "rehearsal", networkMode: network.mode, ...ports, ...names, mesosSlaveName: this.slaveName };
    const lines = Object.entries(settings).map(([key, value]) => `  mesos-marathon:${key}: ${value}`);
    writeFileSync(join(this.clone, "Pulumi.faults.yaml"), `config:\n${lines.join("\n")}\n`);
  }

  /** Runs `npm run SCRIPT -- ARGS…` on a stack. Default: the one that is struck. */
  npmRun(script: string, args: readonly string[] = [], { stack = "faults", env = {} as NodeJS.ProcessEnv } = {}): Command {
    const files = { output: join(this.folder, "output.txt"), events: this.events };
    // `--event-log` is one of Pulumi's flags for debugging.
    const environment = { ...process.env, PULUMI_DEBUG_COMMANDS: "true", PULUMI_CREDENTIALS_PATH: this.folder, ...env };
    return new Command([process.execPath, `setup/${script}.mjs`, ...args, "--stack", stack], this.clone, environment, files, patience);
  }

  /** Whether Mesos and Marathon do what they are for, once Docker has started them again. */
  private works(): Promise<boolean> {
    return eventually("a cluster that works", async () => {
      const { frameworkId } = await get(`${marathon}/v2/info`);
      const { frameworks } = await get(`${master}/master/frameworks`);
      const { slaves } = await get(`${master}/master/slaves`);
      const { tasks } = await get(`${marathon}/v2/apps${app}/tasks`);
      const isRunning = tasks.length === 1 && tasks[0].state === "TASK_RUNNING" && (await this.runningTasks()).length > 0;
      return isRunning && frameworks.some(({ id, active }: any) => id === frameworkId && active) && slaves.filter(({ active }: any) => active).length === 1;
    }).then(
      () => true,
      () => false,
    );
  }

  private containers(component?: string): Promise<ContainerInfo[]> {
    const labels = { "mesos-marathon.project": "mesos-marathon", "mesos-marathon.stack": "faults", ...(component && { "mesos-marathon.component": component }) };
    return docker.listContainers({ all: true, filters: { label: Object.entries(labels).map((entry) => entry.join("=")) } });
  }

  /** The containers of its slave's tasks, with those of their executors, ended ones too. */
  private async tasks(): Promise<ContainerInfo[]> {
    const all = await docker.listContainers({ all: true });
    return all.filter(({ Mounts }) => Mounts.some(({ Source }) => Source?.includes(`/${volumePrefix}mesos-slave-work/_data/slaves/`)));
  }

  private async runningTasks(): Promise<ContainerInfo[]> {
    return (await this.tasks()).filter(({ State, Names }) => State === "running" && !Names[0].endsWith(".executor"));
  }

  private async networks(): Promise<NetworkInspectInfo[]> {
    return (await docker.listNetworks({ filters: { type: ["custom"] } })).filter(({ Name }) => Name !== strange.network);
  }

  private async count(): Promise<Pick<Outcome, "census" | "leaked" | "doubled">> {
    const containers = await this.containers();
    const volumes = (await volumeNames()).filter((name) => name.startsWith(volumePrefix));
    const networks = await this.networks();
    const processes = processesIn(this.clone).map(({ command }) => command);
    const tasks = await this.runningTasks();

    const backend = join(this.clone, ".local", "state", ".pulumi");
    const { resources = [], pending_operations: pending = [] } = JSON.parse(readFileSync(join(backend, "stacks", "mesos-marathon", "faults.json"), "utf8")).checkpoint.latest ?? {};
    const locks = readdirSync(backend, { recursive: true, encoding: "utf8" }).filter((name) => /^locks\/.*\.json$/.test(name));
    const isKnown = (id: string) => resources.some((resource: any) => resource.id === id);
    const nameOf = ({ Names }: { Names: string[] }) => Names[0].slice(1);
    return {
      census: { containers: containers.length, volumes: volumes.length, networks: networks.length, processes: processes.length, tasks: tasks.length, resources: resources.length },
      leaked: [
        ...locks.map(() => "lock"),
        ...pending.map(({ type, resource }: any) => `${type} ${resource.urn.split("::").pop()}`),
        ...containers.filter(({ Id }) => !isKnown(Id)).map((container) => `container ${nameOf(container)}`),
        ...volumes.filter((name) => !isKnown(name)).map((name) => `volume ${name}`),
        ...networks.filter(({ Id }) => !isKnown(Id)).map(({ Name }) => `network ${Name}`),
        ...processes.map((command) => `process ${command.split("/").pop()?.split(" ")[0]}`),
      ],
      // The app has one.
      doubled: [...tasks.slice(1).map(nameOf), ...twice(containers.map(({ Labels }) => Labels["mesos-marathon.component"])), ...twice(resources.map(({ urn }: any) => urn))],
    };
  }

  /** What is nobody's business here, each like something of ours. */
  private async plantStrangers(): Promise<void> {
    const restart = { HostConfig: { NetworkMode: "none", RestartPolicy: { Name: "always" } } };
    const labels = { "mesos-marathon.project": "mesos-marathon", "mesos-marathon.stack": "faults-2", "mesos-marathon.component": "zookeeper" };
    this.planted = await plantLookAlikes([], [strange.volume], restart);
    this.planted.containers.push(await plant(`${names.zookeeperName}-2`, { ...restart, Labels: labels }));
    await docker.createNetwork({ Name: strange.network });
    // By its looks a provider that outlived its Pulumi command, but in another clone.
    const elsewhere = join(this.folder, "elsewhere", "plugins", "resource-docker-v5.2.0");
    mkdirSync(elsewhere, { recursive: true });
    const plugin = join(elsewhere, "pulumi-resource-docker");
    copyFileSync("/bin/sleep", plugin);
    this.stranger = Number(execFileSync("setsid", ["--fork", "sh", "-c", 'echo $$; exec "$0" infinity >&- 2>&-', plugin], { cwd: elsewhere }));
  }

  /** The strangers as they stand. Docker starts its containers anew when its engine was killed. */
  private async look(blow: Blow): Promise<string[]> {
    const containers = await Promise.all(this.planted.containers.map((container) => container.inspect().catch(() => undefined)));
    const volume = await docker.getVolume(strange.volume).inspect();
    const network = await docker.getNetwork(strange.network).inspect();
    const isAnew = blow.startsWith("Docker Engine");
    return [
      ...containers.map((one) => `container ${one?.Name} ${one?.Id}, ${isAnew ? "" : one?.State.StartedAt} ${one?.State.Status}`),
      `volume ${strange.volume} ${(volume as { CreatedAt?: string }).CreatedAt}`,
      `network ${strange.network} ${network.Id}`,
      `process ${this.stranger} ${startOf(this.stranger)}`,
    ];
  }
}

/** In the words of points.ts. */
const stepOf = ({ op = "", type = "", urn = "" } = {}) => `${op} ${type.split(":").pop()} ${urn.split("::").pop()}`;

/** When a process was started (proc(5), field 22 of stat); undefined where it is gone. */
function startOf(pid: number): string | undefined {
  return existsSync(`/proc/${pid}`) ? readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").pop()?.split(" ")[19] : undefined;
}

const twice = (list: readonly string[]) => list.filter((entry, index) => list.indexOf(entry) !== index);
