import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathsOf } from "#cli/paths.ts";
import { ServerProcess } from "./server-process.ts";

const ENDS = ["", "-wal", "-shm"];

test("a server whose database is damaged says so with its name and what to do, ends for good, and leaves the files as they are", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skiff-damaged-"));
  const server = await ServerProcess.prepare({ folder });
  const { database } = pathsOf(server.dataDir);
  try {
    server.start();
    await server.ready();
    await server.kill();
    const sound = join(folder, "sound.db");
    for (const end of ENDS) copyFileSync(database + end, sound + end);
    const log = readFileSync(`${database}-wal`);
    log[32 + 24 + 8000]! ^= 1; // in the first page of many
    writeFileSync(`${database}-wal`, log);
    const before = ENDS.map((end) => readFileSync(database + end));
    server.start();
    assert.equal(await server.ended(), 11);
    const said = readFileSync(server.log, "utf8");
    assert.match(
      said,
      new RegExp(`error\\[SKF-1103\\]: the database ${database} is damaged, or not ours; it was left untouched\ncause: its write-ahead log .*frame 1`),
    );
    assert.deepEqual(
      ENDS.map((end) => existsSync(database + end) && readFileSync(database + end)),
      before,
    );
    for (const end of ENDS) copyFileSync(sound + end, database + end);
    server.start();
    await server.ready();
  } finally {
    await server.close();
    rmSync(folder, { recursive: true });
  }
});
