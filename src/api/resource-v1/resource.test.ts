import assert from "node:assert/strict";
import { test } from "node:test";

import type { ResourceClaim, ResourceSlice } from "#api/resource-v1/types.ts";
import type { Mutable, StrategyContext } from "#api/strategy.ts";
import { told } from "#test/strategies/told.ts";

import { deviceClassStrategy, resourceClaimStrategy, resourceClaimTemplateStrategy, resourceSliceStrategy } from "./strategy.ts";

const exactly = { deviceClassName: "gpu" };
const claim = (devices: object) => ({ spec: { devices } });
const slice = (fields: object) => ({ spec: { driver: "d.example.com", pool: { name: "p", generation: 1, resourceSliceCount: 1 }, allNodes: true, ...fields } });
const device = (fields: object) => slice({ devices: [{ name: "d", ...fields }] });
const REFERENCE = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

for (const { strategy, given, want } of [
  { strategy: resourceClaimStrategy, given: claim({ requests: [{ name: "r", exactly }] }), want: [] },
  {
    strategy: resourceClaimStrategy,
    given: claim({ requests: [{ name: "r" }] }),
    want: ["spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required"],
  },
  {
    strategy: resourceClaimStrategy,
    given: claim({ requests: [{ name: "r", exactly, firstAvailable: [{ name: "s", deviceClassName: "gpu" }] }] }),
    want: ["spec.devices.requests[0]: Invalid value: null: exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set"],
  },
  {
    strategy: resourceClaimStrategy,
    given: claim({
      requests: [
        { name: "r", exactly },
        { name: "r", exactly },
      ],
    }),
    want: ['spec.devices.requests[1]: Duplicate value: "r"'],
  },
  {
    strategy: resourceClaimStrategy,
    given: claim({ requests: [{ name: "r", exactly: { ...exactly, allocationMode: "All", count: 4 } }] }),
    want: ["spec.devices.requests[0].exactly.count: Invalid value: 4: must not be specified when allocationMode is 'All'"],
  },
  {
    strategy: resourceClaimStrategy,
    given: claim({ requests: [{ name: "r", exactly: { ...exactly, allocationMode: "Some", selectors: [{}] } }] }),
    want: [
      "spec.devices.requests[0].exactly.selectors[0].cel: Required value",
      'spec.devices.requests[0].exactly.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount"',
    ],
  },
  {
    strategy: resourceClaimStrategy,
    given: claim({
      requests: [{ name: "r", firstAvailable: [{ name: "s", deviceClassName: "gpu" }] }],
      constraints: [{ requests: ["r", "r/s", "r/t", "x"], matchAttribute: "d.example.com/model" }],
    }),
    want: [
      `spec.devices.constraints[0].requests[2]: Invalid value: "r/t": ${REFERENCE}`,
      `spec.devices.constraints[0].requests[3]: Invalid value: "x": ${REFERENCE}`,
    ],
  },
  {
    strategy: resourceClaimStrategy,
    given: claim({ constraints: [{ matchAttribute: "model" }, {}] }),
    want: [
      'spec.devices.constraints[0].matchAttribute: Invalid value: "model": a fully qualified name must be a domain and a name separated by a slash',
      "spec.devices.constraints[1].matchAttribute: Required value",
    ],
  },
  {
    strategy: resourceClaimTemplateStrategy,
    given: { spec: { metadata: { name: "x" }, spec: { devices: { config: [{ opaque: { driver: "d", parameters: [] } }] } } } },
    want: [
      "spec.metadata.name: Forbidden: cannot be set",
      'spec.spec.devices.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object',
    ],
  },
  {
    strategy: deviceClassStrategy,
    given: { spec: { selectors: Array.from({ length: 33 }, () => ({})), config: [{}] } },
    want: ["spec.selectors: Too many: 33: must have at most 32 items", "spec.config[0].opaque: Required value"],
  },
  { strategy: resourceSliceStrategy, given: device({ attributes: { model: { string: "a" }, "d.example.com/v": { version: "1.2.3-a+b" } } }), want: [] },
  {
    strategy: resourceSliceStrategy,
    given: slice({ pool: { name: "", generation: -1, resourceSliceCount: 0 }, nodeName: "n" }),
    want: [
      "spec.pool.name: Required value",
      "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero",
      "spec.pool.generation: Invalid value: -1: must be greater than or equal to zero",
      'spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set',
    ],
  },
  {
    strategy: resourceSliceStrategy,
    given: device({ attributes: { a: { int: 1, version: "x" }, b: {}, "/c": { bool: true } } }),
    want: [
      'spec.devices[0].attributes[/c]: Invalid value: "": the domain must not be empty',
      'spec.devices[0].attributes[a].version: Invalid value: "x": must be a string compatible with semver.org spec 2.0.0',
      'spec.devices[0].attributes[a]: Invalid value: {"IntValue":1,"BoolValue":null,"StringValue":null,"VersionValue":"x"}: exactly one value must be specified',
      'spec.devices[0].attributes[b]: Invalid value: "": exactly one value must be specified',
    ],
  },
]) {
  test(`validateCreate() says ${want[0] ?? `nothing of ${JSON.stringify(given)}`}`, () => assert.deepEqual(told(strategy, given), want));
}

test("a claim's spec never changes", () => {
  const old = claim({ requests: [{ name: "r", exactly }] }) as unknown as ResourceClaim;
  const next = { metadata: { name: "x", namespace: "a" }, ...claim({ constraints: [{ matchAttribute: "a/b" }] }) } as unknown as ResourceClaim;
  assert.deepEqual(
    resourceClaimStrategy.validateUpdate?.(next, old).map(({ field, text }) => `${field}: ${text}`),
    [
      'spec: Invalid value: {"Devices":{"Requests":null,"Constraints":[{"Requests":null,"MatchAttribute":"a/b","DistinctAttribute":null}],"Config":null}}: field is immutable',
    ],
  );
});

const result = { request: "r", driver: "d.example.com", pool: "p", device: "gpu-0" };
const named = { driver: "d.example.com", pool: "p", device: "gpu-0" };
const withStatus = (status: object) =>
  ({ metadata: { name: "x" }, ...claim({ requests: [{ name: "r", exactly }] }), status }) as unknown as Mutable<ResourceClaim>;

for (const { name, old, status, want } of [
  { name: "an allocation of a request", old: {}, status: { allocation: { devices: { results: [result] } } }, want: [] },
  {
    name: "an allocation of no request",
    old: {},
    status: { allocation: { devices: { results: [{ ...result, request: "x" }] } } },
    want: [`status.allocation.devices.results[0].request: Invalid value: "x": ${REFERENCE}`],
  },
  {
    name: "consumers before an allocation",
    old: {},
    status: { reservedFor: [{ resource: "pods", name: "a", uid: "1" }] },
    want: ["status.reservedFor: Forbidden: may not be specified when `allocated` is not set"],
  },
  {
    name: "a device that is not allocated, with an address in another form",
    old: {},
    status: { devices: [{ ...named, networkData: { ips: ["10.0.0.1/024"] } }] },
    want: [
      "status.devices[0]: Invalid value: d.example.com/p/gpu-0: must be an allocated device in the claim",
      'status.devices[0].networkData.ips[0]: Invalid value: "10.0.0.1/024": must be in canonical form ("10.0.0.1/24")',
    ],
  },
]) {
  test(`validateUpdate() of a claim's status: ${name}`, () => {
    const errors = resourceClaimStrategy.subresources?.["status"]?.validateUpdate?.(withStatus(status) as ResourceClaim, withStatus(old) as ResourceClaim);
    assert.deepEqual(
      errors?.map(({ field, text }) => `${field}: ${text}`),
      want,
    );
  });
}

test("what is said of a device ends with its allocation, and metadata stays", () => {
  const old = withStatus({ allocation: { devices: { results: [result] } }, devices: [named] });
  const next = withStatus({ devices: [named] });
  next.metadata.labels = { a: "b" };
  resourceClaimStrategy.subresources?.["status"]?.prepareForUpdate?.(next, old as ResourceClaim, {} as StrategyContext);
  assert.deepEqual(next.status, {});
  assert.equal(next.metadata.labels, undefined);
});

test("fields of features that are off are dropped, and yet count as a change of a slice", () => {
  const old = { metadata: { name: "x", generation: 1 }, ...device({}) } as unknown as ResourceSlice;
  const next = { metadata: { name: "x", generation: 1 }, ...device({ taints: [{ key: "a", effect: "NoSchedule" }] }) } as unknown as Mutable<ResourceSlice>;
  resourceSliceStrategy.prepareForUpdate?.(next, old, {} as StrategyContext);
  assert.deepEqual(next.spec, old.spec);
  assert.equal(next.metadata.generation, 2);
});
