import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { KEPT_LOGS, MAX_LOG_BYTES } from "#lib/bounded-log.ts";
import { sleep } from "#lib/clock.ts";
import { systemClock } from "#lib/system-clock.ts";
import { formatError, SkiffError } from "./errors.ts";
import { parseImages } from "./image.ts";
import { mountsBelow } from "./mounts.ts";
import { defaultDevice } from "./node-address.ts";
import { parseOwner, requireFreePort } from "./ports.ts";
import { CLUSTER_VARIABLE, clusterProcesses, endAll, isAlive, parseStat, roleOf } from "./processes.ts";
import { isOurTable } from "./network.ts";
import { saysReadySince } from "./readiness.ts";
import type { Context } from "./context.ts";
import { readSettings } from "./settings.ts";
import { lastKnownError, refusalIn, startProgram, supervisorOf, waitFor } from "./start.ts";
import { stateOf } from "./status.ts";
import { stopPrograms } from "./stop.ts";
import { hasSystemd } from "./systemd.ts";

const dir = mkdtempSync(join(tmpdir(), "skiff-machine-"));
after(() => rmSync(dir, { recursive: true }));
const supervise = new URL("../../bin/supervise", import.meta.url).pathname;

test("clusterProcesses() finds a process by its mark, and endAll() ends it though it does not listen", async () => {
  const child = spawn("/bin/sh", ["-c", "trap '' TERM; echo ready; sleep 60 & wait; wait"], {
    env: { PATH: process.env["PATH"], [CLUSTER_VARIABLE]: dir },
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  const found = clusterProcesses(dir);
  const shell = found.find(({ pid }) => pid === child.pid);
  assert.ok(shell !== undefined && isAlive(shell));
  assert.ok(!isAlive({ ...shell, startTicks: shell.startTicks + 1 }));
  await endAll(found, 50, systemClock);
  assert.deepEqual(clusterProcesses(dir), []);
});

test("bin/supervise starts a program again however it ended, wrong settings included, and hands TERM on", async () => {
  const log = join(dir, "program.log");
  const script = join(dir, "program");
  writeFileSync(
    script,
    `echo run >>${dir}/runs; case $(wc -l <${dir}/runs) in 1) exit 17 ;; 2) kill -9 $$ ;; 3) exit 0 ;; esac; echo fourth; trap 'exit 0' TERM; while :; do sleep 0.05; done\n`,
  );
  const supervisor = spawn("/bin/sh", [supervise, log, "/bin/sh", script], { stdio: "ignore" });
  while (!existsSync(log) || !readFileSync(log, "utf8").includes("fourth")) await new Promise((resolve) => systemClock.after(20, () => resolve(undefined)));
  const codes = [...readFileSync(log, "utf8").matchAll(/"msg":"process ended".*"code":(\d+)/g)].map(([, code]) => code);
  assert.deepEqual(codes, ["17", "137", "0"]);
  supervisor.kill("SIGTERM");
  assert.deepEqual(await once(supervisor, "exit"), [0, null]);
});

test("bin/supervise puts a full log aside, and keeps a few", async () => {
  const log = join(dir, "full.log");
  for (const [file, text] of [
    [log, "1"],
    [`${log}.1`, "2"],
    [`${log}.2`, "3"],
    [`${log}.3`, "4"],
  ] as const)
    writeFileSync(file, text);
  truncateSync(log, MAX_LOG_BYTES + 1);
  const supervisor = spawn("/bin/sh", [supervise, log, "/bin/sh", "-c", "echo begun; sleep 60"], { stdio: "ignore", detached: true });
  while (!existsSync(log) || readFileSync(log, "utf8") !== "begun\n") await sleep(systemClock, 20);
  process.kill(-supervisor.pid!, "SIGTERM");
  await once(supervisor, "exit");
  const aside = Array.from({ length: KEPT_LOGS }, (_, n) => readFileSync(`${log}.${n + 1}`, "utf8").replaceAll("\0", ""));
  assert.deepEqual([aside, existsSync(`${log}.${KEPT_LOGS + 1}`)], [["1", "2", "3"], false]);
});

const programs = hasSystemd() ? "a real systemd would be asked for units" : false;

/** A cluster whose server is a shell script. */
function cluster(name: string, script: string): Context {
  const dataDir = join(dir, name);
  const file = join(dir, `${name}.sh`);
  writeFileSync(file, script);
  const settings = readSettings({ flags: { "data-dir": dataDir }, file: {} }, { hostname: "n", nodeIp: "192.0.2.1" });
  const silent = () => {};
  return {
    clock: systemClock,
    env: { PATH: process.env["PATH"] },
    out: silent,
    err: silent,
    self: ["/bin/sh", file],
    settings,
    hostname: "n",
    home: dir,
    supervisor: supervise,
  };
}

const REFUSAL = formatError(new SkiffError("SKF-1004", "the clock is wrong", { reason: "it is 1970", remedy: "date --set" }));

test("waitFor() stops a program that it has seen refused, and says why", { skip: programs }, async () => {
  const context = cluster("refused", `cat >&2 <<'END'\n${REFUSAL}END\nexit 10\n`);
  const launched = await startProgram("server", [], {}, context);
  await assert.rejects(
    waitFor("it runs", launched, 10_000, context, async () => false),
    { id: "SKF-1004", message: "the clock is wrong" },
  );
  assert.deepEqual(clusterProcesses(context.settings.dataDir), []);
});

test("waitFor() leaves a supervisor to its trying that was there before, which startProgram() makes try at once", { skip: programs }, async () => {
  const runs = join(dir, "tries");
  const context = cluster("found", `echo run >>${runs}; cat >&2 <<'END'\n${REFUSAL}END\nexit 10\n`);
  await startProgram("server", [], {}, context);
  const tries = () => (existsSync(runs) ? readFileSync(runs, "utf8").split("\n").length - 1 : 0);
  const pause = () => clusterProcesses(context.settings.dataDir).find(({ command }) => command[1] === "6.4");
  while (pause() === undefined) await sleep(systemClock, 20);
  const before = tries();
  const beganMs = systemClock.monotonic();
  const launched = await startProgram("server", clusterProcesses(context.settings.dataDir), {}, context);
  await assert.rejects(
    waitFor("it runs", launched, 10_000, context, async () => false),
    { id: "SKF-1004" },
  );
  assert.deepEqual([launched.found, tries(), systemClock.monotonic() - beganMs < 5000], [true, before + 1, true]);
  assert.ok(supervisorOf(clusterProcesses(context.settings.dataDir), "server"));
  await stopPrograms(context.settings.dataDir, systemClock);
  assert.deepEqual(clusterProcesses(context.settings.dataDir), []);
});

test("refusalIn() takes what a program says up to its first refusal, and no other end for one", () => {
  const ended = (code: number) => `{"time":"2026-01-01T00:00:00Z","level":"error","msg":"process ended","command":"/n/node","code":${code}}\n`;
  assert.equal(refusalIn(`a\n${ended(137)}b\n${ended(11)}c\n${ended(10)}`), `a\n${ended(137)}b\n`);
  assert.equal(refusalIn(`a\n${ended(1)}${ended(137)}${ended(143)}`), undefined);
});

test("requireFreePort() says who has the port", async () => {
  const server = createServer().listen(0, "0.0.0.0");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await assert.rejects(requireFreePort(port, "https-listen-port"), { id: "SKF-1101" });
  server.close();
  await once(server, "close");
  await requireFreePort(port, "https-listen-port");
});

test("parseOwner() reads ss", () => {
  const line = 'LISTEN 0 511 *:6443 *:* users:(("haproxy",pid=812,fd=5),("haproxy",pid=813,fd=5))';
  assert.equal(parseOwner(line), "haproxy (pid 812)");
  assert.equal(parseOwner(""), undefined);
});

test("parseStat() survives a name with brackets", () => {
  const rest = Array.from({ length: 17 }, (_, index) => index).join(" ");
  assert.deepEqual(parseStat(`7 (a) b) S 3 ${rest} 4242 0`), { state: "S", parent: 3, startTicks: 4242 });
});

for (const [command, role] of [
  ["/bin/sh /x/bin/supervise /x/server.log /n/node main.cjs server", "supervisor"],
  ["/n/node /x/dist/bundle/main.cjs agent --data-dir /d", "agent"],
  ["/usr/bin/containerd --config /d/c.toml", "containerd"],
  ["/usr/bin/containerd-shim-runc-v2 -namespace k8s.io", "shim"],
  ["/n/node /x/dist/bundle/main.cjs status", "other"],
] as const) {
  test(`roleOf() sees ${role}`, () => {
    assert.equal(roleOf(command.split(" ")), role);
  });
}

test("supervisorOf() does not take a node's name for a program", () => {
  const command = "/bin/sh /x/bin/supervise /x/agent.log /n/node main.cjs agent --node-name server".split(" ");
  const agents = { pid: 7, parent: 1, startTicks: 1, role: "supervisor", command } as const;
  assert.deepEqual([supervisorOf([agents], "agent"), supervisorOf([agents], "server")], [agents, undefined]);
});

test("mountsBelow() gives the innermost first, no neighbours, and not the folder itself", () => {
  const line = (point: string) => `36 35 98:0 / ${point} rw - tmpfs tmpfs rw`;
  const mountinfo = ["/d", "/d/a", "/d/a/b\\040c", "/data"].map(line).join("\n");
  assert.deepEqual(mountsBelow(["/d"], mountinfo), ["/d/a/b c", "/d/a"]);
});

test("isOurTable() leaves other people's tables alone", () => {
  assert.deepEqual(
    ["skiff", "skiff_nat", "skiff-x", "skiffle", "filter"].map((name) => isOurTable(name, "skiff")),
    [true, true, true, false, false],
  );
});

test("defaultDevice() takes the route with the lowest metric", () => {
  const row = (device: string, destination: string, metric: number, mask: string) =>
    `${device}\t${destination}\t0100A8C0\t0003\t0\t0\t${metric}\t${mask}\t0\t0\t0`;
  const table = [
    "Iface\tDestination",
    row("eth1", "00000000", 200, "00000000"),
    row("eth0", "00000000", 100, "00000000"),
    row("eth2", "0000000A", 0, "000000FF"),
  ];
  assert.equal(defaultDevice(table.join("\n")), "eth0");
  assert.equal(defaultDevice("Iface\tDestination\n"), undefined);
});

test("parseImages() leaves out the entries by digest", () => {
  const listing =
    "REF TYPE DIGEST SIZE PLATFORMS LABELS\ndocker.io/library/a:1 t sha256:abc 1.5 MiB linux/amd64 -\nsha256:abc t sha256:abc 1.5 MiB linux/amd64 -\n";
  assert.deepEqual(parseImages(listing), [{ name: "docker.io/library/a:1", digest: "sha256:abc", size: "1.5 MiB" }]);
});

test("lastKnownError() is the error by which a program ended, not one of an earlier run", () => {
  const told = formatError(new SkiffError("SKF-1103", "the database is damaged", { reason: "page 3", remedy: "restore it" }));
  const ended = '{"level":"error","msg":"process ended","code":11}\n';
  const starts = '{"level":"info","msg":"server starts"}\n';
  const found = lastKnownError(`${starts}${formatError(new SkiffError("SKF-1004", "old"))}${starts}${told}${ended}`);
  assert.deepEqual([found?.id, found?.message, found?.reason, found?.remedy], ["SKF-1103", "the database is damaged", "page 3", "restore it"]);
  assert.equal(lastKnownError(`${told}${ended}${starts}TypeError: x\n${ended}`), undefined);
  assert.equal(lastKnownError(""), undefined);
});

test("saysReadySince() does not believe a state from before the agent's start, nor one from the future", () => {
  const node = (status: string) =>
    `{"metadata":{"name":"n"},"status":{"conditions":[{"type":"Ready","status":"${status}","lastHeartbeatTime":"2026-01-01T00:00:10Z"}]}}`;
  const at = (second: number) => Date.UTC(2026, 0, 1, 0, 0, second);
  assert.deepEqual([saysReadySince(node("True"), at(10) + 900), saysReadySince(node("True"), at(11)), saysReadySince(node("True"), 0)], [true, false, true]);
  assert.equal(saysReadySince(node("True"), at(10) - 86_400_000), false);
  assert.equal(saysReadySince(node("False"), 0), false);
});

test("stateOf() calls a cluster running only when all is Ready", () => {
  const node = { name: "n", ready: true };
  const parts = { server: { pid: 1, supervised: true, ready: true, url: "" }, agent: { pid: 2, supervised: true } };
  assert.equal(stateOf(parts, [node]), "running");
  assert.equal(stateOf(parts, [{ name: "n", ready: false }]), "degraded");
  assert.equal(stateOf({ ...parts, agent: { pid: null, supervised: true } }, [node]), "degraded");
  assert.equal(stateOf({ ...parts, agent: { pid: 2, supervised: false } }, [node]), "degraded");
  assert.equal(stateOf({ server: { pid: null, supervised: false, ready: false, url: "" }, agent: { pid: null, supervised: false } }, []), "stopped");
});
