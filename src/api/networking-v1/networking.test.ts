import assert from "node:assert/strict";
import { test } from "node:test";

import { told } from "#test/strategies/told.ts";

import { ipAddressStrategy, serviceCIDRStrategy } from "./addresses.ts";
import { ingressClassStrategy, ingressStrategy, networkPolicyStrategy } from "./strategy.ts";

for (const { strategy, given, want } of [
  {
    strategy: networkPolicyStrategy,
    given: { spec: { podSelector: {}, egress: [{}] } },
    want: [],
  },
  {
    strategy: networkPolicyStrategy,
    given: { spec: { podSelector: {}, ingress: [{ from: [{}] }] } },
    want: ["spec.ingress[0].from[0]: Required value: must specify a peer"],
  },
  {
    strategy: networkPolicyStrategy,
    given: { spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["11.0.0.0/16"] } }] }] } },
    want: ['spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`'],
  },
  {
    strategy: networkPolicyStrategy,
    given: { spec: { podSelector: {}, egress: [{ ports: [{ port: "http", endPort: 90 }] }] } },
    want: ["spec.egress[0].ports[0].endPort: Invalid value: 90: may not be specified when `port` is non-numeric"],
  },
  {
    strategy: ingressStrategy,
    given: { spec: {} },
    want: ["spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"],
  },
  {
    strategy: ingressStrategy,
    given: { spec: { rules: [{ host: "10.0.0.1" }] } },
    want: ['spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
  },
  {
    strategy: ingressStrategy,
    given: { spec: { defaultBackend: { service: { name: "web", port: {} } } } },
    want: ["spec.defaultBackend: Required value: port name or number is required"],
  },
  {
    strategy: ingressClassStrategy,
    given: { spec: { controller: "nginx" } },
    want: ['spec.controller: Invalid value: "nginx": must be a domain-prefixed path (such as "acme.io/foo")'],
  },
] as const) {
  test(`validateCreate() says ${want[0] ?? "nothing"}`, () => assert.deepEqual(told(strategy, given), want));
}

test("serviceCIDRStrategy takes one network of each family", () => {
  assert.deepEqual(told(serviceCIDRStrategy, { spec: { cidrs: ["10.0.0.0/16", "2001:db8::/64"] } }), []);
  assert.equal(told(serviceCIDRStrategy, { spec: { cidrs: ["10.0.0.0/16", "10.1.0.0/16"] } }).length, 1);
});

test("ipAddressStrategy takes addresses in their one form for names", () => {
  assert.deepEqual(ipAddressStrategy.validateName?.("10.0.0.1", false), []);
  assert.deepEqual(ipAddressStrategy.validateName?.("10.0.0.01", false), ["must not have leading 0s"]);
  assert.match(ipAddressStrategy.validateName?.("\u0001", false)[0] ?? "", /^must be a valid IP address/);
});
