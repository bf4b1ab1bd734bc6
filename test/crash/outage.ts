import { setTimeout as pause } from "node:timers/promises";
import type { Rng } from "#lib/rng.ts";
import type { Etcd } from "#test/etcd/etcd.ts";

const OUTAGE_MS = 400;
/** Outages that end, and after which writes go on for a while. */
const BACK_SHARE = 0.6;

/** Kills all members of an etcd, starts them again after a while, and sometimes waits until writes have gone on. */
export async function outage({ members }: Etcd, rng: Rng): Promise<void> {
  await Promise.all(members.map((member) => member.kill()));
  await pause(rng() * OUTAGE_MS);
  const started = Promise.all(members.map((member) => member.start()));
  if (rng() < BACK_SHARE) await started.then(() => pause(rng() * OUTAGE_MS));
}
