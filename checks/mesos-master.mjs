import { json } from "./http.mjs";

/**
 * A master is usable when it is elected, which only `master/elected` tells: `/master/health` is 200 before any
 * election, and `/redirect` can name a master that nobody has elected. Settings: MASTER, the master's URL.
 * @type {import("./wait.mjs").Check}
 */
export async function ask({ MASTER }, signal) {
  const url = `${MASTER}/metrics/snapshot`;
  const asked = `${url}, master/elected`;
  const { value, problem } = await json(url, signal);
  if (problem) {
    return { ready: false, asked, answer: problem };
  }
  const elected = value["master/elected"] === 1;
  return { ready: elected, asked, answer: elected ? "is elected" : `not elected (master/elected is ${value["master/elected"]})` };
}
