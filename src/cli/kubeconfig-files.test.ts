import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { configOwner, kubeconfigPaths, mergeKubeconfig, removeFromKubeconfig } from "./kubeconfig-files.ts";

const dir = mkdtempSync(join(tmpdir(), "skiff-kubeconfig-"));
after(() => rmSync(dir, { recursive: true }));
const stanzas = { name: "skiff", server: "https://127.0.0.1:6443", ca: "CA", certificate: "CERT", key: "KEY" };
const owner = { home: dir, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

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

test("mergeKubeconfig() makes a private file, and removeFromKubeconfig() empties it", async () => {
  const path = join(dir, "new/config");
  assert.equal(await mergeKubeconfig([path], stanzas, true, owner), "");
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.match(readFileSync(path, "utf8"), /current-context: skiff/);
  await removeFromKubeconfig([path], "skiff", "", owner);
  assert.doesNotMatch(readFileSync(path, "utf8"), /skiff/);
  assert.ok(!existsSync(`${path}.lock`));
});

test("mergeKubeconfig() takes an empty file", async () => {
  const path = join(dir, "empty");
  writeFileSync(path, "");
  await mergeKubeconfig([path], stanzas, true, owner);
  assert.match(readFileSync(path, "utf8"), /kind: Config/);
});

test("mergeKubeconfig() does not touch a file that is no YAML or is locked", async () => {
  const broken = join(dir, "broken");
  writeFileSync(broken, "a: [");
  await assert.rejects(mergeKubeconfig([broken], stanzas, true, owner), { id: "SKF-1701" });
  const locked = join(dir, "locked");
  writeFileSync(`${locked}.lock`, "");
  await assert.rejects(mergeKubeconfig([locked], stanzas, true, owner), { id: "SKF-1102" });
});
