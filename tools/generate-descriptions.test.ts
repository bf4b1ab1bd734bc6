import assert from "node:assert/strict";
import { test } from "node:test";
import { generateDescriptions, parseDeclaration } from "./generate-descriptions.ts";

test("parseDeclaration() reads the class's and the properties' comments", () => {
  const source = `import { V1B } from './V1B.js';
/**
* A is an \\"a\\".
*/
export declare class V1A {
    /**
    * first
    */
    'first'?: string;
    'bare'?: V1B;
    /**
    * reserved
    */
    '_default': any;
    static readonly discriminator: string | undefined;
}
`;
  assert.deepEqual(parseDeclaration(source), { description: 'A is an "a".', fields: { first: "first", default: "reserved" } });
});

test("generateDescriptions() describes the types that users ask for", () => {
  const described = generateDescriptions();
  assert.ok(Object.keys(described).length > 700);
  assert.match(described["core/v1.PodSpec"]?.fields["containers"] ?? "", /^List of containers belonging to the pod/);
  assert.match(described["core/v1.Pod"]?.fields["spec"] ?? "", /PodSpec/);
  assert.match(described["core/v1.Event"]?.description ?? "", /^Event is a report of an event somewhere in the cluster/);
});
