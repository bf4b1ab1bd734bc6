import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { systemClock } from "#lib/system-clock.ts";
import { holdersIn, withLock } from "./lock.ts";

const root = mkdtempSync(join(tmpdir(), "skiff-lock-"));
after(() => rmSync(root, { recursive: true }));
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(root, "data-"));
});

const now = { clock: systemClock, waitMs: 0 };
const lockModule = new URL("lock.ts", import.meta.url).href;
const clockModule = new URL("../lib/system-clock.ts", import.meta.url).href;

/** A process that runs `body` with withLock and the clock at hand. */
function start(body: string) {
  const script = `import { withLock } from ${JSON.stringify(lockModule)}; import { systemClock as clock } from ${JSON.stringify(clockModule)};
    import { appendFileSync, readFileSync, writeFileSync } from "node:fs"; const dir = ${JSON.stringify(dir)};\n${body}`;
  return spawn(process.execPath, ["--input-type=module-typescript", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
}

/** One that has the lock until it is killed. */
async function startHolder() {
  const holder = start(
    `await withLock(dir, { clock }, async () => { process.stdout.write("held"); await new Promise((resolve) => setTimeout(resolve, 60_000)); });`,
  );
  await once(holder.stdout, "data");
  return holder;
}

test("withLock() refuses a second holder of the same process, and lets the next one in", async () => {
  await withLock(dir, now, async () => {
    await assert.rejects(
      withLock(dir, now, async () => {}),
      { id: "SKF-1102", message: `another skiff (pid ${process.pid}) is changing this cluster` },
    );
  });
  assert.equal(await withLock(dir, now, async () => 7), 7);
});

test("holdersIn() also has who locked a file of that number on another disk", () => {
  const line = (pid: number, inode: string) => `1: POSIX  ADVISORY  WRITE ${pid} fe:00:${inode} 0 EOF`;
  const read = "2: FLOCK  ADVISORY  READ 8 07:00:12 0 EOF";
  assert.deepEqual(holdersIn([line(5, "12"), read, line(6, "120"), line(7, "12"), ""].join("\n"), 12), [5, 7]);
});

test("withLock() gives the lock back when the work fails", async () => {
  await assert.rejects(
    withLock(dir, now, () => Promise.reject(new Error("undone"))),
    /undone/,
  );
  await withLock(dir, now, async () => {});
});

test("withLock() waits for another process, says for whom, and is not kept by one that was killed", async () => {
  const holder = await startHolder();
  const told: string[] = [];
  const waiting = withLock(dir, { clock: systemClock, onWait: (name) => told.push(name) }, async () => "mine");
  await assert.rejects(
    withLock(dir, now, async () => {}),
    { id: "SKF-1102" },
  );
  holder.kill("SIGKILL");
  assert.equal(await waiting, "mine");
  assert.deepEqual(told, [`another skiff (pid ${holder.pid})`]);
});

test("withLock() survives a lock file with other content", async () => {
  writeFileSync(join(dir, ".lock"), '{"pid":1,"startTicks":1}');
  assert.equal(await withLock(dir, { clock: systemClock }, async () => 7), 7);
  assert.deepEqual(readdirSync(dir), [".lock"]);
});

test("withLock() is not fooled by a purge that removes the folder while others wait", async () => {
  const inside = () => withLock(dir, { clock: systemClock }, async () => assert.deepEqual(readdirSync(dir), [".lock"]));
  let waiting: Promise<unknown> = Promise.resolve();
  await withLock(dir, now, async () => {
    waiting = Promise.all([inside(), inside()]);
    rmSync(dir, { recursive: true });
  });
  await waiting;
});

test("withLock() keeps processes apart that come and are killed at any moment", async () => {
  // Each adds one to a number in two steps; a lost addition shows that two were inside at once.
  const count = `const n = Number(readFileSync(dir + "/n", "utf8")); await new Promise((resolve) => setTimeout(resolve, 1)); writeFileSync(dir + "/n.new", String(n + 1)); writeFileSync(dir + "/n", String(n + 1));`;
  writeFileSync(join(dir, "n"), "0");
  const victim = await startHolder();
  const adders = Array.from({ length: 4 }, () => start(`for (let i = 0; i < 25; i++) await withLock(dir, { clock }, async () => { ${count} });`));
  victim.kill("SIGKILL");
  const codes = await Promise.all(adders.map(async (adder) => (await once(adder, "exit"))[0] as number));
  assert.deepEqual(codes, [0, 0, 0, 0]);
  assert.equal(readFileSync(join(dir, "n"), "utf8"), "100");
});
