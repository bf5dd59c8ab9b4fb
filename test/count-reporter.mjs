/** A reporter of node:test that tells how many tests passed, failed and were skipped, and what each failed one says, as JSON. */

/** @param {AsyncIterable<{ type: string, data: any }>} events */
export default async function* countReporter(events) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  /** @type {string[]} */
  const failures = [];
  for await (const { type, data } of events) {
    if ((type === "test:pass" || type === "test:fail") && data.details?.type !== "suite") {
      const skipped = data.skip !== undefined || data.todo !== undefined;
      counts[skipped ? "skipped" : type === "test:pass" ? "passed" : "failed"]++;
      if (type === "test:fail" && !skipped) {
        const { error } = data.details;
        failures.push(`${data.name}\n${(error.cause ?? error).stack ?? error.message}`);
      }
    }
  }
  yield JSON.stringify({ counts, failures });
}
