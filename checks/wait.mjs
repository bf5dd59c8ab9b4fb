import { setTimeout as sleep } from "node:timers/promises";

import { dockerEngine, logTail } from "./docker.mjs";

/**
 * @typedef {{ ready: boolean, asked: string, answer: string, warning?: string }} Answer
 * What was asked and what came back, in words that a person can act on; a warning of what is not in the way but not well.
 *
 * @typedef {(settings: Record<string, string | undefined>, signal: AbortSignal) => Promise<Answer>} Check
 * Asks once. Never throws for an answer that merely is not there yet.
 *
 * @typedef {{
 *   component: string, container: string, dockerHost: string, seconds: number,
 *   finalExits: Record<string, string>, settings: Record<string, string | undefined>,
 *   drift?: string,
 * }} Gate
 * drift: how the container was found, where that was not as it should be. One that was found running but not ready ends
 * with `runs since`, the time of its start.
 */

const pollMilliseconds = 50;
/** Most gates pass sooner, and loading the engine's client then takes the processor from what they wait for. */
const unseenSeconds = 0.5;
/** One question must not eat the whole time limit. */
const answerMilliseconds = 5_000;
/** The real ones restart once or twice by design: after a lost ZooKeeper session, or while a dead leader's node lives on. */
const toleratedRestarts = 2;
const reportSeconds = 5;
const longestStatus = 60;
/** A container that was found running but not ready may still become so: a new master is elected after 10 to 15 s. */
const patience = 0.2;
/** Of a container that is started again because it does not answer. */
const stopSeconds = 10;
/** For the next end of a container that has ended too often: Marathon takes some seconds until it is told that it may not go on. */
const nextExitMilliseconds = 10_000;

/**
 * Asks until the answer is yes, the container has died for good, or the time is over.
 * @param {Check} check
 * @param {Gate} gate
 * @returns {Promise<{ ready: boolean, text: string, warning?: string }>}
 */
export async function waitUntilReady(check, gate) {
  const begun = Date.now();
  const waited = () => (Date.now() - begun) / 1000;
  const container = watch(gate);
  let reported = 0;
  if (gate.drift) {
    // What is paused never answers, and a question to it takes its time.
    await container.look(0);
  }
  for (;;) {
    const { ready, asked, answer, warning } = await check(gate.settings, AbortSignal.timeout(answerMilliseconds));
    if (ready) {
      // The time makes each proof a new one for the gates that come after it.
      return { ready, text: `${new Date().toISOString()} ${gate.component} ready after ${waited().toFixed(1)} s: ${answer}`, warning };
    }
    const late = waited() >= gate.seconds;
    const dead = late || waited() >= unseenSeconds ? await container.look(waited()) : "";
    if (dead || late) {
      return { ready, text: await report(gate, { asked, answer, waited: waited(), container, dead }) };
    }
    if (waited() - reported >= reportSeconds) {
      reported = waited();
      console.error(status(reported, answer, container.ends()));
    }
    await sleep(pollMilliseconds);
  }
}

/**
 * What is waited for, in one short line: Pulumi shows it at the end of the resource's row, which some 150 columns have room for.
 * @param {number} waited seconds
 * @param {string} answer
 * @param {number} ends of the container meanwhile
 */
function status(waited, answer, ends) {
  const plain = answer === "ECONNREFUSED" ? "does not listen yet" : answer;
  const line = `${Math.round(waited)} s: ${ends > 0 ? `ended ${ends} times; ` : ""}${plain.replaceAll(/\s+/g, " ")}`;
  return line.length > longestStatus ? `${line.slice(0, longestStatus - 1)}…` : line;
}

/**
 * Knows when a container will not come back by itself, and brings back one that was found not as it should be.
 * @param {Gate} gate
 */
function watch(gate) {
  /** @type {number | undefined} */
  let restartsBefore;
  let state = "not looked at";
  let ends = 0;
  let mended = false;
  const container = () => dockerEngine(gate.dockerHost).getContainer(gate.container);

  /**
   * Brings a container back that Docker's restart policy leaves as it is. Once: what does not help then never will.
   * @param {import("dockerode").ContainerInspectInfo["State"]} found
   * @param {number} waited seconds
   * @returns {Promise<boolean>} whether that was tried now
   */
  const mend = async ({ Paused, Restarting, StartedAt }, waited) => {
    const hangs = gate.drift?.endsWith(`runs since ${StartedAt}`) && waited >= gate.seconds * patience;
    if (mended || !gate.drift || !(Paused || Restarting || hangs)) {
      return false;
    }
    mended = true;
    try {
      if (Paused) {
        console.error(`${gate.component}: ${gate.container} is paused: it goes on now`);
        await container().unpause();
      } else {
        console.error(`${gate.component}: ${gate.container} ${Restarting ? "is in a restart loop" : "does not become ready"}: it is started again`);
        // Docker then counts anew, and does not wait up to a minute before its next attempt.
        restartsBefore = undefined;
        await container().restart({ t: stopSeconds });
      }
    } catch (error) {
      console.error(`${gate.component}: the Docker Engine refuses: ${/** @type {Error} */ (error).message.trim()}`);
    }
    return true;
  };

  /** The exit code with which a container that runs ends; undefined where it goes on. */
  const nextExit = async () => {
    const end = await container()
      .wait({ condition: "next-exit", abortSignal: AbortSignal.timeout(nextExitMilliseconds) })
      .catch(() => undefined);
    return end?.StatusCode;
  };

  return {
    /**
     * @param {number} waited seconds
     * @returns {Promise<string>} why it is dead, or an empty string
     */
    async look(waited) {
      let seen;
      try {
        seen = await container().inspect();
      } catch (error) {
        const { statusCode, message } = /** @type {{ statusCode?: number, message: string }} */ (error);
        state = statusCode === 404 ? "does not exist" : `cannot be seen (${message.trim()})`;
        return statusCode === 404 ? "the container does not exist" : "";
      }
      const { State: now, RestartCount: restarts, HostConfig: config } = seen;
      if (await mend(now, waited)) {
        return "";
      }
      restartsBefore ??= restarts;
      const restarted = restarts - restartsBefore;
      ends = restarted;
      state = `${now.Status}, restarted ${restarted} times while waiting`;
      // Restarts count while it runs, too: one that lives a second at a time is hardly ever seen in between.
      const runs = now.Running && !now.Restarting;
      if (runs && restarted <= toleratedRestarts) {
        return "";
      }
      const code = runs ? await nextExit() : now.ExitCode;
      if (code === undefined) {
        return `it ended ${restarted} times`;
      }
      state += `, last exit code ${code}`;
      const final = gate.finalExits[code];
      if (final) {
        return `it ended with exit code ${code}: ${final}`;
      }
      if (restarted > toleratedRestarts) {
        return `it ended ${restarted} times, last with exit code ${code}`;
      }
      return now.Status === "exited" && config.RestartPolicy?.Name === "no" ? `it ended with exit code ${code}` : "";
    },
    state: () => state,
    ends: () => ends,
    /** @param {number} lines */
    log: async (lines) => {
      try {
        // Where this runs in another project, there is no command of this one's to name.
        return `${await logTail(container(), lines)}\n  all of it:    docker --host ${gate.dockerHost} logs ${gate.container}`;
      } catch (error) {
        return `    (cannot be read: ${/** @type {Error} */ (error).message.trim()})`;
      }
    },
  };
}

/**
 * @param {Gate} gate
 * @param {{ asked: string, answer: string, waited: number, container: ReturnType<typeof watch>, dead: string }} seen
 */
async function report(gate, { asked, answer, waited, container, dead }) {
  return [
    `${gate.component} did not become ready: ${dead || "time is over"}`,
    `  asked:        ${asked}`,
    `  last answer:  ${answer}`,
    `  waited:       ${waited.toFixed(1)} s of ${gate.seconds} s`,
    `  container:    ${gate.container}, ${container.state()}`,
    `  its log ends:`,
    await container.log(15),
  ].join("\n");
}
