import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Clock } from "#lib/clock.ts";
import { SimClock } from "#lib/sim-clock.ts";
import { pathsOf } from "../paths.ts";
import { readSettings } from "../settings.ts";
import { ensurePki, requireAgentPki } from "./ensure.ts";

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
  assert.equal(written.length, 14);
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
  assert.equal((await ensurePki(moved, "Host-1", later(350))).length, 6);
});
