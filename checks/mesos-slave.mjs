import { json } from "./http.mjs";

/**
 * A slave is usable when the elected master lists it, by the id that the slave itself has, as active. The slave's own
 * `slave/registered` is 1 as soon as it has found a master. Settings: SLAVE and MASTER (URLs), SLAVE_STATE_PATH,
 * SLAVES_PATH.
 * @type {import("./wait.mjs").Check}
 */
export async function ask({ SLAVE, MASTER, SLAVE_STATE_PATH, SLAVES_PATH }, signal) {
  const own = await json(`${SLAVE}${SLAVE_STATE_PATH}`, signal);
  const askedOwn = `${SLAVE}${SLAVE_STATE_PATH}, id`;
  if (own.problem) {
    return { ready: false, asked: askedOwn, answer: own.problem };
  }
  if (!own.value.id) {
    return { ready: false, asked: askedOwn, answer: "no id yet: no master has registered it" };
  }
  const asked = `${MASTER}${SLAVES_PATH}, active of slave ${own.value.id}`;
  const list = await json(`${MASTER}${SLAVES_PATH}`, signal);
  if (list.problem) {
    return { ready: false, asked, answer: list.problem };
  }
  const listed = (list.value.slaves ?? []).find((/** @type {{ id: string }} */ slave) => slave.id === own.value.id);
  if (!listed) {
    return { ready: false, asked, answer: `not among the master's ${(list.value.slaves ?? []).length} slaves` };
  }
  return { ready: listed.active === true, asked, answer: listed.active === true ? `active as ${listed.id}` : "listed, but not active" };
}
