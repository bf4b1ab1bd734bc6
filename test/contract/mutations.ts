import type { Rng } from "#lib/rng.ts";

import { randomObject, WRITABLE } from "./random-object.ts";
import { CONFIG_MAPS } from "./rough-cases.ts";
import type { Rough } from "./rough-client.ts";

const JSON_TYPE = { "content-type": "application/json" };
const YAML_TYPE = { "content-type": "application/yaml" };
const template = {
  metadata: { labels: { a: "b" } },
  spec: { containers: [{ name: "c", image: "i", resources: { requests: { cpu: "100m", memory: "64Mi" } }, ports: [{ containerPort: 80 }] }] },
};
const configMap = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "stays", labels: { a: "b" }, annotations: { c: "d" } },
  data: { a: "1" },
  binaryData: { b: "AAAA" },
};
const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "stays" },
  spec: { replicas: 2, selector: { matchLabels: { a: "b" } }, template },
};
const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "stays" },
  spec: { selector: { a: "b" }, ports: [{ name: "http", port: 80, targetPort: "web", protocol: "TCP" }] },
};
const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "stays" },
  spec: { ...template.spec, volumes: [{ name: "v", emptyDir: {} }], tolerations: [{ key: "k", operator: "Exists" }] },
};
const scale = { apiVersion: "autoscaling/v1", kind: "Scale", metadata: { name: "stays", namespace: "default" }, spec: { replicas: 3 } };

const collection = (group: string, plural: string) => `/${group}/namespaces/default/${plural}`;
const patch = (type: string) => ({ "content-type": `application/${type}` });

/** Requests that are well; what must stand for them is made from the same objects. */
export const OBJECTS: readonly Rough[] = [
  { path: CONFIG_MAPS, body: JSON.stringify(configMap) },
  { path: collection("apis/apps/v1", "deployments"), body: JSON.stringify(deployment) },
  { path: collection("api/v1", "services"), body: JSON.stringify(service) },
  { path: collection("api/v1", "pods"), body: JSON.stringify(pod) },
].map((each) => ({ ...each, headers: JSON_TYPE }));

const BASES: readonly Rough[] = [
  ...OBJECTS.map((each) => ({ ...each, path: `${each.path}?dryRun=All&fieldValidation=Strict` })),
  ...OBJECTS.map((each) => ({ ...each, method: "PUT", path: `${each.path}/stays?dryRun=All` })),
  ...OBJECTS.map((each) => ({ ...each, method: "PATCH", path: `${each.path}/stays`, headers: patch("merge-patch+json") })),
  ...OBJECTS.map((each) => ({ ...each, method: "PATCH", path: `${each.path}/stays`, headers: patch("strategic-merge-patch+json") })),
  ...OBJECTS.map((each) => ({ ...each, method: "PATCH", path: `${each.path}/stays?fieldManager=fuzz&force=true`, headers: patch("apply-patch+yaml") })),
  {
    method: "PATCH",
    path: `${CONFIG_MAPS}/stays`,
    body: '[{"op":"replace","path":"/data/a","value":"2"},{"op":"add","path":"/metadata/labels/x","value":"y"}]',
    headers: patch("json-patch+json"),
  },
  { method: "PUT", path: `${collection("apis/apps/v1", "deployments")}/stays/scale`, body: JSON.stringify(scale), headers: JSON_TYPE },
  { method: "PUT", path: `${collection("api/v1", "pods")}/stays/status`, body: JSON.stringify({ ...pod, status: { phase: "Running" } }), headers: JSON_TYPE },
  { path: CONFIG_MAPS, body: "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  a: '1'\n", headers: YAML_TYPE },
  { method: "GET", path: `${CONFIG_MAPS}?limit=10&labelSelector=a%3Db&fieldSelector=metadata.name%3Dstays&resourceVersion=0` },
  { method: "GET", path: `${collection("api/v1", "pods")}/stays?pretty=true`, headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" } },
  {
    method: "DELETE",
    path: `${CONFIG_MAPS}/absent?gracePeriodSeconds=1`,
    body: '{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Background","preconditions":{"uid":"u"}}',
    headers: JSON_TYPE,
  },
  {
    path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    body: '{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{"verb":"get","resource":"pods"}}}',
    headers: JSON_TYPE,
  },
  { method: "GET", path: "/apis/apps/v1", headers: { accept: "application/json" } },
  { method: "GET", path: "/openapi/v3?hash=1", headers: { accept: "application/json" } },
];

const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  "",
  "x",
  "-",
  "1Ki",
  "9".repeat(400),
  "\u0000",
  "\ud800",
  "ü".repeat(300),
  [],
  {},
  [null],
  [[]],
  { "": null },
  [{}],
  { $patch: "delete" },
  { $retainKeys: ["a"] },
];
const KEYS = [
  "__proto__",
  "constructor",
  "toString",
  "",
  "$patch",
  "$setElementOrder/containers",
  "$deleteFromPrimitiveList/finalizers",
  "managedFields",
  "resourceVersion",
  "uid",
  "deletionTimestamp",
  "generateName",
  "status",
];
const METHODS = ["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const TYPES = [
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
  "text/plain",
  "",
  ";",
  "application/merge-patch+json",
  "application/apply-patch+yaml",
  "application/json-patch+json",
];
const QUERIES = [
  "limit=-1",
  "limit=99999999999999999999",
  "continue=%00",
  "labelSelector=!",
  "labelSelector=a+in+(",
  "fieldSelector=a%3D",
  "resourceVersion=-1",
  "dryRun=",
  "fieldManager=%0a",
  "force=x",
  "timeoutSeconds=x",
  "sendInitialEvents=true",
  "gracePeriodSeconds=x",
  "%",
  "=",
  "&&",
  "a;b",
];

/** A share of requests that carry an object of any kind, with any of its fields. */
const RANDOM_OBJECTS = 0.4;

/** One of the requests above, with something wrong in it; sometimes with several things. Or an object of any kind that makes no sense. */
export function roughRequest(rng: Rng): Rough {
  if (rng() < RANDOM_OBJECTS) return oddObject(rng);
  let request = pick(rng, BASES);
  do request = mutated(request, rng);
  while (rng() < 0.3);
  return request;
}

/** Nothing of it stays. An apply goes through merging and managed fields, a creation through the kind's own rules. */
function oddObject(rng: Rng): Rough {
  const info = pick(rng, WRITABLE);
  const root = info.group === "" ? `/api/${info.version}` : `/apis/${info.group}/${info.version}`;
  const path = `${root}${info.namespaced ? "/namespaces/default" : ""}/${info.plural}`;
  const body = JSON.stringify(randomObject(info, rng));
  if (rng() < 0.7) return { path: `${path}?dryRun=All`, body, headers: JSON_TYPE };
  return { method: "PATCH", path: `${path}/stays?dryRun=All&fieldManager=fuzz&force=true`, body, headers: patch("apply-patch+yaml") };
}

function mutated(request: Rough, rng: Rng): Rough {
  const body = typeof request.body === "string" ? request.body : "";
  const roll = rng();
  if (roll < 0.5 && body !== "") return { ...request, body: changedValue(body, rng) };
  if (roll < 0.65 && body !== "") return { ...request, body: changedBytes(Buffer.from(body), rng) };
  if (roll < 0.7) return { ...request, method: pick(rng, METHODS) };
  if (roll < 0.75) return { ...request, headers: { ...request.headers, "content-type": pick(rng, TYPES) } };
  if (roll < 0.8) return { ...request, headers: { ...request.headers, accept: `${pick(rng, TYPES)};as=Table;v=v9` } };
  if (roll < 0.9) return { ...request, path: `${request.path}${request.path.includes("?") ? "&" : "?"}${pick(rng, QUERIES)}` };
  return { ...request, path: changedPath(request.path, rng) };
}

/** Replaces, removes or adds a member somewhere in a JSON text. */
function changedValue(text: string, rng: Rng): string {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    return text.slice(0, Math.floor(rng() * text.length));
  }
  const holders: object[] = [];
  const collect = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    holders.push(value);
    for (const member of Object.values(value)) collect(member);
  };
  collect(root);
  if (holders.length === 0) return JSON.stringify(pick(rng, VALUES));
  const holder = pick(rng, holders) as Record<string, unknown>;
  const key = rng() < 0.2 ? pick(rng, KEYS) : (pick(rng, [...Object.keys(holder), "x"]) ?? "x");
  if (rng() < 0.15) delete holder[key];
  else Object.defineProperty(holder, key, { value: structuredClone(pick(rng, VALUES)), enumerable: true, writable: true, configurable: true });
  return JSON.stringify(root);
}

function changedBytes(bytes: Buffer, rng: Rng): Buffer {
  if (rng() < 0.3) return bytes.subarray(0, Math.floor(rng() * bytes.length));
  const changed = Buffer.from(bytes);
  for (let i = 0; i <= rng() * 4; i++) changed[Math.floor(rng() * changed.length)] = Math.floor(rng() * 256);
  return changed;
}

function changedPath(path: string, rng: Rng): string {
  const [head = "", query] = path.split("?");
  const parts = head.split("/");
  const at = 1 + Math.floor(rng() * (parts.length - 1));
  parts.splice(at, rng() < 0.5 ? 1 : 0, pick(rng, ["__proto__", "constructor", "%2e%2e", "%ff", "%00", "", "x".repeat(300), "status", "scale", "v9"]));
  return query === undefined ? parts.join("/") : `${parts.join("/")}?${query}`;
}

const pick = <T>(rng: Rng, list: readonly T[]): T => list[Math.floor(rng() * list.length)]!;
