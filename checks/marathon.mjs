import { setTimeout as sleep } from "node:timers/promises";

import { ignore, notRunning, ownContainer } from "./docker.mjs";
import { authorization, json, request } from "./http.mjs";

/** Milliseconds that one question may take. */
const answerMilliseconds = 5_000;
const pollMilliseconds = 200;
const soon = () => AbortSignal.timeout(answerMilliseconds);

/**
 * Asks until there is an answer, and be it a refusal, or the time is over.
 * @param {number} deadline
 * @param {string} url
 * @param {string} [credentials]
 */
async function answerOf(deadline, url, credentials) {
  for (;;) {
    const answer = await json(url, soon(), credentials);
    if (answer.answered || Date.now() > deadline) {
      return answer;
    }
    await sleep(pollMilliseconds);
  }
}

/**
 * Marathon can place tasks when the framework that it says it is, is active at the elected master. Its `/ping` and
 * `/v2/info` go on as if nothing had happened when that framework was torn down or the master is gone, and after a loss
 * of ZooKeeper's data two frameworks bear the same name. Settings: MARATHON and MASTER (URLs), FRAMEWORKS_PATH,
 * TEARDOWN_PATH, CREDENTIALS (user:password, where Marathon asks for them), PULUMI_COMMAND_STDOUT (what this gate said
 * when it was last passed).
 * @type {import("./wait.mjs").Check}
 */
export async function ask(settings, signal) {
  const { MARATHON, MASTER, FRAMEWORKS_PATH, CREDENTIALS } = settings;
  const askedOwn = `${MARATHON}/v2/info, frameworkId`;
  const own = await json(`${MARATHON}/v2/info`, signal, CREDENTIALS);
  if (own.problem) {
    return { ready: false, asked: askedOwn, answer: own.problem };
  }
  const id = own.value.frameworkId;
  if (!id) {
    return { ready: false, asked: askedOwn, answer: "no framework id yet: no master has registered it" };
  }
  const asked = `${MASTER}${FRAMEWORKS_PATH}, active of framework ${id}`;
  const list = await json(`${MASTER}${FRAMEWORKS_PATH}`, signal);
  if (list.problem) {
    return { ready: false, asked, answer: list.problem };
  }
  const listed = (list.value.frameworks ?? []).find((/** @type {{ id: string }} */ framework) => framework.id === id);
  if (!listed) {
    return { ready: false, asked, answer: "not among the master's frameworks: torn down, or not registered yet" };
  }
  if (listed.active !== true) {
    return { ready: false, asked, answer: "listed, but not active" };
  }
  return { ready: true, asked, ...compareWithBefore(id, list.value, settings) };
}

/**
 * What is to be said where Marathon is another framework than when this gate was last passed.
 * @param {string} id of the framework that it is now
 * @param {{ frameworks?: any[], completed_frameworks?: any[] }} listed at the master
 * @param {Record<string, string | undefined>} settings
 * @returns {{ answer: string, warning?: string }}
 */
function compareWithBefore(id, { frameworks = [], completed_frameworks = [] }, { PULUMI_COMMAND_STDOUT = "", MASTER, TEARDOWN_PATH }) {
  const before = /active as ([^\s,]+)/.exec(PULUMI_COMMAND_STDOUT)?.[1];
  // One that was torn down leaves nothing behind.
  if (!before || before === id || completed_frameworks.some((framework) => framework.id === before)) {
    return { answer: `active as ${id}` };
  }
  const tasks = (frameworks.find((framework) => framework.id === before)?.tasks ?? []).map((/** @type {{ id: string }} */ task) => task.id);
  return {
    answer: `active as ${id}, no longer as ${before}: its data in ZooKeeper was lost`,
    warning: [
      `Marathon's data in ZooKeeper was lost: it is a new framework, ${id}, and has forgotten the apps of ${before}.`,
      `Tasks of that one run on, and nobody tends them${tasks.length > 0 ? `: ${tasks.join(", ")}` : ""}. Ways out:`,
      `  - start the apps anew, then end those tasks: curl -X POST -d frameworkId=${before} ${MASTER}${TEARDOWN_PATH}`,
      "  - where marathonZookeeperPath was changed, the old apps are at the old one: set it back, pulumi up",
      "  - to have the old apps back: pulumi destroy, bring back what was in ZooKeeper's volumes, pulumi up",
    ].join("\n"),
  };
}

/**
 * Where the cluster is to be erased: Marathon's apps are deleted, Marathon stops, and only then its framework is torn
 * down. A Marathon that finds its framework torn down under its apps ends with exit code 110 at every start.
 * Settings: MARATHON and MASTER (URLs), MASTER_CONTAINER (its name), ZK (where Marathon keeps its apps), FRAMEWORKS_PATH,
 * TEARDOWN_PATH, CREDENTIALS (user:password, where Marathon asks for them), WEBUI (the URL of it that the master knows,
 * where that is another one).
 * @type {import("./docker.mjs").Teardown}
 */
export async function tearDown(docker, doomed) {
  if (!doomed.erase) {
    console.log("kept: Marathon's apps and its framework");
    return [];
  }
  const { frameworkId, deleted, problem } = await deleteApps(docker, doomed);
  if (deleted) {
    console.log(deleted.length > 0 ? `apps deleted: ${deleted.join(", ")}` : "there were no apps");
  }
  const { seen } = await ownContainer(docker, doomed);
  if (seen) {
    const marathon = docker.getContainer(seen.Id);
    // Otherwise Docker starts it again, and it registers anew.
    await marathon.update({ RestartPolicy: { Name: "no" } });
    await marathon.stop().catch(ignore(304));
  }
  const problems = await tearDownFrameworks(docker, doomed, frameworkId);
  return problem ? [`its apps were not deleted: ${problem}`, ...problems] : problems;
}

/**
 * Deletes all apps, groups and pods, and waits until their tasks have ended.
 * @param {import("dockerode")} docker
 * @param {import("./docker.mjs").Doomed} doomed
 * @returns {Promise<{ frameworkId?: string, deleted?: string[], problem?: string }>}
 */
async function deleteApps(docker, doomed) {
  const { seconds, settings: { MARATHON, ZK, CREDENTIALS } } = doomed;
  let deadline = Date.now() + seconds * 1000;
  let info;
  // It may have been started just now.
  while (!info?.value) {
    const dead = await notRunning(docker, doomed);
    if (dead) {
      return { problem: dead };
    }
    if (info && Date.now() > deadline) {
      return { problem: `${MARATHON}/v2/info: ${info.problem}` };
    }
    await sleep(info ? pollMilliseconds : 0);
    info = await json(`${MARATHON}/v2/info`, soon(), CREDENTIALS);
  }
  const { frameworkId, zookeeper_config } = info.value;
  if (zookeeper_config?.zk !== ZK) {
    return { problem: `${MARATHON} is another Marathon, which keeps its apps at ${zookeeper_config?.zk}` };
  }
  const apps = await answerOf(Date.now() + seconds * 1000, `${MARATHON}/v2/apps`, CREDENTIALS);
  const { problem } = await request(`${MARATHON}/v2/groups?force=true`, {
    method: "DELETE",
    headers: authorization(CREDENTIALS),
    signal: AbortSignal.timeout(seconds * 1000),
  });
  if (apps.problem || problem) {
    return { frameworkId, problem: `${MARATHON}: ${problem || apps.problem}` };
  }
  deadline = Date.now() + seconds * 1000;
  for (;;) {
    const { value, problem } = await json(`${MARATHON}/v2/deployments`, soon(), CREDENTIALS);
    if (value?.length === 0) {
      return { frameworkId, deleted: apps.value.apps.map((/** @type {{ id: string }} */ { id }) => id).sort() };
    }
    if (Date.now() > deadline) {
      return { frameworkId, problem: problem ? `${MARATHON}/v2/deployments: ${problem}` : `their tasks have not ended within ${seconds} s` };
    }
    await sleep(pollMilliseconds);
  }
}

/**
 * Tears down the framework that Marathon said it is, and those that it left behind: inactive, under the same URL.
 * @param {import("dockerode")} docker
 * @param {import("./docker.mjs").Doomed} doomed
 * @param {string} [own] its id, where Marathon said it
 * @returns {Promise<string[]>} what could not be torn down, and why
 */
async function tearDownFrameworks(docker, { labels, seconds, settings }, own) {
  const { MARATHON, WEBUI = MARATHON, MASTER, MASTER_CONTAINER = "", FRAMEWORKS_PATH, TEARDOWN_PATH } = settings;
  const dead = await notRunning(docker, { container: MASTER_CONTAINER, labels });
  if (dead) {
    return [`no framework was torn down: ${dead}`];
  }
  const deadline = Date.now() + seconds * 1000;
  let listed;
  do {
    const { value, problem } = await answerOf(deadline, `${MASTER}${FRAMEWORKS_PATH}`);
    if (problem) {
      return [`no framework was torn down: ${MASTER}${FRAMEWORKS_PATH}: ${problem}`];
    }
    listed = /** @type {{ id: string, active: boolean, webui_url: string }[]} */ (value.frameworks ?? []).filter(
      ({ id, webui_url }) => id === own || webui_url === WEBUI,
    );
    // The master takes a moment to see that its Marathon is gone.
  } while (listed.some(({ id, active }) => active && id !== own) && Date.now() < deadline && (await sleep(pollMilliseconds, true)));
  const problems = [];
  for (const { id, active } of listed) {
    const body = new URLSearchParams({ frameworkId: id });
    const problem = active && id !== own ? "it is active" : (await request(`${MASTER}${TEARDOWN_PATH}`, { method: "POST", body, signal: soon() })).problem;
    if (problem) {
      problems.push(`framework ${id} was not torn down: ${problem}`);
    } else {
      console.log(`framework ${id} torn down`);
    }
  }
  return problems;
}
