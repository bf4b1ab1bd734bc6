import assert from "node:assert/strict";
import { test } from "node:test";

import { isStatus } from "#apimachinery/status-error.ts";
import { checkDeleteOptions, checkedWriteOptions } from "#apiserver/registry/options.ts";

const messageOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (isStatus(error, "Invalid")) return error.message;
    throw error;
  }
  return "";
};

for (const { name, run, want } of [
  { name: "takes dryRun=All", run: () => checkedWriteOptions("Create", { dryRun: ["All"] }), want: "" },
  {
    name: "refuses another dryRun",
    run: () => checkedWriteOptions("Create", { dryRun: ["Foo"] }),
    want: 'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Foo"]: supported values: "All"',
  },
  {
    name: "wants a field manager for an apply",
    run: () => checkedWriteOptions("Patch", {}, "apply"),
    want: 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
  },
  {
    name: "refuses force elsewhere",
    run: () => checkedWriteOptions("Patch", { force: true }, "merge"),
    want: 'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
  },
  {
    name: "refuses a long field manager",
    run: () => checkedWriteOptions("Update", { fieldManager: "x".repeat(129) }),
    want: 'UpdateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
  },
  {
    name: "refuses two ways of propagation",
    run: () => checkDeleteOptions({ orphanDependents: true, propagationPolicy: "Orphan" }),
    want: 'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set',
  },
]) {
  test(`options: ${name}`, () => assert.equal(messageOf(run), want));
}
