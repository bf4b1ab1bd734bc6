import assert from "node:assert/strict";
import { test } from "node:test";

import packet from "dns-packet";
import type { Service } from "#api/core-v1/types.ts";
import type { EndpointSlice } from "#api/discovery-v1/types.ts";

import { answerFromCluster, type ClusterRecords } from "./cluster-zone.ts";
import { resolversIn } from "./forwarder.ts";
import { respond } from "./respond.ts";

const metadata = (name: string) => ({ name, namespace: "default", uid: name, resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" });
const services: Readonly<Record<string, Service>> = {
  web: {
    metadata: metadata("web"),
    spec: { clusterIP: "10.43.0.5", clusterIPs: ["10.43.0.5"], ports: [{ name: "http", port: 80, protocol: "TCP" }] },
    status: { loadBalancer: {} },
  },
  db: {
    metadata: metadata("db"),
    spec: { clusterIP: "None", clusterIPs: ["None"], ports: [{ name: "sql", port: 5432, protocol: "TCP" }] },
    status: { loadBalancer: {} },
  },
  out: { metadata: metadata("out"), spec: { type: "ExternalName", externalName: "web.default.svc.cluster.local" }, status: { loadBalancer: {} } },
};
const dbSlice: EndpointSlice = {
  metadata: metadata("db-x"),
  addressType: "IPv4",
  ports: [{ name: "sql", port: 5432, protocol: "TCP" }],
  endpoints: [
    { addresses: ["10.42.0.7"], conditions: { ready: true }, hostname: "db-0" },
    { addresses: ["10.42.0.8"], conditions: { ready: true } },
    { addresses: ["10.42.0.9"], conditions: { ready: false } },
  ],
};
const records: ClusterRecords = {
  isComplete: () => true,
  service: (namespace, name) => (namespace === "default" ? services[name] : undefined),
  slices: (_namespace, name) => (name === "db" ? [dbSlice] : []),
  hasNamespace: (name) => name === "default",
  serviceByIp: (ip) => (ip === "10.43.0.5" ? services["web"] : undefined),
  endpointByIp: (ip) => (ip === "10.42.0.7" ? { namespace: "default", serviceName: "db", hostname: "db-0" } : undefined),
};

const told = (name: string, type = "A") => {
  const answer = answerFromCluster({ name, type }, "cluster.local", records);
  return answer === undefined
    ? "elsewhere"
    : answer.rcode === "NXDOMAIN"
      ? "NXDOMAIN"
      : answer.answers.map(({ data }) => (typeof data === "string" ? data : `${data.target}:${data.port}`)).join(" ");
};

for (const [name, type, want] of [
  ["web.default.svc.cluster.local", "A", "10.43.0.5"],
  ["WEB.Default.svc.cluster.local.", "A", "10.43.0.5"],
  ["web.default.svc.cluster.local", "AAAA", ""],
  ["none.default.svc.cluster.local", "A", "NXDOMAIN"],
  ["web.other.svc.cluster.local", "A", "NXDOMAIN"],
  ["default.svc.cluster.local", "A", ""],
  ["svc.cluster.local", "A", ""],
  ["db.default.svc.cluster.local", "A", "10.42.0.7 10.42.0.8"],
  ["db-0.db.default.svc.cluster.local", "A", "10.42.0.7"],
  ["10-42-0-8.db.default.svc.cluster.local", "A", "10.42.0.8"],
  ["10-42-0-9.db.default.svc.cluster.local", "A", "NXDOMAIN"],
  ["_http._tcp.web.default.svc.cluster.local", "SRV", "web.default.svc.cluster.local:80"],
  ["_http._udp.web.default.svc.cluster.local", "SRV", "NXDOMAIN"],
  ["_sql._tcp.db.default.svc.cluster.local", "SRV", "db-0.db.default.svc.cluster.local:5432 10-42-0-8.db.default.svc.cluster.local:5432"],
  ["10-1-2-3.default.pod.cluster.local", "A", "10.1.2.3"],
  ["x.default.pod.cluster.local", "A", "NXDOMAIN"],
  ["5.0.43.10.in-addr.arpa", "PTR", "web.default.svc.cluster.local"],
  ["7.0.42.10.in-addr.arpa", "PTR", "db-0.db.default.svc.cluster.local"],
  ["1.2.3.4.in-addr.arpa", "PTR", "elsewhere"],
  ["dns-version.cluster.local", "TXT", "1.1.0"],
  ["example.com", "A", "elsewhere"],
  ["notcluster.local", "A", "elsewhere"],
] as const) {
  test(`answerFromCluster() tells ${type} of ${name}: ${want || "nothing"}`, () => assert.equal(told(name, type), want));
}

const ask = async (name: string, type: "A" | "SRV", forward = async (_query: Buffer): Promise<Buffer> => Promise.reject(new Error("none"))) => {
  const query = packet.encode({ type: "query", id: 7, flags: packet.RECURSION_DESIRED, questions: [{ name, type }] });
  return packet.decode((await respond(query, { domain: "cluster.local", records, forward }, "udp"))!);
};

test("respond() follows an ExternalName", async () => {
  const { answers, id } = await ask("out.default.svc.cluster.local", "A");
  assert.deepEqual(
    answers?.map((a) => ("data" in a ? a.data : "")),
    ["web.default.svc.cluster.local", "10.43.0.5"],
  );
  assert.equal(id, 7);
});

test("respond() says NXDOMAIN with the zone's authority", async () => {
  const answer = await ask("none.default.svc.cluster.local", "A");
  assert.equal((answer as { rcode?: string }).rcode, "NXDOMAIN");
  assert.equal(answer.authorities?.[0]?.type, "SOA");
});

test("respond() says SERVFAIL, not NXDOMAIN, while it does not know all names yet", async () => {
  const zone = { domain: "cluster.local", records: { ...records, isComplete: () => false }, forward: async (query: Buffer) => query };
  const rcodeOf = async (name: string) => {
    const query = packet.encode({ type: "query", id: 7, questions: [{ type: "A", name }] });
    return (packet.decode((await respond(query, zone, "udp"))!) as { rcode?: string }).rcode;
  };
  assert.equal(await rcodeOf("none.default.svc.cluster.local"), "SERVFAIL");
  assert.equal(await rcodeOf("web.default.svc.cluster.local"), "NOERROR");
});

test("respond() passes other names on, and says SERVFAIL when nobody answers", async () => {
  const reply = packet.encode({ type: "response", id: 7, questions: [], answers: [{ type: "A", name: "example.com", data: "192.0.2.1" }] });
  assert.equal((await ask("example.com", "A", async () => reply)).answers?.length, 1);
  assert.equal(((await ask("example.com", "A")) as { rcode?: string }).rcode, "SERVFAIL");
});

test("respond() gives no answer to what is no query", async () => {
  const zone = { domain: "cluster.local", records, forward: async (query: Buffer) => query };
  assert.equal(await respond(Buffer.from("junk"), zone, "udp"), undefined);
  assert.equal(await respond(packet.encode({ type: "response", id: 1, questions: [] }), zone, "udp"), undefined);
});

test("resolversIn() reads nameservers in order, without our own", () => {
  assert.deepEqual(resolversIn("# x\nnameserver 10.43.0.10\nnameserver 192.0.2.1\noptions ndots:5\n nameserver 2001:db8::1\n", ["10.43.0.10"]), [
    "192.0.2.1",
    "2001:db8::1",
  ]);
});
