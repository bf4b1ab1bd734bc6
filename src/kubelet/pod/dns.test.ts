import assert from "node:assert/strict";
import { test } from "node:test";

import { podOf } from "#kubelet/testing/fixtures.ts";

import { hostsFile, parseResolvConf, podDns, podHostname } from "./dns.ts";

const HOST = { servers: ["192.0.2.53"], searches: ["example.test"], options: ["timeout:2"] };
const CLUSTER = { server: "10.43.0.10", domain: "cluster.local", host: HOST };
const NAMES = ["default.svc.cluster.local", "svc.cluster.local", "cluster.local"];

for (const { name, spec, want } of [
  {
    name: "asks the cluster, then searches the host's domains",
    spec: {},
    want: { servers: ["10.43.0.10"], searches: [...NAMES, "example.test"], options: ["ndots:5"] },
  },
  { name: "asks the host's servers with policy Default", spec: { dnsPolicy: "Default" }, want: HOST },
  { name: "asks the host's servers in the host's network", spec: { hostNetwork: true }, want: HOST },
  {
    name: "asks the cluster with ClusterFirstWithHostNet",
    spec: { hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" },
    want: { servers: ["10.43.0.10"], searches: [...NAMES, "example.test"], options: ["ndots:5"] },
  },
  {
    name: "takes the pod's own with policy None",
    spec: { dnsPolicy: "None", dnsConfig: { nameservers: ["192.0.2.9"], options: [{ name: "ndots", value: "2" }, { name: "edns0" }] } },
    want: { servers: ["192.0.2.9"], searches: [], options: ["ndots:2", "edns0"] },
  },
  {
    name: "lets the pod's options win",
    spec: { dnsConfig: { options: [{ name: "ndots", value: "1" }] } },
    want: { servers: ["10.43.0.10"], searches: [...NAMES, "example.test"], options: ["ndots:1"] },
  },
]) {
  test(`podDns() ${name}`, () => assert.deepEqual(podDns(podOf(spec), CLUSTER), want));
}

test("parseResolvConf() reads servers, the last search line and options", () => {
  assert.deepEqual(parseResolvConf("# c\nnameserver 192.0.2.53\nsearch a.test\nsearch example.test.\noptions timeout:2\n"), HOST);
});

test("podHostname() is the pod's name, or what the spec says", () => {
  assert.deepEqual(podHostname(podOf(), "cluster.local"), { hostname: "web", fqdn: undefined });
  const named = podOf({ hostname: "h", subdomain: "s", setHostnameAsFQDN: true });
  assert.deepEqual(podHostname(named, "cluster.local"), { hostname: "h.s.default.svc.cluster.local", fqdn: "h.s.default.svc.cluster.local" });
});

test("hostsFile() has the pod's names and its aliases", () => {
  const pod = podOf({ hostname: "h", subdomain: "s", hostAliases: [{ ip: "192.0.2.7", hostnames: ["a", "b"] }] });
  const lines = hostsFile(pod, ["10.42.0.5"], "", "cluster.local").split("\n");
  assert.equal(lines[0], "# Kubernetes-managed hosts file.");
  assert.ok(lines.includes("10.42.0.5\th.s.default.svc.cluster.local\th"));
  assert.deepEqual(lines.slice(-3), ["# Entries added by HostAliases.", "192.0.2.7\ta\tb", ""]);
});
