import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, test } from "node:test";
import type { Clock } from "#lib/clock.ts";
import { SimClock } from "#lib/sim-clock.ts";
import { pathsOf } from "../paths.ts";
import { readSettings } from "../settings.ts";
import { ensurePki, isPkiGood, requireAgentPki } from "./ensure.ts";

const dir = mkdtempSync(join(tmpdir(), "skiff-pki-"));
after(() => rmSync(dir, { recursive: true }));

const settingsFor = (flags: Record<string, string>) =>
  readSettings({ flags: { "data-dir": dir, ...flags }, file: {} }, { hostname: "Host-1", nodeIp: "192.0.2.7" });
const settings = settingsFor({});
const { serverTls, agentTls } = pathsOf(dir);
const parse = (file: string) => new X509Certificate(readFileSync(file));
const clockAt = (epochMs: number): Clock => new SimClock(epochMs);
const START = Date.parse("2026-01-01T00:00:00Z");

test("requireAgentPki() names what is missing", () => {
  assert.throws(() => requireAgentPki(settings), { id: "SKF-1401" });
});

test("ensurePki() makes a CA and certificates with the subjects that authorization knows", async () => {
  const written = await ensurePki(settings, "Host-1", clockAt(START));
  assert.equal(written.length, 18);
  const ca = parse(serverTls.ca);
  assert.ok(ca.ca);
  for (const [file, subject] of [
    [serverTls.serving, "CN=kube-apiserver"],
    [serverTls.admin, "O=system:masters\nCN=kubernetes-admin"],
    [serverTls.kubeletClient, "O=system:masters\nCN=kube-apiserver-kubelet-client"],
    [agentTls.client, "O=system:nodes\nCN=system:node:host-1"],
    [agentTls.serving, "O=system:nodes\nCN=system:node:host-1"],
  ] as const) {
    const certificate = parse(file);
    assert.equal(certificate.subject, subject);
    assert.ok(certificate.verify(ca.publicKey) && certificate.checkIssued(ca), file);
    assert.ok(certificate.checkPrivateKey(createPrivateKey(readFileSync(file.replace(/crt$/, "key")))), file);
    assert.equal(statSync(file.replace(/crt$/, "key")).mode & 0o777, 0o600);
  }
  requireAgentPki(settings);
});

test("ensurePki() names every address of the API in its certificate", () => {
  const certificate = parse(serverTls.serving);
  for (const host of ["localhost", "host-1", "kubernetes", "kubernetes.default.svc.cluster.local"]) assert.equal(certificate.checkHost(host), host);
  for (const address of ["127.0.0.1", "192.0.2.7", "10.43.0.1"]) assert.equal(certificate.checkIP(address), address);
  assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.1"]);
});

test("ensurePki() leaves good files alone, and issues anew what ends soon or names another address", async () => {
  const later = (days: number) => clockAt(START + days * 86_400_000);
  assert.deepEqual(await ensurePki(settings, "Host-1", later(300)), []);
  const moved = settingsFor({ "node-ip": "192.0.2.8" });
  assert.deepEqual(await ensurePki(moved, "Host-1", later(300)), [serverTls.servingKey, serverTls.serving, agentTls.servingKey, agentTls.serving]);
  assert.equal((await ensurePki(moved, "Host-1", later(350))).length, 8);
});

const all = () =>
  readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(crt|key)$/.test(file))
    .sort();
const contents = () => new Map(all().map((file) => [file, readFileSync(join(dir, file), "utf8")]));

/** The cluster's files, with one of them damaged for the time of `look`. */
async function withDamage(
  file: string,
  damage: (text: string) => string | undefined,
  look: (before: ReadonlyMap<string, string>) => Promise<void>,
): Promise<void> {
  const before = contents();
  const text = damage(before.get(file) as string);
  if (text === undefined) rmSync(join(dir, file));
  else writeFileSync(join(dir, file), text);
  try {
    await look(before);
  } finally {
    for (const [name, old] of before) writeFileSync(join(dir, name), old);
  }
}

const DAMAGES = {
  missing: () => undefined,
  empty: () => "",
  "half written": (text: string) => text.slice(0, text.length / 2),
  garbage: () => "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n",
} as const;

for (const [name, damage] of Object.entries(DAMAGES)) {
  test(`ensurePki() makes again what is ${name} and can be, and nothing else; keys that others trust are never replaced`, async () => {
    await ensurePki(settings, "Host-1", clockAt(START));
    assert.equal(all().length, 18);
    for (const file of all()) {
      await withDamage(file, damage, async (before) => {
        assert.ok(!isPkiGood(settings, "Host-1", clockAt(START)), file);
        const replaceable = !/tls\/ca\.key|service-account\.key/.test(file) || (name === "missing" && file.includes("service-account"));
        if (!replaceable) {
          await assert.rejects(ensurePki(settings, "Host-1", clockAt(START)), { id: "SKF-1105", message: new RegExp(file) }, file);
          for (const [other, text] of contents()) if (other !== file) assert.equal(text, before.get(other), other);
          return;
        }
        // The front proxy's authority is nobody's but the server's: it is made anew whole.
        const pair = file.includes("front-proxy-ca")
          ? [...before.keys()].filter((each) => each.includes("front-proxy"))
          : [file.replace(/key$/, "crt"), file.replace(/crt$/, "key")];
        const written = (await ensurePki(settings, "Host-1", clockAt(START))).map((path) => relative(dir, path));
        assert.ok(written.includes(file) && written.every((path) => pair.includes(path)), `${file}: ${written.join(" ")}`);
        assert.ok(isPkiGood(settings, "Host-1", clockAt(START)), file);
        if (file.includes("tls/ca.crt")) assert.equal(readFileSync(join(dir, file), "utf8"), before.get(file));
      });
    }
  });
}

test("ensurePki() makes the CA's certificate from its key when both copies are lost, and what was issued stays good", async () => {
  await withDamage(
    "server/tls/ca.crt",
    () => "",
    async () => {
      writeFileSync(agentTls.ca, "");
      assert.deepEqual(await ensurePki(settings, "Host-1", clockAt(START)), [serverTls.ca, agentTls.ca]);
    },
  );
});

test("ensurePki() refuses a CA's key that is not its certificate's", async () => {
  await withDamage(
    "server/tls/ca.key",
    () => readFileSync(serverTls.adminKey, "utf8"),
    async () => {
      await assert.rejects(ensurePki(settings, "Host-1", clockAt(START)), { id: "SKF-1105", message: /ca\.key does not fit/ });
    },
  );
});

test("ensurePki() finishes what a first start that was cut off at any file has begun", async () => {
  const whole = contents();
  const order = ["server/tls/ca.key", "server/tls/ca.crt", "server/tls/service-account.key", "agent/tls/ca.crt", "server/tls/serving.key"];
  try {
    for (let count = 1; count <= order.length; count++) {
      for (const file of all()) rmSync(join(dir, file));
      for (const file of order.slice(0, count)) writeFileSync(join(dir, file), whole.get(file) as string);
      await ensurePki(settings, "Host-1", clockAt(START));
      assert.ok(isPkiGood(settings, "Host-1", clockAt(START)), String(count));
    }
  } finally {
    for (const [name, old] of whole) writeFileSync(join(dir, name), old);
  }
});

test("ensurePki() issues anew what is not valid yet, and says so when the clock is before or after the cluster's time", async () => {
  const day = 86_400_000;
  await ensurePki(settings, "Host-1", clockAt(START));
  await ensurePki(settings, "Host-1", clockAt(START + 400 * day));
  const certificate = parse(serverTls.serving);
  assert.ok(certificate.validFromDate.getTime() > START + 300 * day);
  assert.equal((await ensurePki(settings, "Host-1", clockAt(START))).length, 12);
  assert.ok(parse(serverTls.serving).validFromDate.getTime() <= START);
  await assert.rejects(ensurePki(settings, "Host-1", clockAt(START - day)), {
    id: "SKF-1004",
    message: /says 2025-12-31T00:00:00Z, but the cluster was made on 2025-12-31T23:55:00Z/,
  });
  await assert.rejects(ensurePki(settings, "Host-1", clockAt(START + 3660 * day)), { id: "SKF-1004", message: /ended on/ });
});

test("ensurePki() lets certificates end with their authority, and does not issue those again and again", async () => {
  const nearEnd = clockAt(START + 3640 * 86_400_000);
  assert.equal((await ensurePki(settings, "Host-1", nearEnd)).length, 12);
  assert.deepEqual(parse(serverTls.serving).validToDate, parse(serverTls.ca).validToDate);
  assert.deepEqual(await ensurePki(settings, "Host-1", nearEnd), []);
});
