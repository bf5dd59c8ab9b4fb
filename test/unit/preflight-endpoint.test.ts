/** What is said of a Docker Engine that does not answer over TLS or ssh: asked of real servers on 127.0.0.1. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, createServer as createTcpServer, type Server as TcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test, type TestContext } from "node:test";

import * as Ssh from "ssh2";

import { readConfiguration } from "../../configuration";
import { judge } from "../../preflight/judge";
import { look } from "../../preflight/look";
import { FakeEngine } from "./fake-engine";
import { defaults } from "./pulumi-yaml";

const folder = mkdtempSync(join(tmpdir(), "certificates-"));
const file = (name: string) => join(folder, name);
const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: ["ignore", "pipe", "pipe"] });
let engine: FakeEngine;

/** A folder for DOCKER_CERT_PATH, with a key of its own that `ca` has signed for `subject`. */
function certificate(name: string, ca: string, subject: string) {
  execFileSync("mkdir", ["-p", file(name)]);
  const [key, request, cert] = ["key.pem", "request.pem", "cert.pem"].map((part) => join(folder, name, part));
  openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request, "-subj", "/CN=docker");
  writeFileSync(join(folder, name, "extensions"), `subjectAltName=${subject}\n`);
  openssl("x509", "-req", "-in", request, "-CA", file(`${ca}.pem`), "-CAkey", file(`${ca}.key`), "-CAcreateserial", "-out", cert, "-extfile", join(folder, name, "extensions"), "-days", "2");
  writeFileSync(join(folder, name, "ca.pem"), readFileSync(file(`${ca}.pem`)));
}

before(async () => {
  engine = await FakeEngine.start();
  for (const ca of ["ca", "other-ca"]) {
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file(`${ca}.key`), "-out", file(`${ca}.pem`), "-days", "2", "-subj", `/CN=${ca}`);
  }
  certificate("server", "ca", "IP:127.0.0.1");
  certificate("elsewhere", "ca", "DNS:docker.example");
  certificate("client", "ca", "DNS:client");
  certificate("stranger", "other-ca", "DNS:client");
});
after(async () => {
  await engine.stop();
  rmSync(folder, { recursive: true });
});

/** Serves what the fake engine does, at a port of its own. */
async function serve(t: TestContext, make: (handler: Parameters<typeof createServer>[1]) => Server): Promise<string> {
  const server = make((request, response) => {
    const upstream = connect(engine.socket);
    upstream.write(`${request.method} ${request.url} HTTP/1.0\r\nHost: docker\r\n\r\n`);
    const chunks: Buffer[] = [];
    upstream.on("data", (chunk) => chunks.push(chunk));
    upstream.on("end", () => response.setHeader("content-type", "application/json").end(Buffer.concat(chunks).toString().split("\r\n\r\n").slice(1).join("")));
  });
  t.after(() => server.closeAllConnections());
  return listening(t, server);
}

/** Lets a server listen; with `close` only to find a port that is free. */
async function listening(t: TestContext, server: TcpServer, { close = false } = {}): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  if (close) {
    await new Promise((resolve) => server.close(resolve));
  } else {
    t.after(() => void server.close());
  }
  return `tcp://127.0.0.1:${port}`;
}

const tls = (certificate: string) => (handler: Parameters<typeof createServer>[1]) =>
  createTlsServer(
    {
      key: readFileSync(join(folder, certificate, "key.pem")),
      cert: readFileSync(join(folder, certificate, "cert.pem")),
      ca: readFileSync(file("ca.pem")),
      requestCert: true,
      rejectUnauthorized: true,
    },
    handler,
  );

/** Why an Engine does not answer, or an empty text where it does. */
async function said(t: TestContext, dockerHost: string, environment: Record<string, string | undefined> = {}): Promise<string> {
  const all = { DOCKER_HOST: undefined, DOCKER_TLS_VERIFY: undefined, DOCKER_CERT_PATH: undefined, SSH_AUTH_SOCK: undefined, ...environment };
  const before = Object.fromEntries(Object.keys(all).map((name) => [name, process.env[name]]));
  const set = (values: Record<string, string | undefined>) =>
    Object.entries(values).forEach(([name, value]) => (value === undefined ? delete process.env[name] : (process.env[name] = value)));
  set(all);
  t.after(() => set(before));
  const values: Record<string, string> = { ...defaults(), imageSet: "rehearsal", dockerHost };
  const { configuration, problems } = readConfiguration((key) => values[key], Object.keys(values), () => "");
  assert.deepEqual(problems, []);
  const seen = await look(configuration);
  if (seen.engine) {
    assert.equal(seen.engine.withoutTls, dockerHost.startsWith("tcp:") && !environment.DOCKER_TLS_VERIFY);
    return "";
  }
  const [{ name, text }] = judge(configuration, seen, { project: "mesos-marathon", stack: "dev" });
  assert.equal(name, "engine-unreachable");
  const [, cause] = /^the Docker Engine at \S+ does not answer; (.*)\. Another Engine: /s.exec(text) ?? [];
  return cause.replaceAll(folder, "FOLDER");
}

test("a socket that the stack names goes before a DOCKER_HOST of another kind", async (t) => {
  const engine = await FakeEngine.start();
  t.after(() => engine.stop());
  for (const DOCKER_HOST of ["tcp://127.0.0.1:1", "ssh://127.0.0.1:1"]) {
    assert.equal(await said(t, engine.dockerHost, { DOCKER_HOST }), "");
  }
});

const with_ = (name: string) => ({ DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: file(name) });

test("over TLS", async (t) => {
  await t.test("with the right certificates it answers", async (t) => assert.equal(await said(t, await serve(t, tls("server")), with_("client")), ""));

  const cases: Record<string, [server: string, environment: Record<string, string>, cause: string]> = {
    "no certificate is shown": ["server", { DOCKER_TLS_VERIFY: "1" }, "its certificate was signed by nobody whom ca.pem in DOCKER_CERT_PATH names: take the ca.pem of that Engine"],
    "the folder is not there": ["server", with_("nowhere"), "there is no FOLDER/nowhere/ca.pem: DOCKER_CERT_PATH must be a folder with ca.pem, cert.pem and key.pem for that Engine"],
    "another CA": ["server", with_("stranger"), "its certificate was signed by nobody whom ca.pem in DOCKER_CERT_PATH names: take the ca.pem of that Engine"],
    "another name": ["elsewhere", with_("client"), "its certificate is for another name (IP: 127.0.0.1 is not in the cert's list): name the Engine as its certificate does"],
  };
  for (const [what, [server, environment, cause]] of Object.entries(cases)) {
    await t.test(what, async (t) => assert.equal(await said(t, await serve(t, tls(server)), environment), cause));
  }

  await t.test("without it, where it asks for none", async (t) => assert.equal(await said(t, await serve(t, createServer)), ""));

  await t.test("no TLS is spoken to it", async (t) => {
    // As the TLS server of Go, and so the Docker Engine, answers.
    const server = createTcpServer((socket) => socket.once("data", () => socket.end("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")));
    assert.equal(
      await said(t, await listening(t, server)),
      "it asks for TLS: set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to a folder with ca.pem, cert.pem and key.pem",
    );
  });

  await t.test("a certificate that it does not know", async (t) => {
    certificate("unknown", "other-ca", "DNS:client");
    writeFileSync(file("unknown/ca.pem"), readFileSync(file("ca.pem")));
    // Node's own server hangs up without the alert that others send.
    const port = new URL(await listening(t, createTcpServer(), { close: true })).port;
    const keys = ["-cert", file("server/cert.pem"), "-key", file("server/key.pem"), "-CAfile", file("ca.pem")];
    const server = spawn("openssl", ["s_server", "-accept", `127.0.0.1:${port}`, ...keys, "-Verify", "1", "-verify_return_error", "-www"], { stdio: ["ignore", "pipe", "ignore"] });
    t.after(() => server.kill());
    await new Promise((resolve) => server.stdout.on("data", (text) => String(text).includes("ACCEPT") && resolve(undefined)));
    assert.equal(
      await said(t, `tcp://127.0.0.1:${port}`, with_("unknown")),
      "it refuses the certificate that it is shown, or asks for one: DOCKER_CERT_PATH must be a folder with cert.pem and key.pem signed by its CA",
    );
  });

  await t.test("a key of another certificate", async (t) => {
    certificate("mixed", "ca", "DNS:client");
    writeFileSync(file("mixed/key.pem"), readFileSync(file("client/key.pem")));
    assert.equal(await said(t, await serve(t, tls("server")), with_("mixed")), "cert.pem and key.pem in DOCKER_CERT_PATH do not belong together: take both from the same place");
  });

  await t.test("TLS is spoken to one that does not", async (t) =>
    assert.equal(
      await said(t, await serve(t, createServer), with_("client")),
      "it does not speak TLS on that port: name the port that does (2376, as a rule), or unset DOCKER_TLS_VERIFY and DOCKER_CERT_PATH",
    ));
});

test("over ssh", { skip: !existsSync("/usr/bin/ssh") && "there is no ssh" }, async (t) => {
  const keygen = (name: string) => execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file(name)]);
  ["host-key", "user-key"].forEach(keygen);
  // The person's own settings, in a file of the test's: ssh finds them by the person's entry in /etc/passwd.
  writeFileSync(file("ssh"), `#!/bin/sh\nexec /usr/bin/ssh -F none -i ${file("user-key")} -o IdentitiesOnly=yes -o UserKnownHostsFile=${file("known_hosts")} "$@"\n`, { mode: 0o755 });
  const environment = { PATH: `${folder}:${process.env.PATH}` };
  const at = (dockerHost: string) => `ssh -p ${new URL(dockerHost).port} me@127.0.0.1 docker version`;

  /** A server that lets everybody in, or nobody, and runs the one command that Docker asks for. */
  const sshd = async (t: TestContext, { lets = true, docker = true, known = true }) => {
    const server = new Ssh.Server({ hostKeys: [readFileSync(file("host-key"))] }, (client: any) => {
      client.on("error", () => {});
      client.on("authentication", (attempt: any) => (lets && attempt.method !== "none" ? attempt.accept() : attempt.reject(["publickey"])));
      client.on("ready", () =>
        client.on("session", (accept: any) =>
          accept().on("exec", (accept: any, _: any, { command }: { command: string }) => {
            assert.equal(command, "docker system dial-stdio");
            const channel = accept();
            if (docker) {
              channel.pipe(connect(engine.socket)).pipe(channel);
            } else {
              channel.exit(127);
              channel.end();
            }
          })));
    });
    const { port } = new URL(await listening(t, server));
    writeFileSync(file("known_hosts"), known ? `[127.0.0.1]:${port} ${readFileSync(file("host-key.pub"), "utf8")}` : "");
    return `ssh://me@127.0.0.1:${port}`;
  };
  await t.test("it answers", async (t) => assert.equal(await said(t, await sshd(t, {}), environment), ""));
  await t.test("at an IPv6 address, which ssh takes without brackets", async (t) => {
    const echo = mkdtempSync(file("echo-"));
    writeFileSync(join(echo, "ssh"), '#!/bin/sh\necho "$@" >&2\nexit 255\n', { mode: 0o755 });
    assert.equal(
      await said(t, "ssh://me@[::1]:22", { PATH: `${echo}:${process.env.PATH}` }),
      "ssh ended with 255: -o BatchMode=yes -l me -p 22 -- ::1 docker system dial-stdio: try ssh -p 22 me@::1 docker version",
    );
  });
  await t.test("an unknown host", async (t) => {
    const dockerHost = await sshd(t, { known: false });
    assert.equal(await said(t, dockerHost, environment), `its ssh key is not in known_hosts, or another one is: compare it, with ${at(dockerHost)}`);
  });
  await t.test("a key that it does not take", async (t) => {
    const dockerHost = await sshd(t, { lets: false });
    assert.equal(await said(t, dockerHost, environment), `ssh does not let you in without a question: ssh-copy-id, or ssh-add, until it answers to ${at(dockerHost)}`);
  });
  await t.test("no docker there", async (t) =>
    assert.equal(await said(t, await sshd(t, { docker: false }), environment), "there is no docker command for ssh to run: install Docker's client there"));
  await t.test("nobody listens", async (t) => {
    const dockerHost = (await listening(t, createTcpServer(), { close: true })).replace("tcp://", "ssh://me@");
    assert.equal(await said(t, dockerHost, environment), "no ssh server answers there (Connection refused)");
  });
  await t.test("no ssh here", async (t) =>
    assert.equal(await said(t, "ssh://me@127.0.0.1", { PATH: file("client") }), "there is no ssh on this machine: install one (apt install openssh-client)"));
});
