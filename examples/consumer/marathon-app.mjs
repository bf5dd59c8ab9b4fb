/**
 * Deploys an app to Marathon and waits until it runs, or removes it. `node marathon-app.mjs deploy|remove`, told by
 * environment variables: MARATHON (URL), APP (JSON), OWNER (whose app it is), TIMEOUT (seconds). Prints where the
 * instances answer, as JSON.
 */
import { setTimeout as sleep } from "node:timers/promises";

const { MARATHON = "", APP = "{}", OWNER = "", TIMEOUT = "300" } = process.env;
const ownerLabel = "pulumi-owner";
const app = JSON.parse(APP);
app.labels = { ...app.labels, [ownerLabel]: OWNER };
const url = `${MARATHON}/v2/apps${app.id.replace(/^\/?/, "/")}`;
const deadline = Date.now() + Number(TIMEOUT) * 1000;

try {
  await (process.argv[2] === "remove" ? remove() : deploy());
} catch (error) {
  console.error(`${app.id}: ${/** @type {Error} */ (error).message}`);
  process.exitCode = 1;
}

async function deploy() {
  const owner = ownerOf(await call(url));
  if (owner !== undefined && owner !== OWNER) {
    throw new Error(
      `there is an app of that id on ${MARATHON} already, ${owner ? `which belongs to ${owner}` : "which no stack made"}: ` +
        "choose another id, or remove that app",
    );
  }
  for (;;) {
    const { status, body } = await call(url, { method: "PUT", body: JSON.stringify(app), headers: { "Content-Type": "application/json" } });
    if (status === 200 || status === 201) {
      break;
    }
    // 409: a deployment of the same app is under way.
    if (status !== 409 || Date.now() > deadline) {
      throw new Error(`Marathon answers ${status} ${JSON.stringify(body)}`);
    }
    await sleep(500);
  }
  for (;;) {
    const { body } = await call(`${url}?embed=app.tasks&embed=app.deployments&embed=app.lastTaskFailure`);
    const { tasks = [], deployments = [], instances, healthChecks = [], tasksRunning, tasksHealthy, lastTaskFailure } = body.app ?? {};
    const ready = healthChecks.length > 0 ? tasksHealthy : tasksRunning;
    if (deployments.length === 0 && ready === instances && tasks.length === instances) {
      const urls = tasks.map((/** @type {{ host: string, ports: number[] }} */ { host, ports }) => `http://${host}:${ports[0]}`);
      console.log(JSON.stringify(urls.sort()));
      return;
    }
    if (Date.now() > deadline) {
      throw new Error(`${ready} of ${instances} instances run after ${TIMEOUT} s; last failure: ${lastTaskFailure?.message ?? "none"}`);
    }
    await sleep(250);
  }
}

async function remove() {
  let owner;
  try {
    owner = ownerOf(await call(url));
  } catch (error) {
    // The cluster may go before what runs on it.
    console.error(
      `${app.id}: does not run any more, as ${MARATHON} does not answer (${/** @type {Error} */ (error).message}). ` +
        "It comes back with the cluster if that kept its data, and is then to be removed there",
    );
    return;
  }
  if (owner !== OWNER) {
    console.error(`${app.id}: ${owner === undefined ? "is gone already" : "somebody else's by now, so it stays"}`);
    return;
  }
  const answer = await call(`${url}?force=true`, { method: "DELETE" });
  if (answer.status !== 200 && answer.status !== 404) {
    throw new Error(`Marathon answers ${answer.status} ${JSON.stringify(answer.body)}`);
  }
  while ((await call(url)).status !== 404 || (await deploying(answer.body.deploymentId))) {
    if (Date.now() > deadline) {
      throw new Error(`is still being removed after ${TIMEOUT} s`);
    }
    await sleep(250);
  }
}

/**
 * Whose the app is: "" where it does not say, undefined where there is none.
 * @param {{ status: number, body: any }} answer
 */
function ownerOf({ status, body }) {
  if (status !== 200 && status !== 404) {
    throw new Error(`Marathon answers ${status} ${JSON.stringify(body)}`);
  }
  return status === 404 ? undefined : (body.app.labels?.[ownerLabel] ?? "");
}

/** @param {string | undefined} id */
async function deploying(id) {
  const { body } = await call(`${MARATHON}/v2/deployments`);
  return id !== undefined && body.some((/** @type {{ id: string }} */ deployment) => deployment.id === id);
}

/**
 * @param {string} address
 * @param {RequestInit} [request]
 * @returns {Promise<{ status: number, body: any }>}
 */
async function call(address, request) {
  const response = await fetch(address, { ...request, signal: AbortSignal.timeout(10_000) });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : {} };
}
