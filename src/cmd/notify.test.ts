import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { systemClock } from "#lib/system-clock.ts";

import { serviceNotifier, withoutNotifier } from "./notify.ts";

const dir = mkdtempSync(join(tmpdir(), "skiff-notify-"));
after(() => rmSync(dir, { recursive: true }));

const missing = ["systemd-notify", "perl"].find((tool) => spawnSync("which", [tool]).status !== 0);

/** A service manager's end of the socket, which prints what it is told. */
const MANAGER = `use Socket; $| = 1; socket(S, PF_UNIX, SOCK_DGRAM, 0) and bind(S, sockaddr_un($ARGV[0])) or die; print "up\\n";
  while (defined recv(S, my $told, 4096, 0)) { print "$told\\n" if $told ne "" && $told !~ /^BARRIER/; }`;

test("serviceNotifier() tells a service manager through its socket", { skip: missing === undefined ? false : `needs ${missing}` }, async () => {
  const socket = join(dir, "notify");
  const manager = spawn("perl", ["-e", MANAGER, socket], { stdio: ["ignore", "pipe", "inherit"] });
  let told = "";
  manager.stdout.on("data", (chunk: Buffer) => (told += chunk.toString()));
  while (!existsSync(socket) || !told.includes("up")) await new Promise((resolve) => systemClock.after(5, () => resolve(undefined)));
  const notify = serviceNotifier({ PATH: process.env["PATH"], NOTIFY_SOCKET: socket });
  notify("READY=1", "STATUS=serves");
  while (!told.includes("STATUS=serves")) await once(manager.stdout, "data");
  notify("STOPPING=1");
  while (!told.includes("STOPPING=1")) await once(manager.stdout, "data");
  assert.deepEqual(told.trim().split("\n"), ["up", "READY=1", "STATUS=serves", "STOPPING=1"]);
  manager.kill("SIGKILL");
  await once(manager, "exit");
});

test("serviceNotifier() does nothing without a manager, and fails nobody without the tool", () => {
  serviceNotifier({})("READY=1");
  serviceNotifier({ NOTIFY_SOCKET: join(dir, "nobody"), PATH: dir })("READY=1");
});

test("withoutNotifier() keeps the rest", () => {
  assert.deepEqual(withoutNotifier({ NOTIFY_SOCKET: "/run/x", PATH: "/bin" }), { PATH: "/bin" });
  const printed = execFileSync("/usr/bin/env", { env: withoutNotifier({ NOTIFY_SOCKET: "/run/x", PATH: "/bin" }), encoding: "utf8" });
  assert.equal(printed, "PATH=/bin\n");
});
