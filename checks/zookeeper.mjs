import { connect } from "node:net";

/**
 * ZooKeeper serves when `srvr` names its mode. (`ruok` says only that the process lives, and 3.5.3 and later do not
 * answer it by default.) Settings: ADDRESS, PORT.
 * @type {import("./wait.mjs").Check}
 */
export async function ask({ ADDRESS = "", PORT = "" }, signal) {
  const asked = `srvr of ${ADDRESS}:${PORT}`;
  const text = await fourLetterWord("srvr", ADDRESS, Number(PORT), signal);
  const mode = /^Mode: (\w+)$/m.exec(text)?.[1];
  return mode ? { ready: true, asked, answer: `serves as ${mode}` } : { ready: false, asked, answer: text.trim() || "an empty answer" };
}

/**
 * @param {string} word
 * @param {string} host
 * @param {number} port
 * @param {AbortSignal} signal
 * @returns {Promise<string>} the answer, or the error in words
 */
export function fourLetterWord(word, host, port, signal) {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect({ host, port, signal });
    socket.on("connect", () => socket.end(word));
    socket.on("data", (data) => {
      answer += data;
      // Asked before it has read its data, ZooKeeper says so and never ends the connection (seen on 3.8.0).
      if (answer.includes("not currently serving requests")) {
        socket.destroy();
      }
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", (/** @type {NodeJS.ErrnoException} */ error) => resolve(answer || (signal.aborted ? "no answer" : error.code || error.message)));
  });
}
