/** Every kind of Docker endpoint leads to the daemon: socket, TCP, ssh (a stand-in for the ssh command) and a context of the docker command. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, test } from "node:test";
import { secret, type Properties } from "../../setup/drop-ins/wire";
import { docker, DOCKER_HOST, ignoreMissing, SOCKET } from "./docker-engine";
import { PluginProcess, pulumiHome } from "./plugin-process";

const VOLUME = "endpoints-volume";
const URN = "urn:pulumi:dev::endpoints::docker:index/volume:Volume::it";

let home: Awaited<ReturnType<typeof pulumiHome>>;
let folder: string;

before(async () => {
  home = await pulumiHome();
  folder = mkdtempSync(join(tmpdir(), "endpoints-"));
});

after(async () => {
  await docker.getVolume(VOLUME).remove().catch(ignoreMissing);
  rmSync(folder, { recursive: true, force: true });
  home?.remove();
});

/** Makes a volume and deletes it through an endpoint, and looks for it through another. */
async function works(config: Properties, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const plugin = await PluginProcess.start(home.home, "docker", undefined, env);
  try {
    await plugin.configure(config);
    const { id, properties } = (await plugin.call("Create", { urn: URN, properties: { name: VOLUME } })) as { id: string; properties: Properties };
    assert.equal((await docker.getVolume(VOLUME).inspect()).Name, VOLUME);
    assert.equal((await plugin.call("Read", { urn: URN, id, properties, inputs: { name: VOLUME } })).id, VOLUME);
    await plugin.call("Delete", { urn: URN, id, properties });
    await assert.rejects(docker.getVolume(VOLUME).inspect(), { statusCode: 404 });
  } finally {
    await plugin.stop();
  }
}

test("a socket, given or from the environment", async () => {
  await works({ host: DOCKER_HOST });
  await works({}, { DOCKER_HOST });
});

test("the program's host wins over the environment's", () => works({ host: DOCKER_HOST }, { DOCKER_HOST: "tcp://127.0.0.1:9", DOCKER_TLS_VERIFY: "1" }));

test("TCP", async () => {
  const server = createServer((client) => {
    const daemon = connect(SOCKET);
    client.pipe(daemon).pipe(client);
    for (const end of [client, daemon]) end.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await works({ host: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` });
  } finally {
    server.close();
  }
});

test("ssh runs the ssh command with the given options, and its complaint is the error", async () => {
  const said = join(folder, "arguments");
  const bridge = `const s=require("net").connect(${JSON.stringify(SOCKET)});process.stdin.pipe(s).pipe(process.stdout)`;
  const ssh = join(folder, "ssh");
  const env = { PATH: `${folder}${delimiter}${process.env.PATH}` };
  writeFileSync(ssh, `#!/bin/sh\necho "$@" >> '${said}'\nexec '${process.execPath}' -e '${bridge}'\n`);
  chmodSync(ssh, 0o755);
  await works({ host: "ssh://me@example.test:2222", sshOpts: '["-o","BatchMode=yes"]' }, env);
  assert.equal(readFileSync(said, "utf8").split("\n")[0], "-o BatchMode=yes -l me -p 2222 -- example.test docker system dial-stdio");
  writeFileSync(ssh, "#!/bin/sh\necho no such host >&2\nexit 255\n");
  await assert.rejects(works({ host: "ssh://example.test" }, env), /ssh ended with 255: no such host/);
});

test("a pull shows an image's registry the credentials for it, and no other registry any", async () => {
  const shown: [image: string | null, auth: unknown][] = [];
  const engine = createHttpServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://engine");
    if (pathname !== "/images/create") return void response.writeHead(404, { "content-type": "application/json" }).end('{"message":"no such image"}');
    const auth = request.headers["x-registry-auth"];
    // The engine takes base64 in the letters of URLs only.
    assert.doesNotMatch(String(auth), /[+/]/);
    shown.push([searchParams.get("fromImage"), auth && JSON.parse(Buffer.from(String(auth), "base64url").toString())]);
    response.writeHead(500, { "content-type": "application/json" }).end('{"message":"seen enough"}');
  });
  await new Promise<void>((resolve) => engine.listen(0, "127.0.0.1", resolve));
  const plugin = await PluginProcess.start(home.home, "docker");
  try {
    const registryAuth = [
      { address: "registry.test:5000", username: "u", password: "pässword?>~/+1" },
      { address: "https://other.test/v1/", username: "o", password: "p" },
      { address: "open.test", authDisabled: true },
    ];
    await plugin.configure({ host: `tcp://127.0.0.1:${(engine.address() as AddressInfo).port}`, registryAuth: secret(JSON.stringify(registryAuth)) });
    for (const name of ["registry.test:5000/mirror/a:1", "other.test/a:1", "open.test/a:1", "registry.test/a:1", "a:1"]) {
      const urn = "urn:pulumi:dev::endpoints::docker:index/remoteImage:RemoteImage::it";
      await assert.rejects(plugin.call("Create", { urn, properties: { name } }), (error: Error) => /seen enough/.test(error.message) && !/word/.test(error.message));
    }
  } finally {
    await plugin.stop();
    engine.close();
  }
  assert.deepEqual(shown, [
    ["registry.test:5000/mirror/a", { username: "u", password: "pässword?>~/+1", serveraddress: "registry.test:5000" }],
    ["other.test/a", { username: "o", password: "p", serveraddress: "https://other.test/v1/" }],
    ["open.test/a", undefined],
    ["registry.test/a", undefined],
    ["a", undefined],
  ]);
});

test("a context of the docker command", async () => {
  const meta = join(folder, "contexts/meta", createHash("sha256").update("mine").digest("hex"));
  mkdirSync(meta, { recursive: true });
  writeFileSync(join(meta, "meta.json"), JSON.stringify({ Name: "mine", Endpoints: { docker: { Host: DOCKER_HOST } } }));
  await works({ context: "mine", host: "tcp://127.0.0.1:9" }, { DOCKER_CONFIG: folder });
  await assert.rejects(works({ context: "other" }, { DOCKER_CONFIG: folder }), /the Docker context "other" cannot be read/);
});
