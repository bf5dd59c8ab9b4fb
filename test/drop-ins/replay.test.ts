/** The same Check and Diff for the same request as the official plugins gave, but for the deviations that are listed. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PluginProcess, pulumiHome, type Method } from "./plugin-process";
import { deviations, logicalName, pluginOf, recordings, type Exchange } from "./recordings";
import type { Properties } from "../../setup/drop-ins/wire";

/** How many of each the recordings hold: fewer would mean that something was not replayed. */
const RECORDED = { Check: 261, Diff: 272, CheckConfig: 80, DiffConfig: 76 };

let home: Awaited<ReturnType<typeof pulumiHome>>;
const plugins = {} as { docker: PluginProcess; command: PluginProcess };

before(async () => {
  home = await pulumiHome();
  plugins.docker = await PluginProcess.start(home.home, "docker");
  plugins.command = await PluginProcess.start(home.home, "command");
  await plugins.docker.configure({ host: "unix:///nowhere.sock" });
  await plugins.command.configure({});
});

after(async () => {
  await Promise.all(Object.values(plugins).map((plugin) => plugin.stop()));
  home?.remove();
});

const used = new Set<string>();

/** The recorded answer, changed as the deviations that apply say. */
function expected(exchange: Exchange): Properties {
  let answer: Properties = { ...exchange.response };
  for (const { id, recorded = [] } of deviations()) {
    for (const { steps, method, resource, answer: instead } of recorded) {
      if (!steps.includes(exchange.step) || method !== exchange.method || resource !== logicalName(exchange)) continue;
      const changed = { ...answer, ...instead };
      answer = Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== null));
      for (const step of steps.filter((one) => one === exchange.step)) used.add(`${id} ${step} ${method} ${resource}`);
    }
  }
  return answer;
}

for (const method of ["CheckConfig", "DiffConfig", "Check", "Diff"] as const) {
  test(`every recorded ${method} is answered as the official plugins answered it`, async () => {
    const exchanges = recordings().filter((exchange) => exchange.method === method);
    assert.equal(exchanges.length, RECORDED[method]);
    for (const exchange of exchanges) {
      const plugin = plugins[pluginOf(exchange)];
      const where = `${exchange.step} ${method} ${logicalName(exchange)}`;
      if (exchange.errors) {
        assert.match(exchange.errors[0] ?? "", /Unimplemented/, where);
        await assert.rejects(plugin.call(method as Method, exchange.request), { code: 12 }, where);
      } else {
        assert.deepEqual(await plugin.call(method as Method, exchange.request), expected(exchange), where);
      }
    }
  });
}

test("every deviation was met in each step that it names, and says why where it names none", () => {
  for (const { id, recorded = [], notReplayed } of deviations()) {
    assert.ok(recorded.length > 0 || notReplayed, `${id} names no recorded step and does not say why`);
    for (const { steps, method, resource } of recorded) {
      if (!(method in RECORDED)) continue;
      for (const step of steps) assert.ok(used.has(`${id} ${step} ${method} ${resource}`), `${id} was not met in ${step}`);
    }
  }
});
