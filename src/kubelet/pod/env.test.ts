import assert from "node:assert/strict";
import { test } from "node:test";

import type { Container, Service } from "#api/core-v1/types.ts";
import { containerOf, podOf } from "#kubelet/testing/fixtures.ts";

import { ContainerConfigError, containerEnv, serviceEnvironment } from "./env.ts";
import { expand } from "./expand.ts";

const VIEW = {
  pod: podOf({ nodeName: "n1" }, { labels: { app: "web" } }),
  hostIps: ["192.0.2.1"],
  podIps: ["10.42.0.5"],
  allocatable: { cpu: "2", memory: "1Gi" },
};
const SOURCES = {
  configMap: (name: string) => (name === "settings" ? ({ metadata: {}, data: { COLOUR: "blue" } } as never) : undefined),
  secret: (name: string) => (name === "keys" ? ({ metadata: {}, data: { password: Buffer.from("hunter2").toString("base64") } } as never) : undefined),
};
const envOf = (more: Partial<Container>, services = new Map<string, string>()) =>
  Object.fromEntries(containerEnv(containerOf("c", more), SOURCES, services, VIEW));

for (const { name, text, want } of [
  { name: "replaces known names", text: "$(A)/$(B)", want: "1/2" },
  { name: "keeps unknown names", text: "$(X)", want: "$(X)" },
  { name: "takes $$ for $", text: "$$(A) $$$(A)", want: "$(A) $1" },
  { name: "keeps what is no reference", text: "$ $A $(A", want: "$ $A $(A" },
  { name: "keeps a $ at the end", text: "a$", want: "a$" },
]) {
  test(`expand() ${name}`, () =>
    assert.equal(
      expand(text, (key) => ({ A: "1", B: "2" })[key]),
      want,
    ));
}

test("containerEnv() takes envFrom with its prefix, then env, and expands from what came before", () => {
  const env = [
    { name: "A", value: "1" },
    { name: "B", value: "$(A)$(P_COLOUR)$(LATER)" },
    { name: "LATER", value: "3" },
  ];
  assert.deepEqual(envOf({ env, envFrom: [{ prefix: "P_", configMapRef: { name: "settings" } }] }), {
    P_COLOUR: "blue",
    A: "1",
    B: "1blue$(LATER)",
    LATER: "3",
  });
});

test("containerEnv() lets services neither override nor be missed by expansion", () => {
  const services = new Map([
    ["WEB_SERVICE_HOST", "10.43.0.7"],
    ["A", "service"],
  ]);
  assert.deepEqual(envOf({ env: [{ name: "A", value: "$(WEB_SERVICE_HOST)" }] }, services), { A: "10.43.0.7", WEB_SERVICE_HOST: "10.43.0.7" });
});

for (const { fieldPath, want } of [
  { fieldPath: "metadata.name", want: "web" },
  { fieldPath: "metadata.labels['app']", want: "web" },
  { fieldPath: "spec.nodeName", want: "n1" },
  { fieldPath: "status.podIP", want: "10.42.0.5" },
  { fieldPath: "status.hostIP", want: "192.0.2.1" },
]) {
  test(`containerEnv() reads ${fieldPath}`, () => assert.deepEqual(envOf({ env: [{ name: "V", valueFrom: { fieldRef: { fieldPath } } }] }), { V: want }));
}

for (const { resource, divisor, want } of [
  { resource: "limits.cpu", divisor: "1m", want: "250" },
  { resource: "limits.cpu", divisor: "0", want: "1" },
  { resource: "limits.memory", divisor: "1Mi", want: "1024" },
  { resource: "requests.memory", divisor: "1", want: "0" },
]) {
  test(`containerEnv() reads ${resource} in units of ${divisor}, the node's amount where none is set`, () => {
    const env = [{ name: "V", valueFrom: { resourceFieldRef: { resource, divisor } } }];
    assert.deepEqual(envOf({ env, resources: { limits: { cpu: "250m" } } }), { V: want });
  });
}

for (const { name, more, message } of [
  { name: "a ConfigMap", more: { envFrom: [{ configMapRef: { name: "none" } }] }, message: 'configmap "none" not found' },
  { name: "a Secret", more: { env: [{ name: "V", valueFrom: { secretKeyRef: { name: "none", key: "k" } } }] }, message: 'secret "none" not found' },
  {
    name: "a key",
    more: { env: [{ name: "V", valueFrom: { configMapKeyRef: { name: "settings", key: "k" } } }] },
    message: "couldn't find key k in ConfigMap default/settings",
  },
]) {
  test(`containerEnv() tells that ${name} is missing`, () => assert.throws(() => envOf(more), new ContainerConfigError(message)));
}

test("containerEnv() passes over what is missing and optional", () => {
  const env = [{ name: "V", valueFrom: { configMapKeyRef: { name: "none", key: "k", optional: true } } }];
  assert.deepEqual(envOf({ env, envFrom: [{ secretRef: { name: "none", optional: true } }] }), {});
});

const service = (namespace: string, name: string, clusterIP: string): Service =>
  ({
    metadata: { namespace, name },
    spec: {
      clusterIP,
      ports: [
        { name: "http-api", port: 80, protocol: "TCP" },
        { name: "dns", port: 53, protocol: "UDP" },
      ],
    },
    status: {},
  }) as never;

test("serviceEnvironment() tells of a service's ports in upstream's names", () => {
  const env = serviceEnvironment(podOf(), [service("default", "my-web", "10.43.0.7")]);
  assert.deepEqual(Object.fromEntries(env), {
    MY_WEB_SERVICE_HOST: "10.43.0.7",
    MY_WEB_SERVICE_PORT: "80",
    MY_WEB_SERVICE_PORT_HTTP_API: "80",
    MY_WEB_SERVICE_PORT_DNS: "53",
    MY_WEB_PORT: "tcp://10.43.0.7:80",
    MY_WEB_PORT_80_TCP: "tcp://10.43.0.7:80",
    MY_WEB_PORT_80_TCP_PROTO: "tcp",
    MY_WEB_PORT_80_TCP_PORT: "80",
    MY_WEB_PORT_80_TCP_ADDR: "10.43.0.7",
    MY_WEB_PORT_53_UDP: "udp://10.43.0.7:53",
    MY_WEB_PORT_53_UDP_PROTO: "udp",
    MY_WEB_PORT_53_UDP_PORT: "53",
    MY_WEB_PORT_53_UDP_ADDR: "10.43.0.7",
  });
});

test("serviceEnvironment() names the API's service alone where links are not wanted, and no headless one", () => {
  const services = [service("default", "kubernetes", "10.43.0.1"), service("default", "web", "10.43.0.7"), service("default", "headless", "None")];
  assert.deepEqual(
    [...serviceEnvironment(podOf({ enableServiceLinks: false }), services).keys()].filter((name) => name.endsWith("_HOST")),
    ["KUBERNETES_SERVICE_HOST"],
  );
});
