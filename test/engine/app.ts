import assert from "node:assert/strict";

import { testImage } from "./docker";
import { eventually } from "./eventually";

/** What one of the cluster's APIs answers. */
export const get = async (url: string) => (await fetch(url)).json() as Promise<any>;

/** An app that answers on a port that the slave gives it. */
export const web = { cmd: "cd /usr && exec python3 -m http.server --bind $HOST $PORT0", mem: 64, ports: [0] };

/**
 * Posts an app to Marathon, and waits until it runs.
 * @param app what differs from one container that sleeps
 * @returns its task
 */
export async function startApp(marathonUrl: string, id: string, app: object = {}): Promise<any> {
  const container = { type: "DOCKER", docker: { image: testImage, network: "HOST" } };
  const response = await fetch(`${marathonUrl}/v2/apps`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ id, cmd: "exec sleep 3600", cpus: 0.1, mem: 32, instances: 1, container, ...app }),
  });
  assert.equal(response.status, 201, await response.text());
  return runningTask(marathonUrl, id);
}

/** Waits until the app has a task that runs. */
export function runningTask(marathonUrl: string, id: string): Promise<any> {
  return eventually(`a running task of ${id}`, async () => {
    const { tasks } = await get(`${marathonUrl}/v2/apps${id}/tasks`);
    return tasks.find(({ state }: any) => state === "TASK_RUNNING");
  });
}

/** What a cluster knows of itself and of an app with one task. */
export interface Known {
  readonly framework: string;
  readonly slave: string;
  readonly task: string;
  readonly startedAt: string;
}

/** False until framework and slave are active and the task runs. */
export async function knownTo({ mesosUrl, marathonUrl }: { mesosUrl: string; marathonUrl: string }, app: string): Promise<Known | false> {
  const [{ frameworks }, { slaves }, { tasks }] = await Promise.all([
    get(`${mesosUrl}/master/frameworks`),
    get(`${mesosUrl}/master/slaves`),
    get(`${marathonUrl}/v2/apps${app}/tasks`),
  ]);
  const [framework, slave, task] = [frameworks.find(({ active }: any) => active), slaves.find(({ active }: any) => active), tasks[0]];
  return framework && slave && task?.state === "TASK_RUNNING" && { framework: framework.id, slave: slave.id, task: task.id, startedAt: task.startedAt };
}
