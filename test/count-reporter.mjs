/** A reporter of node:test that tells only how many tests passed, failed and were skipped, as JSON. */

/** @param {AsyncIterable<{ type: string, data: any }>} events */
export default async function* countReporter(events) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const { type, data } of events) {
    if ((type === "test:pass" || type === "test:fail") && data.details?.type !== "suite") {
      const skipped = data.skip !== undefined || data.todo !== undefined;
      counts[skipped ? "skipped" : type === "test:pass" ? "passed" : "failed"]++;
    }
  }
  yield JSON.stringify(counts);
}
