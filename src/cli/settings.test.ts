import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { mergeConfig } from "./config-file.ts";
import { contextName, pathsOf } from "./paths.ts";
import { givenTexts, readSettings, type SettingTexts } from "./settings.ts";

const machine = { hostname: "Node-1", nodeIp: "192.0.2.1" };
const read = (flags: SettingTexts, file: SettingTexts = {}) => readSettings({ flags, file }, machine);

test("readSettings() has defaults that firewalls and tutorials know", () => {
  const settings = read({});
  assert.equal(settings.dataDir, "/var/lib/skiff");
  assert.equal(settings.clusterDns, "10.43.0.10");
  assert.equal(settings.nodeName, "node-1");
  assert.equal(settings.advertiseAddress, "192.0.2.1");
  assert.equal(settings.server, "https://127.0.0.1:6443");
  assert.deepEqual(settings.nodePortRange, { from: 30_000, to: 32_767 });
});

test("readSettings() derives what depends on other settings", () => {
  const settings = read({ "https-listen-port": "7443", "service-cidr": "10.96.0.0/12" });
  assert.equal(settings.server, "https://127.0.0.1:7443");
  assert.equal(settings.clusterDns, "10.96.0.10");
});

test("readSettings() takes flag before environment before file", () => {
  const flags = givenTexts({ "node-name": "from-flag" }, { SKIFF_NODE_NAME: "from-env", SKIFF_LOG_LEVEL: "warn" });
  const settings = read(flags, { "node-name": "from-file", "log-level": "error", "cluster-domain": "example.org" });
  assert.deepEqual([settings.nodeName, settings.logLevel, settings.clusterDomain], ["from-flag", "warn", "example.org"]);
});

for (const [flag, text] of [
  ["https-listen-port", "0"],
  ["https-listen-port", "65536"],
  ["https-listen-port", "80a"],
  ["cluster-cidr", "10.42.0.1/16"],
  ["service-cidr", "10.43.0.0"],
  ["service-node-port-range", "32767-30000"],
  ["node-ip", "host"],
  ["node-name", "UPPER"],
  ["cluster-domain", "-x"],
  ["without-controllers", "yes"],
  ["runtime-config", "api/all=true"],
  ["server", "http://x"],
  ["datastore-endpoint", "mysql://db"],
  ["datastore-endpoint", "https://a:2379/path"],
  ["datastore-endpoint", "https://a:2379,http://b:2379"],
  ["datastore-endpoint", ","],
] as const) {
  test(`readSettings() refuses --${flag} ${text}`, () => {
    assert.throws(() => read({ [flag]: text }), { id: "SKF-1701" });
  });
}

for (const { flags, want } of [
  { flags: {}, want: true },
  { flags: { "without-controllers": "true" }, want: false },
  { flags: { "without-controllers": "true", "legacy-apis": "true" }, want: true },
  { flags: { "legacy-apis": "false" }, want: false },
]) {
  test(`readSettings() ${want ? "serves" : "leaves out"} versions that upstream has dropped, given ${JSON.stringify(flags)}`, () => {
    assert.equal(read(flags).legacyApis, want);
  });
}

test("readSettings() reads which versions of the API are served besides", () => {
  assert.deepEqual(read({}).runtimeConfig, []);
  assert.deepEqual(read({ "runtime-config": "admissionregistration.k8s.io/v1beta1=true" }).runtimeConfig, ["admissionregistration.k8s.io/v1beta1"]);
});

test("readSettings() takes etcd in the place of the embedded store, its files resolved from where the user stands", () => {
  assert.equal(read({}).datastore, undefined);
  const flags = givenTexts({ "datastore-endpoint": "https://a:2379, https://[::1]:2379/", "datastore-cafile": "ca.crt" }, { SKIFF_DATASTORE_CERTFILE: "/c" });
  assert.deepEqual(read(flags, { "datastore-keyfile": "/k" }).datastore, {
    endpoints: ["https://a:2379", "https://[::1]:2379"],
    caFile: resolve("ca.crt"),
    certFile: "/c",
    keyFile: "/k",
  });
});

for (const [what, flags] of [
  ["files without an endpoint", { "datastore-cafile": "/ca" }],
  ["a certificate without its key", { "datastore-endpoint": "https://a:2379", "datastore-certfile": "/c" }],
] as const) {
  test(`readSettings() refuses ${what}`, () => {
    assert.throws(() => read(flags), { id: "SKF-1701" });
  });
}

test("givenTexts() resolves paths, as the processes that are started stand elsewhere", () => {
  assert.deepEqual(givenTexts({ "data-dir": "here" }, { SKIFF_PRIVATE_REGISTRY: "r.yaml" }), {
    "data-dir": resolve("here"),
    "private-registry": resolve("r.yaml"),
  });
});

test("pathsOf() keeps clusters with other data dirs apart", () => {
  const standard = pathsOf("/var/lib/skiff");
  const moved = pathsOf("/srv/second");
  assert.deepEqual([standard.runDir, standard.kubeletDir, standard.instance, standard.cgroupRoot], ["/run/skiff", "/var/lib/kubelet", "skiff", "/kubepods"]);
  assert.deepEqual([moved.runDir, moved.kubeletDir], ["/srv/second/run", "/srv/second/kubelet"]);
  assert.match(moved.instance, /^skf[0-9a-f]{6}$/);
  assert.deepEqual([contextName("/var/lib/skiff"), contextName("/srv/second")], ["skiff", "skiff-second"]);
});

test("mergeConfig() appends with a plus, and names the key that was meant", () => {
  const base = mergeConfig({}, { "tls-san": ["a", "b"], "https-listen-port": 7443 }, "f");
  assert.deepEqual(mergeConfig(base, { "tls-san+": ["c"] }, "g"), { "tls-san": "a,b,c", "https-listen-port": "7443" });
  assert.throws(() => mergeConfig({}, { "tls-sna": 1 }, "f"), { id: "SKF-1701", reason: "did you mean tls-san?" });
});
