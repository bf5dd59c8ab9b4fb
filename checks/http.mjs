/**
 * The JSON at a URL, or why there is none.
 * @param {string} url
 * @param {AbortSignal} signal
 * @returns {Promise<{ value?: any, problem: string }>}
 */
export async function json(url, signal) {
  try {
    const response = await fetch(url, { signal, redirect: "manual" });
    const body = await response.text();
    if (response.status !== 200) {
      return { problem: `HTTP ${response.status} ${body.trim().slice(0, 200)}`.trim() };
    }
    const value = JSON.parse(body);
    return Object(value) === value ? { value, problem: "" } : { problem: `an answer of something else: ${body.trim().slice(0, 200)}` };
  } catch (error) {
    const { name, message, cause } = /** @type {Error & { cause?: Error & { code?: string } }} */ (error);
    return { problem: name === "TimeoutError" ? "no answer" : (cause?.code ?? cause?.message ?? message) };
  }
}
