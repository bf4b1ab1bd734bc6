import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { podOf } from "#kubelet/testing/fixtures.ts";

import { type Payload, writeAtomically } from "./atomic-writer.ts";
import { prepareHostPath } from "./host-path.ts";
import { type PayloadSources, VolumeError, volumePayload } from "./payload.ts";

const root = mkdtempSync(join(tmpdir(), "skiff-volume-"));
after(() => rmSync(root, { recursive: true }));

const files = (contents: Record<string, string>, mode = 0o644): Payload =>
  new Map(Object.entries(contents).map(([path, text]) => [path, { data: Buffer.from(text), mode }]));

test("writeAtomically() shows files through ..data and swaps them at once", () => {
  const dir = join(root, "swap");
  assert.equal(writeAtomically(dir, files({ a: "1", "sub/b": "2" }), undefined, 0), true);
  assert.equal(readlinkSync(join(dir, "a")), "..data/a");
  const first = readlinkSync(join(dir, "..data"));
  assert.match(first, /^\.\.1970_01_01_00_00_00\./);
  assert.equal(writeAtomically(dir, files({ "sub/b": "3", c: "4" }), undefined, 0), true);
  assert.notEqual(readlinkSync(join(dir, "..data")), first);
  assert.equal(readFileSync(join(dir, "sub/b"), "utf8"), "3");
  assert.deepEqual(
    readdirSync(dir).filter((name) => !name.startsWith("..")),
    ["c", "sub"],
  );
  assert.equal(readdirSync(dir).length, 4);
});

test("writeAtomically() finishes what was cut off: names are shown, and folders that nobody shows go", () => {
  const dir = join(root, "cut");
  const payload = files({ a: "1", b: "2" });
  writeAtomically(dir, payload, undefined, 0);
  rmSync(join(dir, "b")); // killed before it was shown
  mkdirSync(join(dir, "..1969_12_31_23_59_59.x"));
  mkdirSync(join(dir, "mounted")); // by a container
  writeAtomically(dir, payload, undefined, 0);
  assert.equal(readFileSync(join(dir, "b"), "utf8"), "2");
  assert.deepEqual(readdirSync(dir).sort(), [readlinkSync(join(dir, "..data")), "..data", "a", "b", "mounted"].sort());
});

test("writeAtomically() leaves equal files alone, and notices a mode", () => {
  const dir = join(root, "same");
  writeAtomically(dir, files({ a: "1" }), undefined, 0);
  const before = readlinkSync(join(dir, "..data"));
  assert.equal(writeAtomically(dir, files({ a: "1" }), undefined, 0), false);
  assert.equal(readlinkSync(join(dir, "..data")), before);
  assert.equal(writeAtomically(dir, files({ a: "1" }, 0o400), undefined, 0), true);
  assert.equal(statSync(join(dir, "a")).mode & 0o777, 0o400);
});

const SOURCES: PayloadSources = {
  configMap: (name) => Promise.resolve(name === "settings" ? ({ metadata: {}, data: { a: "1", b: "2" }, binaryData: { raw: "AAE=" } } as never) : undefined),
  secret: (name) => Promise.resolve(name === "keys" ? ({ metadata: {}, data: { k: Buffer.from("v").toString("base64") } } as never) : undefined),
  serviceAccountToken: ({ audience, expirationSeconds }) => Promise.resolve(`token ${audience} ${expirationSeconds}`),
  downward: { pod: podOf({}, { labels: { b: "2", a: 'x"y' } }), hostIps: [], podIps: [], allocatable: {} },
};
const textsOf = async (volume: object) =>
  Object.fromEntries(
    [...(await volumePayload({ name: "v", ...volume }, SOURCES))].map(([path, { data, mode }]) => [
      path,
      `${Buffer.from(data).toString("latin1")} ${mode.toString(8)}`,
    ]),
  );

test("volumePayload() of a configMap has all keys, or the chosen ones at their paths", async () => {
  assert.deepEqual(await textsOf({ configMap: { name: "settings" } }), { a: "1 644", b: "2 644", raw: "\0\x01 644" });
  const items = [{ key: "a", path: "x/y", mode: 0o600 }];
  assert.deepEqual(await textsOf({ configMap: { name: "settings", items, defaultMode: 0o440 } }), { "x/y": "1 600" });
});

test("volumePayload() of a projection joins its sources", async () => {
  const sources = [
    { secret: { name: "keys" } },
    { serviceAccountToken: { path: "token", audience: "api", expirationSeconds: 3607 } },
    { downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
    { configMap: { name: "none", optional: true } },
  ];
  assert.deepEqual(await textsOf({ projected: { sources, defaultMode: 0o444 } }), { k: "v 444", token: "token api 3607 444", labels: 'a="x\\"y"\nb="2" 444' });
});

for (const { name, volume, message } of [
  { name: "a ConfigMap", volume: { configMap: { name: "none" } }, message: 'configmap "none" not found' },
  { name: "a Secret", volume: { secret: { secretName: "none" } }, message: 'secret "none" not found' },
  { name: "a key", volume: { configMap: { name: "settings", items: [{ key: "z", path: "z" }] } }, message: "configmap references non-existent config key: z" },
]) {
  test(`volumePayload() tells that ${name} is missing`, () => assert.rejects(textsOf(volume), new VolumeError(message)));
}

test("prepareHostPath() makes what may be made and refuses what is something else", () => {
  const dir = join(root, "made/dir");
  prepareHostPath(dir, "DirectoryOrCreate");
  assert.ok(statSync(dir).isDirectory());
  const file = join(dir, "file");
  prepareHostPath(file, "FileOrCreate");
  writeFileSync(file, "kept");
  prepareHostPath(file, "FileOrCreate");
  assert.equal(readFileSync(file, "utf8"), "kept");
  assert.throws(() => prepareHostPath(file, "Directory"), new VolumeError(`hostPath type check failed: ${file} is not a directory`));
  assert.throws(() => prepareHostPath(join(dir, "none"), "File"), new VolumeError(`hostPath type check failed: ${join(dir, "none")} is not a file`));
  prepareHostPath(join(dir, "none"), "");
});

for (const { name, pod, users, want } of [
  { name: "anybody", pod: {}, users: [undefined], want: { mode: 0o644, uid: undefined } },
  { name: "the one user of all containers", pod: { runAsUser: 7 }, users: [undefined, 7], want: { mode: 0o600, uid: 7 } },
  { name: "anybody, where containers have several users", pod: { runAsUser: 7 }, users: [8, undefined], want: { mode: 0o644, uid: undefined } },
  { name: "a group", pod: { fsGroup: 9 }, users: [8, 7], want: { mode: 0o600, uid: undefined } },
  { name: "a user and a group", pod: { fsGroup: 9 }, users: [8, 8], want: { mode: 0o600, uid: 8 } },
]) {
  test(`volumePayload() gives a token to ${name}`, async () => {
    const containers = users.map((runAsUser, i) => ({ name: `c${i}`, image: "i", ...(runAsUser !== undefined && { securityContext: { runAsUser } }) }));
    const downward = { ...SOURCES.downward, pod: podOf({ securityContext: pod, containers } as object) };
    const volume = { name: "v", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } };
    const { mode, uid } = (await volumePayload(volume, { ...SOURCES, downward })).get("token")!;
    assert.deepEqual({ mode, uid }, want);
  });
}
