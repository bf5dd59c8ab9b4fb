/** All parts of the set-up, in the order in which one needs the other; what can fail at once comes first. */

import { delimiter } from "node:path";

import { backend, leavingNoSalt, ownStacks } from "./backend.mjs";
import { stackImages } from "./bundle.mjs";
import { passThrough, run } from "./child.mjs";
import { dependencies } from "./dependencies.mjs";
import { dockerEngine } from "./docker-engine.mjs";
import { environment } from "./environment.mjs";
import { alone, readIfThere, writeWhole } from "./files.mjs";
import { buildImages } from "./images.mjs";
import { local, root } from "./paths.mjs";
import { plugins } from "./plugins.mjs";
import { endLeftOver } from "./processes.mjs";
import { pulumiEngine } from "./pulumi-engine.mjs";
import { checkStack, chooseStack, look, rememberedStack, rememberStack, setting, shortName } from "./stack.mjs";
import { Problem, say } from "./terminal.mjs";

/** The Pulumi CLI with its plugins: enough for any command that does not touch Docker. */
export const prepareEngine = () => alone("setup", "is setting things up", engine);

async function engine() {
  await dependencies();
  await endLeftOver();
  const bin = await pulumiEngine();
  const path = [bin, process.env.PATH].filter(Boolean).join(delimiter);
  const home = await plugins(() => ({ ...process.env, PATH: path }));
  return { bin, home };
}

/**
 * Everything that `pulumi up` needs.
 * @param {string | undefined} asked the stack that the person asked for
 * @returns {Promise<{ stack: string, env: NodeJS.ProcessEnv, own: boolean }>} own: whether the backend is the clone's
 */
export const prepareUp = (asked) =>
  alone("setup", "is setting things up", async () => {
    const known = asked ?? rememberedStack();
    if (known !== undefined) {
      checkStack(known);
    }
    await dependencies();
    const dockerHost = await dockerEngine(known && setting(known, "dockerHost"));
    const stack = known ?? (await choose(dockerHost));
    if (known !== undefined) {
      say(`Stack ${stack}, ${asked === undefined ? "as before" : "as asked"} (npm run up -- --stack NAME chooses another)`);
    }
    const { bin, home } = await engine();
    // Where the stack's images are wrong the program says so, together with all else.
    const { folders } = await stackImages(stack, dockerHost).catch(() => ({ folders: [] }));
    for (const folder of folders) {
      await buildImages(folder, dockerHost);
    }
    const env = environment({ bin, home });
    await makeStack(stack, env);
    return { stack, env, own: backend().own };
  });

/** @param {string} dockerHost */
async function choose(dockerHost) {
  const choice = await chooseStack(await look(dockerHost));
  if ("problem" in choice) {
    throw new Problem(choice.problem);
  }
  say(`Stack ${choice.stack}: ${choice.why} (npm run up -- --stack NAME chooses another)`);
  return choice.stack;
}

/**
 * Makes a stack where it is missing, selects it, and remembers it.
 * @param {string} stack with or without organization and project in front
 * @param {NodeJS.ProcessEnv} env
 */
export async function makeStack(stack, env) {
  const { own, name } = backend();
  const selection = `${name} ${stack}`;
  const exists = own ? ownStacks().some((there) => there.name === shortName(stack)) : undefined;
  if (exists !== false && readIfThere(local("selected")) === selection) {
    return;
  }
  const pulumi = (/** @type {string[]} */ ...args) => run(["pulumi", "stack", ...args, "--non-interactive"], { cwd: root, env });
  if (own) {
    await leavingNoSalt(() => (exists ? pulumi("select", stack) : pulumi("init", stack)));
  } else {
    say(`State is kept where you are logged in: ${name}`);
    const selected = await pulumi("select", stack).then(() => true, () => false);
    if (!selected && (await passThrough(["pulumi", "stack", "init", stack], { cwd: root, env })) !== 0) {
      throw new Problem(`The stack ${stack} could not be made there.`);
    }
  }
  writeWhole(local("selected"), selection);
  rememberStack(stack);
}
