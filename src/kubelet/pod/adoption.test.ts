import assert from "node:assert/strict";
import { test } from "node:test";

import type { Runtime } from "#kubelet/cri/runtime.ts";

import { listedPods } from "./adoption.ts";
import { LABEL } from "./labels.ts";

test("listedPods() groups by the pod's uid, and leaves out what no kubelet has made", async () => {
  const of = (id: string, uid?: string) => ({ id, labels: uid === undefined ? {} : { [LABEL.podUid]: uid } });
  const runtime = {
    listPodSandboxes: async () => [of("s1", "a"), of("s2"), of("s3", "b")],
    listContainers: async () => [of("c1", "a"), of("c2", "a"), of("c3"), of("c4", "c")],
  } as unknown as Runtime;
  const listed = await listedPods(runtime);
  const ids = [...listed].map(([uid, { sandboxes, containers }]) => [uid, [...sandboxes, ...containers].map(({ id }) => id)]);
  assert.deepEqual(ids, [
    ["a", ["s1", "c1", "c2"]],
    ["b", ["s3"]],
    ["c", ["c4"]],
  ]);
});
