import type { Rough } from "./rough-client.ts";

/** A request that must be refused with this code and, where given, these words. */
export interface RoughCase extends Rough {
  readonly name: string;
  readonly code: number;
  readonly says?: RegExp;
  /** Nobody serves such paths, so that nobody makes a Status: the whole answer. */
  readonly plain?: string;
}

export const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const PODS = "/api/v1/namespaces/default/pods";
const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";
const YAML = { "content-type": "application/yaml" };
const MERGE = { "content-type": "application/merge-patch+json" };

const configMap = (over: object = {}) => JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "rough" }, ...over });
const pod = (container: object, spec: object = {}) =>
  JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "rough" }, spec: { containers: [{ name: "c", image: "i", ...container }], ...spec } });
const deployment = (spec: object) => JSON.stringify({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "rough" }, spec });

const MIB = 1024 * 1024;
const nested = (open: string, close: string, depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`;

const malformed: RoughCase[] = [
  { name: "a body cut off", body: configMap().slice(0, -2), says: /unexpected end of JSON input/ },
  { name: "a body cut off in a string", body: '{"apiVersion":"v1","ki', says: /unexpected end of JSON input/ },
  { name: "a trailing comma", body: '{"kind":"ConfigMap",}', says: /looking for beginning of object key string/ },
  { name: "two values", body: `${configMap()} {}`, says: /after top-level value/ },
  { name: "single quotes", body: "{'kind':'ConfigMap'}", says: /invalid character '\\''/ },
  { name: "an array", body: "[]", says: /cannot unmarshal array/ },
  { name: "a number", body: "5", says: /cannot unmarshal number/ },
  { name: "a string", body: '"x"', says: /cannot unmarshal string/ },
  { name: "NaN", body: configMap().replace('"rough"', "NaN"), says: /invalid character 'N'/ },
  { name: "a control character in a string", body: '{"kind":"Config\u0001Map"}', says: /invalid character/ },
  { name: "a lone minus", body: '{"a":-}', says: /in numeric literal/ },
  { name: "bytes that are no text", body: Buffer.from([0xff, 0xfe, 0x00, 0x7b]), says: /invalid character/ },
  { name: "UTF-16", body: Buffer.from(configMap(), "utf16le"), says: /invalid character/ },
  { name: "YAML with a tab", body: "kind: ConfigMap\n\tmetadata: {}\n", headers: YAML, says: /found a tab character/ },
  { name: "YAML with an open quote", body: "kind: 'ConfigMap\n", headers: YAML, says: /unexpected end of stream/ },
  { name: "YAML with an open brace", body: '{"kind": "ConfigMap"', headers: YAML, says: /did not find expected/ },
  { name: "YAML with an unknown anchor", body: "kind: *nothing\n", headers: YAML, says: /unknown anchor/ },
  { name: "YAML that is no UTF-8", body: Buffer.from([0x61, 0x3a, 0x20, 0xff]), headers: YAML, says: /UTF-8/ },
  { name: "YAML with aliases of aliases", body: billionLaughs(), headers: YAML },
  { name: "protobuf that is none", body: "hello", headers: { "content-type": "application/vnd.kubernetes.protobuf" } },
  { name: "protobuf cut off", body: Buffer.from("6b38730affff", "hex"), headers: { "content-type": "application/vnd.kubernetes.protobuf" } },
].map((each) => ({ path: CONFIG_MAPS, code: 400, ...each }));

const wrongTypes: RoughCase[] = [
  { name: "data as a list", path: CONFIG_MAPS, body: configMap({ data: [] }), says: /cannot unmarshal array/ },
  { name: "a datum as a number", path: CONFIG_MAPS, body: configMap({ data: { a: 1 } }), says: /cannot unmarshal number/ },
  { name: "metadata as a string", path: CONFIG_MAPS, body: configMap({ metadata: "x" }), says: /cannot unmarshal string/ },
  { name: "labels as a list", path: CONFIG_MAPS, body: configMap({ metadata: { name: "a", labels: ["x"] } }), says: /cannot unmarshal array/ },
  { name: "a name as an object", path: CONFIG_MAPS, body: configMap({ metadata: { name: {} } }), says: /cannot unmarshal object/ },
  { name: "a time as a word", path: CONFIG_MAPS, body: configMap({ metadata: { name: "a", creationTimestamp: "yesterday" } }), says: /parsing time/ },
  { name: "base64 that is none", path: CONFIG_MAPS, body: configMap({ binaryData: { a: "!" } }), says: /illegal base64/ },
  { name: "a spec as a number", path: PODS, body: pod({}).replace(/"spec":.*/, '"spec":5}'), says: /cannot unmarshal number/ },
  { name: "containers as an object", path: PODS, body: pod({}, { containers: {} }), says: /cannot unmarshal object/ },
  { name: "a port as a word", path: PODS, body: pod({ ports: [{ containerPort: "http" }] }), says: /cannot unmarshal string/ },
  { name: "a port beyond 32 bits", path: PODS, body: pod({ ports: [{ containerPort: 1e12 }] }), says: /cannot unmarshal number/ },
  { name: "a quantity as an object", path: PODS, body: pod({ resources: { limits: { cpu: {} } } }), says: /quantities|unmarshal/ },
  { name: "a quantity as a word", path: PODS, body: pod({ resources: { limits: { cpu: "lots" } } }), says: /quantities must match/ },
  { name: "replicas as a fraction", path: DEPLOYMENTS, body: deployment({ replicas: 1.5 }), says: /cannot unmarshal number 1.5/ },
  { name: "replicas as a boolean", path: DEPLOYMENTS, body: deployment({ replicas: true }), says: /cannot unmarshal bool/ },
  { name: "another kind", path: CONFIG_MAPS, body: configMap({ kind: "Secret" }), says: /cannot be handled as a ConfigMap|does not match/ },
  { name: "a kind that does not exist", path: CONFIG_MAPS, body: configMap({ kind: "Nothing" }), says: /no kind "Nothing" is registered/ },
  { name: "a version that does not exist", path: CONFIG_MAPS, body: configMap({ apiVersion: "v9" }), says: /is registered for version "v9"/ },
  { name: "a version with two slashes", path: CONFIG_MAPS, body: configMap({ apiVersion: "a/b/c" }), says: /unexpected GroupVersion string/ },
].map((each) => ({ code: 400, ...each }));

const invalid: RoughCase[] = [
  { name: "a name in capitals", path: CONFIG_MAPS, body: configMap({ metadata: { name: "Rough" } }), says: /RFC 1123 subdomain/ },
  { name: "a name with a slash", path: CONFIG_MAPS, body: configMap({ metadata: { name: "a/b" } }) },
  { name: "a name with dots", path: CONFIG_MAPS, body: configMap({ metadata: { name: ".." } }) },
  { name: "a name of 300 letters", path: CONFIG_MAPS, body: configMap({ metadata: { name: "a".repeat(300) } }) },
  { name: "no name", path: CONFIG_MAPS, body: configMap({ metadata: {} }), says: /name or generateName is required/ },
  { name: "a label with a space", path: CONFIG_MAPS, body: configMap({ metadata: { name: "a", labels: { "a b": "x" } } }), says: /metadata.labels/ },
  { name: "a finalizer without a domain", path: CONFIG_MAPS, body: configMap({ metadata: { name: "a", finalizers: ["x"] } }), says: /fully qualified/ },
  { name: "an owner without a name", path: CONFIG_MAPS, body: configMap({ metadata: { name: "a", ownerReferences: [{}] } }), says: /must not be empty/ },
  { name: "a key with a slash", path: CONFIG_MAPS, body: configMap({ data: { "a/b": "x" } }), says: /valid config key/ },
  { name: "negative cpu", path: PODS, body: pod({ resources: { requests: { cpu: "-1" } } }), says: /must be greater than or equal to 0/ },
  { name: "a port of zero", path: PODS, body: pod({ ports: [{ containerPort: 0 }] }), says: /containerPort/ },
  { name: "no containers", path: PODS, body: pod({}, { containers: [] }), says: /spec.containers: Required value/ },
  { name: "negative replicas", path: DEPLOYMENTS, body: deployment({ replicas: -1 }), says: /must be greater than or equal to 0/ },
  { name: "more than the budget of annotations", path: CONFIG_MAPS, body: configMap({ metadata: { name: "a", annotations: { a: "x".repeat(270_000) } } }) },
].map((each) => ({ code: 422, ...each }));

const paths: RoughCase[] = [
  { name: "a resource that does not exist", method: "GET", path: "/api/v1/namespaces/default/nothings", code: 404 },
  { name: "a group that does not exist", method: "GET", path: "/apis/nothing.example.com/v1/things", code: 404, plain: "404 page not found\n" },
  { name: "a subresource that does not exist", method: "GET", path: `${PODS}/a/nothing`, code: 404 },
  { name: "an escaped slash", method: "GET", path: `${CONFIG_MAPS}/a%2Fb`, code: 404 },
  { name: "a zero byte", method: "GET", path: `${CONFIG_MAPS}/%00`, code: 404 },
  { name: "an escape that is none", method: "GET", path: `${CONFIG_MAPS}/%zz`, code: 404 },
  { name: "a very long path", method: "GET", path: `${CONFIG_MAPS}/${"a".repeat(4_000)}`, code: 404 },
  { name: "__proto__ as a resource", method: "GET", path: "/api/v1/namespaces/default/__proto__", code: 404 },
  { name: "constructor as a group", method: "GET", path: "/apis/constructor/v1/things", code: 404, plain: "404 page not found\n" },
  { name: "__proto__ as a name", method: "GET", path: `${CONFIG_MAPS}/__proto__`, code: 404 },
  { name: "PUT to a collection", method: "PUT", path: CONFIG_MAPS, body: configMap(), code: 405 },
  { name: "POST to an object", method: "POST", path: `${CONFIG_MAPS}/a`, body: configMap(), code: 405 },
  { name: "TRACE", method: "TRACE", path: CONFIG_MAPS, code: 405 },
  { name: "a limit that is no number", method: "GET", path: `${CONFIG_MAPS}?limit=many`, code: 400 },
  { name: "a timeout that is none", method: "GET", path: `${CONFIG_MAPS}?timeout=x`, code: 400 },
  { name: "a label selector that does not parse", method: "GET", path: `${CONFIG_MAPS}?labelSelector=%3D%3D`, code: 400 },
  { name: "a field selector on what cannot be selected", method: "GET", path: `${CONFIG_MAPS}?fieldSelector=data.a%3D1`, code: 400 },
  { name: "a version that is no number", method: "GET", path: `${CONFIG_MAPS}?resourceVersion=abc`, code: 400 },
  { name: "a continue token that is none", method: "GET", path: `${CONFIG_MAPS}?limit=1&continue=abc`, code: 400 },
  { name: "a dry run of another kind", path: `${CONFIG_MAPS}?dryRun=Some`, body: configMap(), code: 422 },
  { name: "field validation of another kind", path: `${CONFIG_MAPS}?fieldValidation=Maybe`, body: configMap(), code: 422 },
  { name: "a field manager of 200 letters", path: `${CONFIG_MAPS}?fieldManager=${"m".repeat(200)}`, body: configMap(), code: 422 },
  { name: "a watch with a match alone", method: "GET", path: `${CONFIG_MAPS}?watch=1&resourceVersionMatch=Exact`, code: 422 },
  { name: "a content type that is none", path: CONFIG_MAPS, body: configMap(), headers: { "content-type": "text/plain" }, code: 415 },
  { name: "a patch as JSON", method: "PATCH", path: `${CONFIG_MAPS}/stays`, body: "{}", code: 415 },
  { name: "an accept that nothing meets", method: "GET", path: CONFIG_MAPS, headers: { accept: "image/png" }, code: 406 },
  { name: "a patch of a list", method: "PATCH", path: `${CONFIG_MAPS}/stays`, headers: MERGE, body: "[]", code: 400 },
  { name: "a patch cut off", method: "PATCH", path: `${CONFIG_MAPS}/stays`, headers: MERGE, body: '{"data":', code: 400 },
  {
    name: "an apply without a manager",
    method: "PATCH",
    path: `${CONFIG_MAPS}/stays`,
    headers: { "content-type": "application/apply-patch+yaml" },
    body: configMap(),
    code: 422,
  },
  {
    name: "a JSON patch of 10001 operations",
    method: "PATCH",
    path: `${CONFIG_MAPS}/stays`,
    headers: { "content-type": "application/json-patch+json" },
    body: `[${Array(10_001).fill(`{"op":"test","path":"/kind","value":"ConfigMap"}`).join(",")}]`,
    code: 413,
  },
];

const large: RoughCase[] = [
  { name: "a body of 4 MiB", path: CONFIG_MAPS, body: configMap({ data: { a: "x".repeat(4 * MIB) } }), code: 413 },
  { name: "a patch of 4 MiB", method: "PATCH", path: `${CONFIG_MAPS}/stays`, headers: MERGE, body: `{"data":{"a":"${"x".repeat(4 * MIB)}"}}`, code: 413 },
  { name: "delete options of 4 MiB", method: "DELETE", path: `${CONFIG_MAPS}/stays`, body: `{"a":"${"x".repeat(4 * MIB)}"}`, code: 413 },
  { name: "a datum of 2 MiB", path: CONFIG_MAPS, body: configMap({ data: { a: "x".repeat(2 * MIB) } }), code: 422 },
  { name: "arrays 20,000 deep", path: CONFIG_MAPS, body: nested("[", "]", 20_000), code: 400 },
  { name: "objects 20,000 deep", path: CONFIG_MAPS, body: nested('{"a":', "}", 20_000), code: 400 },
  { name: "data 600 deep", path: CONFIG_MAPS, body: configMap({ data: "DEEP" }).replace('"DEEP"', nested('{"a":', "}", 600)), code: 400 },
  { name: "YAML 5,000 deep", path: CONFIG_MAPS, body: nested("[", "]", 5_000), headers: YAML, code: 400 },
  {
    name: "an apply 5,000 deep",
    method: "PATCH",
    path: `${CONFIG_MAPS}/stays?fieldManager=m`,
    headers: { "content-type": "application/apply-patch+yaml" },
    body: nested("{a: ", "}", 5_000),
    code: 400,
  },
  { name: "a negative quantity of 100,000 digits", path: PODS, body: pod({ resources: { limits: { cpu: `-${"9".repeat(100_000)}` } } }), code: 422 },
  { name: "a quantity with a huge exponent", path: PODS, body: pod({ resources: { limits: { cpu: "1e999999999" } } }), code: 400 },
];

/** Ten of ten of ten … : expanded it would be gigabytes. */
function billionLaughs(): string {
  const lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"];
  for (let i = 1; i < 9; i++)
    lines.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(",")}]`,
    );
  return `${lines.join("\n")}\n`;
}

export const ROUGH_CASES: readonly RoughCase[] = [...malformed, ...wrongTypes, ...invalid, ...paths, ...large];
