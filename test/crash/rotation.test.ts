import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { SECRETS } from "#api/builtin.ts";
import type { KubeList } from "#apimachinery/object.ts";
import { pathsOf } from "#cli/paths.ts";
import { SECRETS_ENCRYPTION_PATH } from "#cli/secrets-encrypt.ts";
import { ServerProcess } from "./server-process.ts";

const KILLS = 8;
const OBJECTS = 150;
const valueOf = (i: number) => `nobody may read value ${i} in the file`;

interface Key {
  readonly name: string;
}

test(`a rotation of the key for Secrets that is killed ${KILLS} times loses none, and is finished by the next; none stands in the files as it is`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "skiff-rotation-"));
  const server = await ServerProcess.prepare({ folder });
  const { database, encryptionKeys } = pathsOf(server.dataDir);
  const keys = (): Key[] => JSON.parse(readFileSync(encryptionKeys, "utf8")).resources[0].providers[0].aesgcm.keys;
  const rotate = () => server.transport.json<{ resumed: boolean; unreadable: number }>({ method: "POST", path: SECRETS_ENCRYPTION_PATH });
  const check = async () => {
    const { items } = (await server.transport.perform({ verb: "list", resource: SECRETS, namespace: "default" })) as KubeList;
    const values = new Map(items.map(({ metadata, ...rest }) => [metadata.name, (rest as { data?: Record<string, string> }).data?.["v"]]));
    for (let i = 0; i < OBJECTS; i++) assert.equal(values.get(`s${i}`), Buffer.from(valueOf(i)).toString("base64"));
    const bytes = readdirSync(join(database, "..")).map((name) => readFileSync(join(database, "..", name)));
    const plain = [valueOf(7), Buffer.from(valueOf(7)).toString("base64")];
    assert.ok(!bytes.some((file) => plain.some((text) => file.includes(text))));
    return bytes;
  };
  try {
    server.start();
    await server.ready();
    const create = (i: number) =>
      server.transport.perform({
        verb: "create",
        resource: SECRETS,
        namespace: "default",
        body: { metadata: { name: `s${i}` }, stringData: { v: valueOf(i) } },
      });
    await Promise.all(Array.from({ length: OBJECTS }, (_, i) => create(i)));
    const [first] = keys();
    let unfinished = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const rotation = rotate().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, kill * 12));
      await server.kill();
      await rotation;
      if (keys().length > 1) unfinished++;
      server.start();
      await server.ready();
      await check();
    }
    assert.ok(unfinished > 0, "no kill came in the midst of a rotation");
    await rotate(); // what may be left of the last one
    const { resumed, unreadable } = await rotate();
    assert.deepEqual([resumed, unreadable, keys().length], [false, 0, 1]);
    const files = await check();
    assert.ok(!files.some((bytes) => bytes.includes(`:${first!.name}:`)), "values under the first key are gone");
    assert.equal(statSync(encryptionKeys).mode & 0o777, 0o600);
    assert.ok(!existsSync(`${encryptionKeys}.new`));
    const [key] = keys();
    const status = `Encryption:  enabled\nActive key:  ${key!.name}\nOther keys:  none\nSecrets:     ${OBJECTS} under the first key, 0 under another, 0 plain, 0 unreadable\n`;
    assert.equal(await server.skiff("secrets-encrypt", "status"), status);
    assert.match(
      await server.skiff("secrets-encrypt", "rotate-keys"),
      new RegExp(`^secrets are encrypted by a new key, key-[0-9a-f]{8}: ${OBJECTS} written\n$`),
    );
    assert.notEqual(keys()[0]!.name, key!.name);
    await server.kill();
    await assert.rejects(server.skiff("secrets-encrypt", "rotate-keys"), /SKF-0301/);
  } finally {
    await server.close();
    rmSync(folder, { recursive: true });
  }
});
