/** A process that writes to the database of its first argument and prints each acknowledged revision, until it is killed. */
import { openSqliteStore } from "../sqlite/sqlite-store.ts";

const store = await openSqliteStore({ path: process.argv[2]! });
const value = Buffer.alloc(1500, "x");

async function write(writer: number): Promise<void> {
  for (let i = 0; ; i++) {
    const result = await store.commit([{ key: `/registry/pods/${writer}/${i % 50}`, value: i % 7 === 6 ? undefined : value, expected: undefined }]);
    if (result.ok) process.stdout.write(`${result.revision}\n`);
    if (i % 40 === 39) await store.compact(store.revision() - 100);
  }
}

await Promise.all(Array.from({ length: 16 }, (_, writer) => write(writer)));
