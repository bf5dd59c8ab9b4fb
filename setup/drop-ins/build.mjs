// @ts-check
/** Bundles each drop-in into one file, so that it starts fast and needs no node_modules where it is installed. */
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

/** Every drop-in: the official plugin's name and the version in whose place it stands. */
export const PLUGINS = [
  { name: "docker", version: "5.2.0" },
  { name: "command", version: "1.2.1" },
];

/**
 * Parts of the Docker client that no drop-in uses and that would load files or native code of their own: building images
 * with BuildKit, and an ssh that ignores the user's configuration.
 * @type {import("esbuild").Plugin}
 */
const leaveOut = {
  name: "leave-out",
  setup(build) {
    build.onResolve({ filter: /^(\.\/session|\.\/buildkit|\.\/ssh)$/ }, ({ path, importer }) =>
      /dockerode|docker-modem/.test(importer) ? { path, namespace: "left-out" } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: "left-out" }, () => ({ contents: "module.exports = () => { throw new Error('left out of the drop-in'); };" }));
  },
};

/**
 * Bundles all drop-ins.
 * @param {string} outDir folder for `<name>.js`; made if it is missing
 * @returns {Promise<void>}
 */
export async function build(outDir) {
  const { build: bundle } = await import("esbuild");
  await mkdir(outDir, { recursive: true });
  await bundle({
    entryPoints: PLUGINS.map(({ name }) => join(here, `${name}.ts`)),
    outdir: outDir,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "linked",
    plugins: [leaveOut],
    logLevel: "warning",
  });
}
