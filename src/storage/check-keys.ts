import type { WriteOp } from "./store.ts";

/** @throws {TypeError} when a transaction names a key twice, or none */
export function checkKeys(ops: readonly WriteOp[]): void {
  if (ops.length === 1 && ops[0]!.key !== "") return;
  const keys = new Set(ops.map(({ key }) => key));
  if (keys.size !== ops.length || keys.has("")) throw new TypeError("the keys of a transaction must differ and not be empty");
}
