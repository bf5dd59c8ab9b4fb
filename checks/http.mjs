/**
 * The body at a URL, or why there is none.
 * @param {string} url
 * @param {RequestInit} init
 * @returns {Promise<{ body: string, problem: string, answered: boolean }>} answered: and be it with a refusal
 */
export async function request(url, init) {
  // Where a connection is closed as soon as it is open, fetch waits for the signal (seen on Node 20), and neither of the
  // two keeps the process from ending meanwhile.
  const alive = setInterval(() => {}, 1_000);
  try {
    const response = await fetch(url, { redirect: "manual", ...init });
    const body = await response.text();
    const problem = response.status === 200 ? "" : `HTTP ${response.status} ${body.trim().slice(0, 200)}`.trim();
    return { body: problem ? "" : body, problem, answered: true };
  } catch (error) {
    const { name, message, cause } = /** @type {Error & { cause?: Error & { code?: string } }} */ (error);
    return { body: "", problem: name === "TimeoutError" ? "no answer" : (cause?.code ?? cause?.message ?? message), answered: false };
  } finally {
    clearInterval(alive);
  }
}

/**
 * The JSON at a URL, or why there is none.
 * @param {string} url
 * @param {AbortSignal} signal
 * @param {string} [credentials] user:password, where the other side asks for them
 * @returns {Promise<{ value?: any, problem: string, answered: boolean }>}
 */
export async function json(url, signal, credentials) {
  const { body, problem, answered } = await request(url, { signal, headers: authorization(credentials) });
  if (problem) {
    return { problem, answered };
  }
  try {
    const value = JSON.parse(body);
    return Object(value) === value ? { value, problem: "", answered } : { problem: `an answer of something else: ${body.trim().slice(0, 200)}`, answered };
  } catch (error) {
    return { problem: /** @type {Error} */ (error).message, answered };
  }
}

/**
 * The headers that give a user and a password, where there are any.
 * @param {string} [credentials] user:password
 * @returns {Record<string, string>}
 */
export function authorization(credentials) {
  return credentials ? { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` } : {};
}
