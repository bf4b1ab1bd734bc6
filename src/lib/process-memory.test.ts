import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { unchangedMappings } from "./process-memory.ts";

const smaps = (mappings: readonly (readonly [string, number])[]) =>
  mappings.map(([head, anonymous]) => `${head}\nSize:     12 kB\nRss:      8 kB\nAnonymous:     ${anonymous} kB\nVmFlags: rd\n`).join("");

test("unchangedMappings() takes what a file can give again, and nothing that was written to", () => {
  const text = smaps([
    ["00400000-00401000 r--p 00000000 fe:00 77 /usr/bin/node", 0],
    ["00401000-00404000 r-xp 00001000 fe:00 77 /usr/bin/node", 0],
    ["00404000-00405000 r--p 00004000 fe:00 77 /usr/bin/node", 4],
    ["00405000-00406000 rw-p 00005000 fe:00 77 /usr/bin/node", 0],
    ["00406000-00407000 rw-p 00000000 00:00 0 [heap]", 0],
    ["00407000-00408000 r--p 00000000 00:00 0 ", 0],
    ["00408000-00409000 r--s 00000000 fe:00 78 /var/lib/db-shm", 0],
    ["00409000-0040a000 r-xp 00000000 fe:00 79 /usr/bin/gone (deleted)", 0],
    ["0040a000-0040b000 r-xp 00000000 00:00 0 [vdso]", 0],
  ]);
  const pages = unchangedMappings(text).map(({ start, bytes }) => `${start.toString(16)}+${bytes.toString(16)}`);
  assert.deepEqual(pages, ["400000+1000", "401000+3000"]);
});

test("ownMemory() gives back what was used and is not needed, and the process goes on", () => {
  const program = `
    import { ownMemory } from ${JSON.stringify(new URL("./process-memory.ts", import.meta.url).href)};
    const rss = () => process.memoryUsage.rss() / 2 ** 20;
    let held = Array.from({ length: 60_000 }, (_, i) => Buffer.from(("x" + i).repeat(200)));
    const full = rss();
    held = undefined;
    const memory = ownMemory();
    memory.collectGarbage();
    memory.releaseCode();
    // Another thread frees what was collected.
    for (let i = 0; i < 1000 && rss() > full - 50; i++) {
      await new Promise(setImmediate);
      memory.releaseFreed();
    }
    process.stdout.write(JSON.stringify({ full, after: rss() }));
  `;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--expose-gc", "--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", program],
    { encoding: "utf8" },
  );
  assert.equal(status, 0, stderr);
  const { full, after } = JSON.parse(stdout) as { full: number; after: number };
  assert.ok(after < full - 50, `${full} MB, then ${after} MB`);
});
