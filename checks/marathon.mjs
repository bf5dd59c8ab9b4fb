import { json } from "./http.mjs";

/**
 * Marathon can place tasks when the framework that it says it is, is active at the elected master. Its `/ping` and
 * `/v2/info` go on as if nothing had happened when that framework was torn down or the master is gone, and after a loss
 * of ZooKeeper's data two frameworks bear the same name. Settings: MARATHON and MASTER (URLs), FRAMEWORKS_PATH.
 * @type {import("./wait.mjs").Check}
 */
export async function ask({ MARATHON, MASTER, FRAMEWORKS_PATH }, signal) {
  const askedOwn = `${MARATHON}/v2/info, frameworkId`;
  const own = await json(`${MARATHON}/v2/info`, signal);
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
  return { ready: listed.active === true, asked, answer: listed.active === true ? `active as ${id}` : "listed, but not active" };
}
