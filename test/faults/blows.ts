import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import type { Command } from "./command";

/** Everything that may befall a command. */
export const blows = {
  async SIGINT(command: Command) {
    command.signal("SIGINT");
  },
  async "SIGINT twice"(command: Command) {
    command.signal("SIGINT");
    await command.until("that cancels", ({ stdoutEvent }) => /cancelling/.test(stdoutEvent?.message));
    command.signal("SIGINT");
  },
  async SIGTERM(command: Command) {
    command.signal("SIGTERM");
  },
  async SIGKILL(command: Command) {
    command.signal("SIGKILL");
  },
  async "docker plugin killed"(command: Command) {
    command.killPlugin("docker");
  },
  async "command plugin killed"(command: Command) {
    command.killPlugin("command");
  },
  async "Docker Engine killed and started"() {
    const { restartTestEngine } = await import("../engine/docker-engine.mjs");
    await restartTestEngine(process.env.TEST_ENGINE ?? "", "SIGKILL");
  },
  /** Until something has been sent again in vain. Pulumi speaks to its plugins over this network, too. */
  async "network cut and restored"(command: Command) {
    execFileSync("ip", ["link", "set", "lo", "down"]);
    try {
      while (!command.over && !resent()) {
        await sleep(10);
      }
    } finally {
      execFileSync("ip", ["link", "set", "lo", "up"]);
    }
  },
};

export type Blow = keyof typeof blows;

/** Whether the kernel has sent something again on any connection (proc(5): /proc/net/tcp, retrnsmt). */
function resent(): boolean {
  return ["tcp", "tcp6"]
    .flatMap((table) => readFileSync(`/proc/net/${table}`, "utf8").split("\n").slice(1))
    .some((line) => Number.parseInt(line.trim().split(/\s+/)[6] ?? "0", 16) > 0);
}
