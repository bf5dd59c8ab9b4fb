import { setTimeout as sleep } from "node:timers/promises";

const seconds = 120;

/** Asks until the answer is there; fails with what the last question failed with, or said. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    let last: unknown;
    try {
      const answer = await ask();
      if (answer) {
        return answer;
      }
      last = answer;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      throw new Error(`${what}: not within ${seconds} s`, { cause: last });
    }
    await sleep(200);
  }
}
