/** A server whose certificates come to their end while it runs, with real connections. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type ClientHttp2Session, connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connect as tlsConnect, type TLSSocket } from "node:tls";
import { parse } from "yaml";

import type { Context } from "#cli/context.ts";
import { adminKubeconfig, introduce } from "#cli/introduction.ts";
import { pathsOf } from "#cli/paths.ts";
import { CLUSTER_VARIABLE } from "#cli/processes.ts";
import { readSettings } from "#cli/settings.ts";
import { HttpTransport } from "#client/http-transport.ts";
import { keepCertificates, LOOK_MS, readTexts } from "#cmd/certificates.ts";
import type { Machine } from "#cmd/main.ts";
import { runProgram } from "#cmd/run-program.ts";
import { runServer } from "#cmd/server.ts";
import { type KubeletServerDeps, startKubeletServer } from "#kubelet/server/server.ts";
import type { Clock } from "#lib/clock.ts";
import { silentLogger } from "#lib/logger.ts";
import { systemRng } from "#lib/rng.ts";
import { systemClock } from "#lib/system-clock.ts";
import { eventually } from "#test/e2e/support/eventually.ts";
import { freePort } from "#test/e2e/support/ports.ts";

const DAY_MS = 86_400_000;
const dir = mkdtempSync(join(tmpdir(), "skiff-certificates-"));
const userFile = join(dir, "home/.kube/config");
const httpsPort = await freePort();
const settings = readSettings(
  { flags: { "data-dir": join(dir, "data"), "https-listen-port": String(httpsPort), "bind-address": "127.0.0.1", "without-controllers": "true" }, file: {} },
  { hostname: "n1", nodeIp: "127.0.0.1" },
);
const { serverTls, agentTls } = pathsOf(settings.dataDir);

/** TLS looks at the machine's clock, so the certificates are issued in the past, and our time comes to the machine's. */
let behindMs = 340 * DAY_MS;
const looks: (() => void)[] = [];
const clock: Clock = {
  ...systemClock,
  now: () => systemClock.now() - behindMs,
  every(periodMs, run) {
    if (periodMs !== LOOK_MS) return systemClock.every(periodMs, run);
    looks.push(run);
    return { cancel() {} };
  },
};
const stop = new AbortController();
const log: string[] = [];
const common = { clock, env: { [CLUSTER_VARIABLE]: settings.dataDir, HOME: join(dir, "home") }, err: (line: string) => void log.push(line) };
const context = { ...common, settings, hostname: "n1" } as unknown as Context;
let running: Promise<number>;
let oldCertificate = "";

const fileOf = (path: string) => new X509Certificate(readFileSync(path));
const shownBy = (session: ClientHttp2Session) => (session.socket as TLSSocket).getPeerX509Certificate()!;

async function open(port = httpsPort): Promise<ClientHttp2Session> {
  const session = connect(`https://127.0.0.1:${port}`, {
    ca: readFileSync(serverTls.ca),
    cert: readFileSync(serverTls.admin),
    key: readFileSync(serverTls.adminKey),
  });
  await once(session, "connect");
  return session;
}

async function statusOf(session: ClientHttp2Session, path: string): Promise<number> {
  const stream = session.request({ ":path": path }).resume();
  const [headers] = (await once(stream, "response")) as [{ ":status": number }];
  await once(stream, "close");
  return headers[":status"];
}

before(async () => {
  const ready = Promise.withResolvers<void>();
  const unused = () => Promise.reject(new Error("not asked for"));
  running = runProgram("server", context, common as unknown as Machine, {
    server: (config, deps) => runServer(config, { ...deps, signal: stop.signal, onReady: ready.resolve }),
    agent: unused,
  });
  await Promise.race([ready.promise, running]);
});
after(async () => {
  stop.abort();
  assert.equal(await running, 0);
  rmSync(dir, { recursive: true });
});

/** The fingerprint of the certificate by which the server knows us. */
async function knownBy(transport: HttpTransport): Promise<string | undefined> {
  const body = JSON.stringify({ apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" });
  const path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
  const headers = { "content-type": "application/json" };
  const review = await transport.json<{ status: { userInfo: { extra: Record<string, string[]> } } }>({ method: "POST", path, headers, body });
  return review.status.userInfo.extra["authentication.kubernetes.io/credential-id"]?.[0]?.replace("X509SHA256=", "");
}

const fingerprintOf = (path: string) => fileOf(path).fingerprint256.replaceAll(":", "").toLowerCase();
const adminTls = () => readTexts({ ca: serverTls.ca, cert: serverTls.admin, key: serverTls.adminKey });

async function lookUntilRenewed(times: number): Promise<void> {
  for (const look of looks) look();
  while (log.filter((line) => line.includes("certificates renewed")).length < times)
    await new Promise((resolve) => systemClock.after(10, () => resolve(undefined)));
}

test("a running server renews what ends within a month, shows it to new connections, and old ones go on", async () => {
  await introduce([userFile], true, context);
  oldCertificate = readFileSync(serverTls.admin).toString("base64");
  const old = await open();
  const transport = new HttpTransport({ server: `https://127.0.0.1:${httpsPort}`, ...adminTls(), clock });
  const before = { serving: fileOf(serverTls.serving).serialNumber, admin: fingerprintOf(serverTls.admin) };
  assert.equal(shownBy(old).serialNumber, before.serving);
  assert.equal(await knownBy(transport), before.admin);

  for (const look of looks) look();
  behindMs = 0;
  const kubeconfig = readFileSync(userFile);
  writeFileSync(userFile, "no: [kubeconfig");
  await lookUntilRenewed(1);
  assert.match(log.join(""), /a kubeconfig could not be given the new certificate/);
  writeFileSync(userFile, kubeconfig);

  assert.notEqual(fileOf(serverTls.serving).serialNumber, before.serving);
  const young = await open();
  assert.equal(shownBy(young).serialNumber, fileOf(serverTls.serving).serialNumber);
  assert.ok(shownBy(young).validToDate.getTime() > systemClock.now() + 360 * DAY_MS);
  for (const session of [old, young]) assert.equal(await statusOf(session, "/api/v1/namespaces"), 200);

  assert.equal(await knownBy(transport), before.admin);
  transport.useTls(adminTls());
  const renewed = await knownBy(transport);
  assert.ok(renewed !== before.admin && renewed === fingerprintOf(serverTls.admin));
  for (const session of [old, young]) session.close();
  transport.close();
});

test("a renewed administrator's certificate comes into every kubeconfig that had the old one, later if not at once", async () => {
  for (const look of looks) look();
  await eventually(() => assert.ok(!readFileSync(userFile, "utf8").includes(oldCertificate)));
  for (const file of [userFile, adminKubeconfig(settings.dataDir)]) {
    const { users } = parse(readFileSync(file, "utf8")) as { users: { user: Record<string, string> }[] };
    assert.equal(Buffer.from(users[0]!.user["client-certificate-data"]!, "base64").toString(), readFileSync(serverTls.admin, "utf8"));
    assert.equal(Buffer.from(users[0]!.user["client-key-data"]!, "base64").toString(), readFileSync(serverTls.adminKey, "utf8"));
  }
});

test("a kubelet's server shows a certificate that somebody else renewed", async () => {
  const files = { cert: agentTls.serving, key: agentTls.servingKey, ca: agentTls.ca };
  const config = { host: "127.0.0.1", port: 0, certFile: files.cert, keyFile: files.key, clientCaFile: files.ca, runDir: join(dir, "run") };
  const unused = { pods: {}, runtime: {}, tasks: { close() {} } } as unknown as Pick<KubeletServerDeps, "pods" | "runtime" | "tasks">;
  const kubelet = await startKubeletServer(config, { ...unused, clock, rng: systemRng, log: silentLogger });
  let use: (() => void) | undefined;
  const own: Clock = { ...clock, every: (_periodMs, run) => ({ cancel: () => void (use = run) }) };
  keepCertificates(
    { clock: own, logger: silentLogger, renewCertificates: async () => {} },
    { files, use: (texts) => kubelet.useTls(texts) },
    readTexts(files),
  ).cancel();
  const shown = async () => {
    const socket = tlsConnect({ host: "127.0.0.1", port: kubelet.port, ...adminTls() });
    await once(socket, "secureConnect");
    const { serialNumber } = socket.getPeerX509Certificate()!;
    socket.destroy();
    return serialNumber;
  };
  const before = await shown();
  behindMs = -340 * DAY_MS;
  try {
    await lookUntilRenewed(2);
  } finally {
    behindMs = 0;
  }
  const issued = fileOf(agentTls.serving);
  assert.notEqual(issued.serialNumber, before);
  use?.();
  // It is not valid yet by the machine's clock, which a client would say; what is shown counts here.
  const again = tlsConnect({ host: "127.0.0.1", port: kubelet.port, ...adminTls(), rejectUnauthorized: false });
  await once(again, "secureConnect");
  assert.equal(again.getPeerX509Certificate()!.serialNumber, issued.serialNumber);
  again.destroy();
  await kubelet.stop();
});
