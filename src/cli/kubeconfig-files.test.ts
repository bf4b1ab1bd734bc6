import assert from "node:assert/strict";
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { SimClock } from "#lib/sim-clock.ts";
import { systemClock } from "#lib/system-clock.ts";
import { configOwner, kubeconfigPaths, mergeKubeconfig, removeFromKubeconfig } from "./kubeconfig-files.ts";

const dir = mkdtempSync(join(tmpdir(), "skiff-kubeconfig-"));
after(() => rmSync(dir, { recursive: true }));
const stanzas = { name: "skiff", server: "https://127.0.0.1:6443", ca: "CA", certificate: "CERT", key: "KEY" };
const owner = { home: dir, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

const access = { owner, clock: systemClock };

test("kubeconfigPaths() prefers the flag, then the list, then the home folder", () => {
  assert.deepEqual(kubeconfigPaths("/f", "/a:/b", "/h"), ["/f"]);
  assert.deepEqual(kubeconfigPaths(undefined, "/a::/b:/a", "/h"), ["/a", "/b"]);
  assert.deepEqual(kubeconfigPaths(undefined, "", "/h"), ["/h/.kube/config"]);
});

test("configOwner() is the user behind sudo", () => {
  const passwd = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1001:Ann:/home/ann:/bin/bash\n";
  assert.deepEqual(configOwner({ SUDO_USER: "ann", HOME: "/root" }, passwd), { home: "/home/ann", uid: 1000, gid: 1001 });
  assert.equal(configOwner({ HOME: "/root" }, passwd).home, "/root");
});

test("mergeKubeconfig() makes a private file, which removeFromKubeconfig() removes when nothing else is in it", async () => {
  const path = join(dir, "new/.kube/config");
  assert.deepEqual(await mergeKubeconfig([path], stanzas, true, access), { previous: "", made: [path] });
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.match(readFileSync(path, "utf8"), /current-context: skiff/);
  assert.deepEqual((await mergeKubeconfig([path], { ...stanzas, name: "other" }, true, access)).made, []);
  await removeFromKubeconfig([path], { name: "skiff", previous: "", made: [path] }, access);
  assert.doesNotMatch(readFileSync(path, "utf8"), /skiff/);
  await removeFromKubeconfig([path], { name: "other", previous: "", made: [path] }, access);
  assert.deepEqual(readdirSync(join(dir, "new")), []);
});

/** As client-go writes it. */
const KUBECTLS = `apiVersion: v1
clusters:
- cluster:
    server: https://prod:6443
  name: prod
contexts:
- context:
    cluster: prod
    user: ann
  name: prod
current-context: prod
kind: Config
preferences: {}
users:
- name: ann
  user:
    token: secret
`;
const INDENTED = KUBECTLS.replace(/^(- | {2,4})/gm, "  $1").replace("kind: Config", "# mine\nkind: Config");

for (const [name, text] of Object.entries({ KUBECTLS, INDENTED })) {
  test(`mergeKubeconfig() and removeFromKubeconfig() leave a file as it was, to the letter: ${name}`, async () => {
    const path = join(dir, name);
    const link = join(dir, `${name}-link`);
    writeFileSync(path, text, { mode: 0o640 });
    symlinkSync(path, link);
    const { previous } = await mergeKubeconfig([link], stanzas, true, access);
    assert.equal(previous, "prod");
    assert.match(readFileSync(path, "utf8"), /current-context: skiff/);
    await removeFromKubeconfig([link], { name: "skiff", previous, made: [] }, access);
    assert.equal(readFileSync(path, "utf8"), text);
    assert.equal(statSync(path).mode & 0o777, 0o640);
    assert.ok(lstatSync(link).isSymbolicLink());
  });
}

test("mergeKubeconfig() takes an empty file", async () => {
  const path = join(dir, "empty");
  writeFileSync(path, "");
  await mergeKubeconfig([path], stanzas, true, access);
  assert.match(readFileSync(path, "utf8"), /kind: Config/);
});

test("mergeKubeconfig() does not touch a file that is no YAML, no kubeconfig or is locked", async () => {
  for (const text of ["a: [", "only words", "- a list"]) {
    const broken = join(dir, "broken");
    writeFileSync(broken, text);
    await assert.rejects(mergeKubeconfig([broken], stanzas, true, access), { id: "SKF-1701" });
    assert.equal(readFileSync(broken, "utf8"), text);
  }
  const locked = join(dir, "locked");
  writeFileSync(`${locked}.lock`, "");
  const clock = new SimClock();
  const waiting = assert.rejects(mergeKubeconfig([locked], stanzas, true, { owner, clock }), { id: "SKF-1102" });
  for (let i = 0; i < 300; i++) {
    clock.advance(20);
    await Promise.resolve();
  }
  await waiting;
});

test("mergeKubeconfig() waits for others, and takes over the lock of a skiff that was killed", async () => {
  const path = join(dir, "shared");
  writeFileSync(`${path}.lock`, `skiff ${process.pid} 1`);
  const names = Array.from({ length: 8 }, (_, index) => `skiff-${index}`);
  await Promise.all(names.map((name) => mergeKubeconfig([path], { ...stanzas, name }, true, access)));
  const text = readFileSync(path, "utf8");
  for (const name of names) assert.ok(text.includes(`cluster: ${name}\n`), name);
  assert.deepEqual(
    readdirSync(dir).filter((entry) => entry.startsWith("shared")),
    ["shared"],
  );
});
