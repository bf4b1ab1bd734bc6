import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { quotaEvaluator } from "#api/core-v1/resource-quota/evaluators.ts";
import { resourceListOf } from "#api/core-v1/pod-spec/resource-list.ts";
import type { Pod, ResourceQuota } from "#api/core-v1/types.ts";
import { keyOf } from "#apimachinery/object.ts";
import { QuotaAccount } from "#controllers/resourcequota/account.ts";

const hard = { pods: "9", "count/pods": "9", "requests.cpu": "9", "limits.memory": "1Gi" };
const evaluator = quotaEvaluator("", "pods")!;
const open = (spec: object = {}) => new QuotaAccount({ spec: { hard, ...spec } } as unknown as ResourceQuota, new Map([["pods", evaluator]]));

const pods = fc.record({
  name: fc.constantFrom("a", "b", "c", "d"),
  cpu: fc.constantFrom("0", "1", "250m", "1500u", "2e3"),
  memory: fc.constantFrom("0", "1Gi", "100M", "1"),
  phase: fc.constantFrom("Pending", "Running", "Succeeded", "Failed"),
  deadline: fc.option(fc.constant(5), { nil: undefined }),
  isGone: fc.boolean(),
});

test("QuotaAccount says after any changes what a fresh count says", () => {
  fc.assert(
    fc.property(fc.array(pods, { maxLength: 40 }), fc.constantFrom([], ["Terminating"], ["NotBestEffort"]), (changes, scopes) => {
      const account = open({ scopes });
      const present = new Map<string, Pod>();
      for (const { name, cpu, memory, phase, deadline, isGone } of changes) {
        const resources = { requests: { cpu }, limits: { memory } };
        const spec = { containers: [{ name: "main", resources }], ...(deadline !== undefined && { activeDeadlineSeconds: deadline }) };
        const pod = { metadata: { namespace: "n", name }, spec, status: { phase } } as unknown as Pod;
        if (isGone) {
          present.delete(keyOf(pod));
          account.remove("pods", pod);
        } else {
          present.set(keyOf(pod), pod);
          account.put("pods", pod, 0);
        }
      }
      const fresh = open({ scopes });
      for (const pod of present.values()) fresh.put("pods", pod, 0);
      const plain = (each: QuotaAccount) =>
        Object.fromEntries([...each.used(() => true)].map(([name, { digits, exponent }]) => [name, Number(digits) * 10 ** exponent]));
      for (const [name, amount] of Object.entries(plain(fresh))) assert.ok(Math.abs(amount - plain(account)[name]!) < 1e-9);
    }),
  );
});

test("QuotaAccount tells what a change does, and of what it does not know it says nothing", () => {
  const account = open();
  const pod = (cpu: string) => ({ metadata: { name: "a" }, spec: { containers: [{ name: "m", resources: { requests: { cpu } } }] } }) as unknown as Pod;
  assert.deepEqual(
    ["1", "1", "2", "500m"].map((cpu) => account.put("pods", pod(cpu), 0)),
    ["more", "none", "more", "less"],
  );
  assert.deepEqual(resourceListOf(account.used(() => true)), { pods: "1", "count/pods": "1", "requests.cpu": "500m", "limits.memory": "0" });
  assert.deepEqual(resourceListOf(account.used(() => false)), {});
  assert.equal(
    account.exceeds("pods", { status: { used: { pods: "1", "count/pods": "1", "requests.cpu": "400m", "limits.memory": "0" } } } as unknown as ResourceQuota),
    true,
  );
  assert.equal(account.remove("pods", pod("1")), "less");
  assert.equal(account.remove("pods", pod("1")), "none");
});
