import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { deepFreeze, type KubeObject } from "#apimachinery/object.ts";
import { type CachedObject, fromStored, PendingObject } from "./cached-object.ts";

/** More than what is kept decoded. */
const MANY = 30;

function configMap(name: string): KubeObject {
  return { kind: "ConfigMap", apiVersion: "v1", metadata: { name }, data: { text: name.repeat(100_000) } } as unknown as KubeObject;
}

function publish(name: string): CachedObject {
  return new PendingObject(name, deepFreeze(configMap(name))).publish(7);
}

test("CachedObject.object is the same for all who ask as long as somebody holds it, however many come after it", () => {
  const cached = publish("held");
  const { object } = cached;
  for (let i = 0; i < MANY; i++) void publish(`o${i}`).object;
  assert.equal(cached.object, object);
  const loaded = fromStored("x", 3, new PendingObject("x", configMap("loaded")), (error) => assert.ifError(error));
  const decoded = loaded.object;
  for (let i = 0; i < MANY; i++) void publish(`p${i}`).object;
  assert.equal(loaded.object, decoded);
});

test("CachedObject.object is decoded again after it was let go, and says the same", async () => {
  const cached = publish("forgotten");
  const before = new WeakRef(cached.object);
  for (let i = 0; i < MANY; i++) void publish(`o${i}`).object;
  await new Promise((resolve) => setImmediate(resolve)); // a weak reference holds its object to the end of the turn
  collectGarbage();
  assert.equal(before.deref(), undefined);
  assert.deepEqual(cached.object, { ...configMap("forgotten"), metadata: { name: "forgotten", resourceVersion: "7" } });
  assert.ok(Object.isFrozen(cached.object) && Object.isFrozen(cached.object.metadata));
});

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}
