import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import type { KubectlMinor } from "#test/e2e/support/kubectl.ts";
import { type ControlPlane, startControlPlane } from "#test/golden-controllers/control-plane.ts";

import { testPki } from "#test/pki/test-pki.ts";
import { startConversionWebhook } from "#test/webhooks/conversion-webhook.ts";
import { convert, definition as convertedDefinition } from "#test/webhooks/converted-things.ts";

import { KubectlUser } from "./kubectl-user.ts";

const definition = (group: string) => `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: crontabs.${group}}
spec:
  group: ${group}
  scope: Namespaced
  names: {plural: crontabs, kind: CronTab, shortNames: [ct], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}}
    additionalPrinterColumns:
    - {name: Spec, type: string, jsonPath: .spec.cronSpec}
    - {name: Replicas, type: integer, jsonPath: .spec.replicas}
    schema:
      openAPIV3Schema:
        type: object
        description: Runs things
        properties:
          spec:
            type: object
            required: [cronSpec]
            properties:
              cronSpec: {type: string, pattern: '^[0-9*/ ]+$', description: when it runs}
              image: {type: string}
              replicas: {type: integer, minimum: 1, default: 1}
              queue: {type: string, maxLength: 20, x-kubernetes-validations: [{rule: self == oldSelf, message: a queue is for ever}]}
            x-kubernetes-validations:
            - {rule: "!has(self.image) || self.image != self.cronSpec", messageExpression: "'not ' + self.image", fieldPath: .image, reason: FieldValueForbidden}
          status: {type: object, properties: {replicas: {type: integer}}}
`;

const object = (group: string, spec: string) => `
apiVersion: ${group}/v1
kind: CronTab
metadata: {name: mine}
spec: ${spec}
`;

interface Step {
  readonly words: string;
  readonly input?: string;
  readonly code?: number;
  readonly said: RegExp;
}

/** What a user does with a resource of their own, in order. */
function stepsOf(group: string): Step[] {
  return [
    { words: "apply -f -", input: definition(group), said: /crontabs.* created/ },
    { words: `wait --for=condition=Established crd/crontabs.${group} --timeout=30s`, said: /condition met/ },
    { words: "apply -f -", input: object(group, '{cronSpec: "* 5", image: a}'), said: /mine created/ },
    { words: "apply -f -", input: object(group, '{cronSpec: "* 5", image: b}'), said: /mine configured/ },
    { words: "apply --server-side --force-conflicts -f -", input: object(group, '{cronSpec: "* 6", image: c}'), said: /mine serverside-applied/ },
    { words: `get crontabs.${group}`, said: /NAME +SPEC +REPLICAS\s+mine +\* 6 +1/ },
    { words: `get crontabs.${group} mine -o jsonpath={.spec.image}`, said: /^c$/ },
    { words: `scale crontabs.${group}/mine --replicas=3`, said: /mine scaled/ },
    { words: `describe crontabs.${group} mine`, said: /Replicas: +3/ },
    { words: `explain crontabs.spec.cronSpec --api-version=${group}/v1`, said: /when it runs/ },
    { words: "apply -f -", input: object(group, '{cronSpec: "never"}'), code: 1, said: /spec.cronSpec: Invalid value: "never".*should match/ },
    { words: "apply -f -", input: object(group, '{cronSpec: "* 6", image: "* 6"}'), code: 1, said: /spec\.image: Forbidden: not \* 6/ },
    { words: `patch crontabs.${group} mine --type=merge -p {"spec":{"queue":"a"}}`, said: /mine patched/ },
    { words: `patch crontabs.${group} mine --type=merge -p {"spec":{"queue":"b"}}`, code: 1, said: /spec\.queue: Invalid value: "b": a queue is for ever/ },
    {
      words: "apply -f -",
      input: definition(group).replace("rule: self ==", "rule: self.x =="),
      code: 1,
      said: /type 'string' does not support field selection/,
    },
    { words: `delete crontabs.${group} mine`, said: /deleted/ },
    { words: `delete crd crontabs.${group}`, said: /deleted/ },
    { words: `get crontabs.${group}`, code: 1, said: /the server (doesn't have a resource type|could not find)/ },
  ];
}

describe("kubectl with custom resources", { concurrency: 1 }, () => {
  let plane: ControlPlane;
  before(async () => void (plane = await startControlPlane()));
  after(() => plane?.close());

  test("a namespace takes custom objects along, and an owner those that it owns", async () => {
    const user = new KubectlUser(plane, 35, "default");
    const group = "owned.example.com";
    const told = async (words: string, input = "") => (await user.run(words.split(" "), { input })).stdout;
    await told("apply -f -", definition(group));
    await told(`wait --for=condition=Established crd/crontabs.${group} --timeout=30s`);
    await told("create namespace going");
    await told("-n going apply -f -", object(group, '{cronSpec: "* 5"}'));
    await told("create configmap owner");
    const uid = await told("get configmap owner -o jsonpath={.metadata.uid}");
    const owned = object(group, '{cronSpec: "* 5"}').replace(
      "{name: mine}",
      `{name: mine, ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: owner, uid: ${uid}}]}`,
    );
    await told("apply -f -", owned);
    await told("delete configmap owner");
    assert.match(await told(`wait --for=delete crontabs.${group}/mine --timeout=30s`), /deleted|condition met|^$/);
    await told("delete namespace going --timeout=30s");
    assert.equal(await told(`get crontabs.${group} -A -o name`), "");
    user.close();
  });

  test("objects are used in either version where a webhook converts them", async () => {
    const user = new KubectlUser(plane, 35, "default");
    const pki = await testPki();
    const hook = await startConversionWebhook(pki.server, convert);
    const group = "converted.example.com";
    const told = async (words: string, input?: object) => {
      const answer = await user.run(words.split(" "), input === undefined ? {} : { input: JSON.stringify(input) });
      assert.equal(answer.code, 0, `kubectl ${words}\n${answer.stderr}`);
      return answer.stdout;
    };
    const v2 = { apiVersion: `${group}/v2`, kind: "Thing", metadata: { name: "a" }, spec: { host: "h", port: 1 } };
    try {
      await told("apply -f -", convertedDefinition(group, { url: hook.url, ca: pki.ca }));
      await told(`wait --for=condition=Established crd/things.${group} --timeout=30s`);
      await told("apply -f -", v2);
      assert.equal(await told(`get things.v1.${group} a -o jsonpath={.spec.address}`), "h:1");
      await told("apply -f -", { ...v2, spec: { host: "h", port: 2 } });
      await told(`patch things.v1.${group} a --type=merge -p {"spec":{"address":"i:3"}}`);
      assert.equal(await told(`get things.v2.${group} -o jsonpath={.items[*].spec}`), '{"host":"i","port":3}');
      await told("apply --server-side --force-conflicts -f -", { ...v2, spec: { host: "j" } });
      assert.equal(await told(`get things.v1.${group} a -o jsonpath={.spec.address}`), "j:3");
      await told(`delete things.v2.${group} a`);
      await told(`delete crd things.${group}`);
    } finally {
      user.close();
      await hook.close();
    }
  });

  for (const minor of [22, 28, 35] as KubectlMinor[]) {
    test(`kubectl 1.${minor} defines a resource, uses it and takes it away`, async () => {
      const user = new KubectlUser(plane, minor, "default");
      for (const { words, input, code = 0, said } of stepsOf(`k${minor}.example.com`)) {
        const answer = await user.run(words.split(" "), input === undefined ? {} : { input });
        const all = `kubectl ${words}\n${JSON.stringify(answer, undefined, 1)}`;
        assert.equal(answer.code, code, all);
        assert.match(answer.stdout + answer.stderr, said, all);
      }
      user.close();
    });
  }
});
