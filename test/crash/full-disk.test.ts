import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { CONFIG_MAPS } from "#api/builtin.ts";
import type { KubeList } from "#apimachinery/object.ts";
import { StatusError } from "#apimachinery/status-error.ts";
import type { WatchEvent } from "#client/transport.ts";
import { abandonedFolders, ownFolder } from "#test/e2e/support/own-folder.ts";
import { ServerProcess } from "./server-process.ts";

const MEGABYTE = 1 << 20;
const DISK_BYTES = 48 * MEGABYTE;
const BALLAST_BYTES = 16 * MEGABYTE;
const PREFIX = "skiff-full-";
const diskIn = (parent: string) => join(parent, "data");
const folder = ownFolder(PREFIX);
const disk = diskIn(folder);
let isMounted = false;

after(() => {
  if (isMounted) execFileSync("umount", ["--lazy", disk]);
  rmSync(folder, { recursive: true });
});

/** What killed runs have left. */
function clear(): void {
  for (const left of abandonedFolders(PREFIX)) {
    spawnSync("umount", ["--lazy", diskIn(left)]);
    rmSync(left, { recursive: true, force: true });
  }
}

/** A small disk of its own: ext4 on a loop device, or where there is none, memory of that size. */
function mountDisk(): string {
  mkdirSync(disk);
  const image = join(folder, "disk.img");
  try {
    closeSync(openSync(image, "w"));
    truncateSync(image, DISK_BYTES);
    execFileSync("mkfs.ext4", ["-q", "-m", "0", image], { stdio: "pipe" });
    execFileSync("mount", ["-o", "loop", image, disk], { stdio: "pipe" });
    isMounted = true;
    return "ext4";
  } catch {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", disk]);
    isMounted = true;
    return "tmpfs";
  }
}

test("on a full disk writes are refused as internal errors, reads and watches go on, and writes are taken again when there is room", {
  skip: process.getuid?.() !== 0 && "needs root",
}, async (context) => {
  clear();
  context.diagnostic(`on ${mountDisk()}`);
  const server = await ServerProcess.prepare({ folder });
  const configMap = (name: string) => ({ metadata: { name }, data: { pad: "x".repeat(100_000) } });
  const create = (name: string) => server.transport.perform({ verb: "create", resource: CONFIG_MAPS, namespace: "default", body: configMap(name) });
  const names = async () => {
    const { items } = (await server.transport.perform({ verb: "list", resource: CONFIG_MAPS, namespace: "default" })) as KubeList;
    return items.map(({ metadata }) => metadata.name).sort();
  };
  const isFull = (error: unknown) =>
    error instanceof StatusError && error.status.code === 500 && error.message.startsWith("Internal error occurred: no room to write: ");
  try {
    server.start();
    await server.ready();
    const ballast = join(disk, "ballast");
    writeFileSync(ballast, Buffer.alloc(BALLAST_BYTES, 1));
    const seen: WatchEvent[] = [];
    let watchEnd: unknown = "none";
    server.transport.watch(
      { resource: CONFIG_MAPS, namespace: "default", resourceVersion: "1" },
      { onEvent: (event) => seen.push(event), onEnd: (error) => (watchEnd = error) },
    );
    const written: string[] = [];
    await assert.rejects(async () => {
      for (let i = 0; i < 1000; i++) {
        await create(`a${i}`);
        written.push(`a${i}`);
      }
    }, isFull);
    assert.ok(written.length > 50, `${written.length} written`);
    const many = await Promise.allSettled(Array.from({ length: 50 }, (_, i) => create(`b${i}`)));
    assert.ok(many.every((result) => result.status === "fulfilled" || isFull(result.reason)));
    many.forEach((result, i) => result.status === "fulfilled" && written.push(`b${i}`));
    assert.deepEqual(await names(), written.toSorted());
    await server.kill();
    server.start(); // a start needs no room either
    await server.ready();
    assert.deepEqual(await names(), written.toSorted());
    assert.notEqual(watchEnd, "none");
    server.transport.watch(
      { resource: CONFIG_MAPS, namespace: "default", resourceVersion: String(lastRevision(seen)) },
      { onEvent: (event) => seen.push(event), onEnd: (error) => (watchEnd = error) },
    );
    watchEnd = "none";
    rmSync(ballast);
    for (let i = 0; i < 20; i++) await create(`c${i}`);
    written.push(...Array.from({ length: 20 }, (_, i) => `c${i}`));
    assert.deepEqual(await names(), written.toSorted());
    for (let i = 0; i < 500 && seen.length < written.length; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(
      seen
        .filter(({ type }) => type === "ADDED")
        .map(({ object }) => object.metadata.name)
        .sort(),
      written.toSorted(),
    );
    assert.equal(watchEnd, "none");
    const told = readFileSync(server.log, "utf8").match(/the store is full|a request failed/g) ?? [];
    assert.ok(told.length >= 1 && told.length < 5, `told ${told.length} times, not once a write`);
  } finally {
    await server.close();
  }
});

function lastRevision(events: readonly WatchEvent[]): number {
  return Math.max(...events.map(({ object }) => Number(object.metadata.resourceVersion)));
}
