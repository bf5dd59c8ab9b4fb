import { spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds between two looks at the events: a step takes some hundred. */
const interval = 2;

export interface Ended {
  readonly code: number;
  readonly output: string;
}

/** A command that runs, with the events of the Pulumi engine in a log. */
export class Command {
  readonly ended: Promise<Ended>;
  private isOver = false;
  private seen = 0;

  /** @param seconds after which it is killed */
  constructor(
    command: readonly string[],
    private readonly folder: string,
    env: NodeJS.ProcessEnv,
    private readonly files: { output: string; events: string },
    seconds: number,
  ) {
    writeFileSync(files.events, "");
    // A file: what outlives the command would hold a pipe open.
    const output = openSync(files.output, "w");
    const child = spawn(command[0], command.slice(1), { cwd: folder, env, stdio: ["ignore", output, output], timeout: seconds * 1000, killSignal: "SIGKILL" });
    closeSync(output);
    this.ended = new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", (code) => {
        this.isOver = true;
        resolve({ code: code ?? 255, output: readFileSync(files.output, "utf8") });
      });
    });
  }

  get over(): boolean {
    return this.isOver;
  }

  /** Waits for an event, from where the last wait ended. */
  async until(what: string, isIt: (event: any) => boolean): Promise<void> {
    for (;;) {
      const { isOver } = this;
      const lines = readFileSync(this.files.events, "utf8").split("\n").slice(0, -1);
      while (this.seen < lines.length) {
        if (isIt(JSON.parse(lines[this.seen++]))) {
          return;
        }
      }
      if (isOver) {
        throw new Error(`There was no event ${what}:\n${readFileSync(this.files.output, "utf8")}`);
      }
      await sleep(interval);
    }
  }

  signal(signal: NodeJS.Signals): void {
    for (const { pid } of this.engines()) {
      process.kill(pid, signal);
    }
  }

  /** Kills the engine's plugins of that name. */
  killPlugin(name: string): void {
    const engines = this.engines().map(({ pid }) => pid);
    const plugins = processesIn(this.folder).filter(({ parent, command }) => engines.includes(parent) && command.includes(`resource-${name}`));
    if (plugins.length === 0) {
      throw new Error(`No ${name} plugin runs`);
    }
    plugins.forEach(({ pid }) => process.kill(pid, "SIGKILL"));
  }

  private engines() {
    return processesIn(this.folder).filter(({ command }) => /^(\S*\/)?pulumi\s/.test(command));
  }
}

/** The processes that run in a folder. */
export function processesIn(folder: string): { pid: number; parent: number; command: string }[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        if (readlinkSync(`/proc/${pid}/cwd`) !== folder) {
          return [];
        }
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        // What only waits to be reaped has no command line.
        return command ? [{ pid: Number(pid), parent: Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]), command }] : [];
      } catch {
        return [];
      }
    });
}
