/**
 * The body at a URL, or why there is none.
 * @param {string} url
 * @param {RequestInit} init
 * @returns {Promise<{ body: string, problem: string }>}
 */
export async function request(url, init) {
  try {
    const response = await fetch(url, { redirect: "manual", ...init });
    const body = await response.text();
    return response.status === 200 ? { body, problem: "" } : { body: "", problem: `HTTP ${response.status} ${body.trim().slice(0, 200)}`.trim() };
  } catch (error) {
    const { name, message, cause } = /** @type {Error & { cause?: Error & { code?: string } }} */ (error);
    return { body: "", problem: name === "TimeoutError" ? "no answer" : (cause?.code ?? cause?.message ?? message) };
  }
}

/**
 * The JSON at a URL, or why there is none.
 * @param {string} url
 * @param {AbortSignal} signal
 * @returns {Promise<{ value?: any, problem: string }>}
 */
export async function json(url, signal) {
  const { body, problem } = await request(url, { signal });
  if (problem) {
    return { problem };
  }
  try {
    const value = JSON.parse(body);
    return Object(value) === value ? { value, problem: "" } : { problem: `an answer of something else: ${body.trim().slice(0, 200)}` };
  } catch (error) {
    return { problem: /** @type {Error} */ (error).message };
  }
}
