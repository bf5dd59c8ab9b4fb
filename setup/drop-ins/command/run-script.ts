/** Runs a script in a process group of its own, so that nothing it started is left behind when it is stopped. */
import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import type { Context } from "../provider";
import { LineSplitter } from "./line-splitter";

export interface Script {
  text: string;
  /** Program and arguments before the script. */
  interpreter: string[];
  /** Added to the plugin's own environment. */
  environment: { [name: string]: string };
  dir?: string;
  stdin?: string;
  /** Which of its outputs are shown line by line while it runs. */
  show: { stdout: boolean; stderr: boolean };
}

/** How long, in ms, the outputs of a killed script may stay open: a process that left the group could hold them for ever. */
const DRAIN_AFTER_KILL = 500;

/**
 * What the script said, each output without one final newline.
 * @throws with the exit status, the script and all that it said, as the official plugin does.
 */
export async function runScript(context: Context, script: Script): Promise<{ stdout: string; stderr: string }> {
  const { signal } = context;
  signal.throwIfAborted();
  const [program = "/bin/sh", ...before] = script.interpreter;
  const child = spawn(program, [...before, script.text], {
    cwd: script.dir || undefined,
    env: { ...process.env, ...script.environment },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const said = { stdout: [] as Buffer[], stderr: [] as Buffer[], both: [] as Buffer[] };
  const follow = (stream: Readable, name: "stdout" | "stderr") => {
    const lines = new LineSplitter((line) => context.status(line));
    stream.on("data", (chunk: Buffer) => {
      said[name].push(chunk);
      said.both.push(chunk);
      if (script.show[name]) lines.write(chunk);
    });
    stream.on("end", () => lines.end());
  };
  follow(child.stdout, "stdout");
  follow(child.stderr, "stderr");
  // A script need not read what it is given.
  child.stdin.on("error", () => {});
  child.stdin.end(script.stdin ?? "");

  const kill = () => {
    killGroup(child.pid);
    setTimeout(() => {
      child.stdout.destroy();
      child.stderr.destroy();
    }, DRAIN_AFTER_KILL).unref();
  };
  signal.addEventListener("abort", kill, { once: true });
  const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString("utf8");
  try {
    const status = await new Promise<string | undefined>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, killed) => resolve(killed ? `signal: ${killed}` : code === 0 ? undefined : `exit status ${code}`));
    });
    if (signal.aborted) throw signal.reason;
    if (status !== undefined) throw new Error(`${status}: running ${JSON.stringify(script.text)}:\n${text(said.both)}`);
  } catch (error) {
    if (error === signal.reason || !(error instanceof Error)) throw error;
    error.message = context.redact(error.message);
    throw error;
  } finally {
    signal.removeEventListener("abort", kill);
  }
  return { stdout: text(said.stdout).replace(/\n$/, ""), stderr: text(said.stderr).replace(/\n$/, "") };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}
