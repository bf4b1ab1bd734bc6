import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { arch, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { cniConfig } from "./cni-config.ts";
import { containerdConfig } from "./containerd-config.ts";
import { runningPid } from "./containerd.ts";
import { pauseArchive, pauseProgram } from "./pause-image.ts";
import { hostsFiles, isLoopback, parseRegistries, registryConfigs } from "./registries.ts";

test("pauseProgram() runs, and ends well on SIGTERM", { skip: arch() !== "x64" ? "not an x86-64 machine" : false }, async () => {
  const dir = mkdtempSync(join(tmpdir(), "skiff-pause-"));
  const file = join(dir, "pause");
  writeFileSync(file, pauseProgram("amd64"), { mode: 0o755 });
  const child = spawn(file, { stdio: "ignore" });
  await once(child, "spawn");
  // A signal before the program has set its handler kills it, so the process is asked until it sleeps.
  const asleep = spawn("sh", ["-c", `until grep -q '^State:.S' /proc/${child.pid}/status; do :; done`]);
  await once(asleep, "exit");
  child.kill("SIGTERM");
  assert.deepEqual(await once(child, "exit"), [0, null]);
  rmSync(dir, { recursive: true });
});

test("pauseProgram() of arm64 sets its actions, then sleeps in ppoll", () => {
  const program = pauseProgram("arm64");
  assert.equal(program.readUInt16LE(18), 183);
  const words = Array.from({ length: 23 }, (_, i) => program.readUInt32LE(120 + 4 * i).toString(16));
  assert.equal(words[0], "d2800220");
  assert.deepEqual(words.slice(2, 6), ["d2800002", "d2800103", "d28010c8", "d4000001"]);
  assert.equal(words[18], "d4000001");
  assert.equal(words[19], "17fffff9");
  // adr x1 points at the two sigactions behind the code.
  const adr = (i: number) => ((program.readUInt32LE(120 + 4 * i) >>> 5) & 0x7ffff) * 4 + ((program.readUInt32LE(120 + 4 * i) >>> 29) & 3) + 4 * i;
  assert.deepEqual([adr(1), adr(7)], [4 * 23, 4 * 23 + 32]);
  assert.equal(program.readBigUInt64LE(120 + 4 * 23), 1n);
  assert.equal(program.readBigUInt64LE(120 + 4 * 23 + 32), BigInt(0x400078 + 4 * 20));
});

test("pauseArchive() gives the same bytes every time, under the image's name", () => {
  const archive = pauseArchive("example.test/pause:1", "amd64");
  assert.ok(archive.equals(pauseArchive("example.test/pause:1", "amd64")));
  assert.ok(archive.includes('"io.containerd.image.name":"example.test/pause:1"'));
});

test("runningPid() finds a containerd by its words when the file is not there, is damaged, or tells of an earlier one", async () => {
  const dir = mkdtempSync(join(tmpdir(), "skiff-pid-"));
  const at = (name: string) => join(dir, name);
  const configFile = at("c.toml");
  const paths = { binary: "containerd", root: dir, state: dir, socket: at("s"), configFile, certsDir: dir, logFile: at("l") };
  assert.equal(runningPid(paths), undefined);
  const child = spawn("sh", ["-c", "echo up; read line", "containerd", "--config", configFile], { stdio: ["pipe", "pipe", "ignore"] });
  await once(child.stdout, "data");
  const found = [runningPid(paths)];
  for (const text of ["", "7x", String(process.pid), String(child.pid)]) {
    writeFileSync(`${configFile}.pid`, text);
    found.push(runningPid(paths));
  }
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.deepEqual(found, Array(5).fill(child.pid));
  assert.equal(runningPid(paths), undefined);
  rmSync(dir, { recursive: true });
});

test("containerdConfig() keeps to its own paths", () => {
  const paths = { binary: "containerd", root: "/r", state: "/s", socket: "/s/c.sock", configFile: "/e/c.toml", certsDir: "/e/certs.d", logFile: "/l" };
  const cni = { binDir: "/cni", confDir: "/e/cni", bridge: "b0" };
  const text = containerdConfig({ paths, cni, sandboxImage: "p:1", restrictOomScoreAdj: true, registryConfigs: "" });
  for (const line of [
    'root = "/r"',
    'state = "/s"',
    '  address = "/s/c.sock"',
    '  conf_dir = "/e/cni"',
    '  config_path = "/e/certs.d"',
    "  restrict_oom_score_adj = true",
    '  path = "/r/opt"',
  ]) {
    assert.ok(text.split("\n").includes(line), line);
  }
});

test("cniConfig() has the plugin for ports of the host only where pods have some", () => {
  const types = (hostPorts: boolean) =>
    (JSON.parse(cniConfig({ bridge: "b0", podCidr: "10.42.0.0/24", leaseDir: "/d", hostPorts })) as { plugins: { type: string }[] }).plugins.map(
      ({ type }) => type,
    );
  assert.deepEqual(types(false), ["bridge"]);
  assert.deepEqual(types(true), ["bridge", "portmap"]);
});

const REGISTRIES = await parseRegistries(`
mirrors:
  docker.io:
    endpoint: ["127.0.0.1:5000", "https://mirror.test/v2/hub"]
  "*":
    endpoint: ["http://192.0.2.1:5000"]
configs:
  mirror.test:
    auth: { username: u, password: p }
    tls: { ca_file: /ca.crt, insecure_skip_verify: true }
`);

test("hostsFiles() has a file per registry: plain HTTP on this machine, TLS as configured", () => {
  const files = hostsFiles(REGISTRIES);
  assert.deepEqual([...files.keys()], ["docker.io", "_default", "mirror.test"]);
  assert.equal(
    files.get("docker.io"),
    [
      'server = "https://mirror.test/v2/hub"',
      'ca = "/ca.crt"',
      "skip_verify = true",
      "override_path = true",
      "",
      '[host."http://127.0.0.1:5000"]',
      '  capabilities = ["pull", "resolve"]',
      '[host."https://mirror.test/v2/hub"]',
      '  capabilities = ["pull", "resolve"]',
      '  ca = "/ca.crt"',
      "  skip_verify = true",
      "  override_path = true",
      "",
    ].join("\n"),
  );
  assert.equal(files.get("_default"), '[host."http://192.0.2.1:5000"]\n  capabilities = ["pull", "resolve"]\n');
});

test("registryConfigs() carries the credentials", () => {
  assert.match(registryConfigs(REGISTRIES), /registry\.configs\."mirror\.test"\.auth\]\n {2}username = "u"\n {2}password = "p"\n/);
});

test("parseRegistries() takes an empty file, and refuses what is no map", async () => {
  assert.deepEqual(await parseRegistries(""), {});
  await assert.rejects(parseRegistries("- a"), /must be a map/);
});

for (const { name, want } of [
  { name: "127.0.0.1:5000", want: true },
  { name: "localhost", want: true },
  { name: "[::1]:5000", want: true },
  { name: "127.example.test", want: false },
  { name: "registry.test", want: false },
]) {
  test(`isLoopback() of ${name} is ${want}`, () => assert.equal(isLoopback(name), want));
}
