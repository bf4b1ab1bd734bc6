import assert from "node:assert/strict";
import { test } from "node:test";
import { GRPC_UNAVAILABLE, GrpcError } from "#lib/grpc/grpc-error.ts";
import { SimClock } from "#lib/sim-clock.ts";
import { type CommitResult, OutcomeUnknownError } from "../store.ts";
import { Committer } from "./committer.ts";
import type { EtcdConnection } from "./connection.ts";
import type { Feed } from "./feed.ts";
import { keyBytes, type TxnResponse } from "./messages.ts";

const kv = { key: keyBytes("a"), value: Buffer.from("x"), createRevision: 7, modRevision: 7, version: 1 };
const header = { clusterId: 1, revision: 7 };

/** An etcd that takes a create at revision 7 and loses its answer, and a watch that has shown it or not when the second answer comes. */
function committerOf(isShown: boolean) {
  const answers: (() => TxnResponse)[] = [
    () => {
      throw new GrpcError(GRPC_UNAVAILABLE, "lost", { cause: new Error("socket hang up") });
    },
    () => ({ header, succeeded: false, responses: [{ range: { header, kvs: [kv], count: 1 } }] }),
  ];
  let asked = 0;
  const connection = {
    call: async (method: string) => (method === "txn" ? answers[asked++]!() : { header, kvs: [], count: 1 }),
    pause: async () => {},
  };
  const committer: Committer = new Committer(
    connection as unknown as EtcdConnection,
    {
      reached: async () => {
        if (isShown && asked === 2) committer.claim({ type: 0, kv }, "a");
        return isShown;
      },
    } as unknown as Feed,
    new SimClock(),
  );
  return committer;
}

const create = (isShown: boolean): Promise<CommitResult> => committerOf(isShown).commit([{ key: "a", value: Buffer.from("x"), expected: 0 }]);

test("Committer: a create whose answer was lost is done when the watch shows it, whatever its repetition is told", async () => {
  assert.deepEqual(await create(true), { ok: true, revision: 7 });
});

test("Committer does not take its own lost write for somebody else's while the watch lags behind", async () => {
  await assert.rejects(create(false), OutcomeUnknownError);
});
