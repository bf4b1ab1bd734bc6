import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { HttpTransport } from "#client/http-transport.ts";
import { systemClock } from "#lib/system-clock.ts";
import { SecretsEncryption } from "#storage/encryption/secrets-encryption.ts";
import { createMemoryStore } from "#storage/memory/memory-store.ts";
import { startTestServer } from "#test/api-server/test-server.ts";

const keyOf = (name: string) => `/registry/secrets/default/${name}`;
const secret = (name: string) => Buffer.from(JSON.stringify({ kind: "Secret", apiVersion: "v1", metadata: { name, namespace: "default", uid: name } }));

test("a Secret that cannot be decrypted is an internal error by itself and in lists; the server and other Secrets go on", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skiff-unreadable-"));
  const raw = createMemoryStore();
  const { store } = SecretsEncryption.open(raw, join(folder, "keys.json"), true);
  for (const name of ["good", "bad"]) await store.commit([{ key: keyOf(name), value: secret(name), expected: 0 }]);
  await raw.commit([{ key: keyOf("bad"), value: (await raw.get(keyOf("good")))!.value, expected: undefined }]);
  const { url, ca, admin, close } = await startTestServer({ store });
  const transport = new HttpTransport({ server: url, ca, ...admin, clock: systemClock });
  try {
    const secrets = "/api/v1/namespaces/default/secrets";
    const ask = async (path: string, method = "GET") => {
      const { status, body } = await transport.request({ path, method });
      return { status, message: (JSON.parse(body.toString()) as { message?: string }).message };
    };
    const refusal = { status: 500, message: `Internal error occurred: unable to transform key "${keyOf("bad")}": cipher: message authentication failed` };
    assert.equal((await ask(`${secrets}/good`)).status, 200);
    assert.deepEqual(await ask(`${secrets}/bad`), refusal);
    assert.deepEqual(await ask(secrets), refusal);
    assert.deepEqual(await ask(`${secrets}?labelSelector=a%3Db`), refusal);
    assert.deepEqual(await ask(`${secrets}/bad`, "DELETE"), refusal);
    assert.equal((await ask(`${secrets}/good`, "DELETE")).status, 200);
    assert.equal((await ask("/version")).status, 200);
  } finally {
    transport.close();
    await close();
    rmSync(folder, { recursive: true });
  }
});
