import assert from "node:assert/strict";
import { test } from "node:test";

import type { Image } from "#kubelet/cri/types.ts";

import { goArch, readMachine } from "./machine.ts";
import { imageList, nodeStatus } from "./node-status.ts";

const VIEW = {
  machine: readMachine("/"),
  nodeName: "n1",
  nodeIps: ["192.0.2.1"],
  kubeletPort: 10_250,
  kubeletVersion: "v1.35.0",
  runtimeVersion: "containerd://1",
  images: [],
  before: undefined,
  nowMs: 0,
};
const ready = (problems: readonly string[]) => nodeStatus({ ...VIEW, problems }).conditions?.find(({ type }) => type === "Ready");

test("nodeStatus() has conditions in upstream's order, and addresses", () => {
  const status = nodeStatus({ ...VIEW, problems: [] });
  assert.deepEqual(
    status.conditions?.map(({ type }) => type),
    ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"],
  );
  assert.deepEqual(status.addresses, [
    { type: "InternalIP", address: "192.0.2.1" },
    { type: "Hostname", address: "n1" },
  ]);
  assert.equal(status.daemonEndpoints.kubeletEndpoint?.Port, 10_250);
});

test("nodeStatus() tells why the node is not ready", () => {
  assert.equal(ready([])?.reason, "KubeletReady");
  assert.deepEqual([ready(["a"])?.status, ready(["a"])?.message, ready(["a", "b"])?.message], ["False", "a", "[a, b]"]);
});

test("nodeStatus() keeps the time of a condition that stays", () => {
  const before = nodeStatus({ ...VIEW, problems: [] });
  const after = nodeStatus({ ...VIEW, problems: ["a"], before, nowMs: 60_000 });
  assert.deepEqual(
    after.conditions?.map(({ lastTransitionTime }) => lastTransitionTime?.slice(14, 16)),
    ["00", "00", "00", "01"],
  );
});

test("imageList() has the largest first, five names each", () => {
  const imageOf = (size: number): Image => ({ id: "i", size, repoDigests: ["d"], repoTags: ["1", "2", "3", "4", "5"], username: "", pinned: false });
  assert.deepEqual(imageList([imageOf(1), imageOf(2)]), [
    { names: ["d", "1", "2", "3", "4"], sizeBytes: 2 },
    { names: ["d", "1", "2", "3", "4"], sizeBytes: 1 },
  ]);
});

test("readMachine() leaves 100 MiB of memory to the system", () => {
  const { capacity, allocatable } = readMachine("/");
  const ki = (text = "") => Number(text.replace("Ki", ""));
  assert.equal(ki(capacity["memory"]) - ki(allocatable["memory"]), 100 * 1024);
  assert.equal(goArch("x64"), "amd64");
});
