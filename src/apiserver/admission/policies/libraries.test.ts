import assert from "node:assert/strict";
import { test } from "node:test";
import type { ValidatingAdmissionPolicy } from "#api/admissionregistration-v1/types.ts";
import { fromJson } from "#lib/cel/json.ts";
import { compilePolicy, validate } from "./policy.ts";

for (const { expression, allowed } of [
  { expression: "quantity(object.size).isLessThan(quantity('10Gi'))", allowed: true },
  { expression: "cidr('10.0.0.0/8').containsIP(object.address)", allowed: true },
  { expression: "url(object.link).getScheme() == 'https'", allowed: false },
  { expression: "!format.dns1123Label().validate(object.name).hasValue()", allowed: false },
  { expression: "semver(object.version).isGreaterThan(semver('1.0.0')) && object.tags.sort()[0] == 'a'", allowed: true },
]) {
  test(`validate() has Kubernetes' libraries: ${expression}`, () => {
    const policy = { metadata: { name: "p" }, spec: { validations: [{ expression }] } } as unknown as ValidatingAdmissionPolicy;
    const object = fromJson({ size: "5Gi", address: "10.1.2.3", link: "http://x", name: "A b", version: "1.2.3", tags: ["b", "a"] });
    const { denials, faults } = validate(compilePolicy(policy), { object });
    assert.deepEqual(faults, []);
    assert.equal(denials.length === 0, allowed);
  });
}
