import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import type { Sandbox } from "#kubelet/cri/types.ts";
import { silentLogger } from "#lib/logger.ts";
import { SimClock } from "#lib/sim-clock.ts";

import type { NetworkPaths } from "./pod-networks.ts";
import { killTree } from "./processes.ts";
import { Sweeper } from "./sweeper.ts";

const MINUTE_MS = 60_000;
const ID = "0123456789abcdef".repeat(4);

/** A node's folders in a temporary one; `known` are the sandboxes that its runtime tells of. */
async function world(run: (node: ReturnType<typeof nodeIn>) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "skiff-sweeper-"));
  try {
    await run(nodeIn(dir));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function nodeIn(dir: string) {
  const at = (name: string) => join(dir, name);
  const containerd = {
    binary: "containerd",
    root: at("root"),
    state: at("state"),
    socket: at("s.sock"),
    configFile: at("c.toml"),
    certsDir: at("certs"),
    logFile: at("log"),
  };
  const config: NetworkPaths = { containerd, cni: { binDir: at("bin"), confDir: at("cni"), bridge: "none0" }, dataDir: dir };
  const clock = new SimClock(0);
  const known: string[] = [];
  const runtime = { listPodSandboxes: async () => known.map((id) => ({ id }) as Sandbox), listContainers: async () => [] };
  const sweeper = new Sweeper(config, { clock, log: silentLogger, env: {} });
  const makeTask = (id: string) => mkdirSync(join(containerd.state, "io.containerd.runtime.v2.task/k8s.io", id), { recursive: true });
  const hasTask = (id: string) => existsSync(join(containerd.state, "io.containerd.runtime.v2.task/k8s.io", id));
  return { dir, at, clock, known, sweeper, sweep: () => sweeper.sweep(runtime), makeTask, hasTask };
}

test("Sweeper leaves alone what the runtime may just be making, and removes what it does not tell of for long", () =>
  world(async ({ clock, known, sweep, makeTask, hasTask }) => {
    makeTask("coming");
    makeTask("nobodys");
    for (let minute = 0; minute < 5; minute++) {
      await sweep();
      await clock.advance(MINUTE_MS);
      if (minute === 2) known.push("coming");
      assert.deepEqual([hasTask("coming"), hasTask("nobodys")], [true, true]);
    }
    await sweep();
    assert.deepEqual([hasTask("coming"), hasTask("nobodys")], [true, false]);
  }));

test("Sweeper removes at once what a runtime made that is no more, and the next one does not know", () =>
  world(async ({ known, sweeper, sweep, makeTask, hasTask }) => {
    for (const id of ["kept", "lost"]) makeTask(id);
    known.push("kept");
    sweeper.runtimeIsDown();
    makeTask("coming");
    await sweep();
    assert.deepEqual(["kept", "lost", "coming"].filter(hasTask), ["kept", "coming"]);
  }));

test("Sweeper has the plugins give back a sandbox's address, the last one first", () =>
  world(async ({ dir, at, sweeper, sweep }) => {
    const lease = join(dir, "agent/cni/skiff/10.1.0.2");
    mkdirSync(join(dir, "agent/cni/skiff"), { recursive: true });
    mkdirSync(at("cni-hostport"));
    mkdirSync(at("bin"));
    writeFileSync(lease, `${ID}\r\neth0`);
    writeFileSync(
      join(at("cni-hostport"), "10-skiff.conflist"),
      JSON.stringify({ cniVersion: "0.4.0", name: "skiff", plugins: [{ type: "first" }, { type: "second" }] }),
    );
    for (const name of ["first", "second"]) {
      writeFileSync(join(at("bin"), name), `#!/bin/sh\necho ${name} $CNI_COMMAND $CNI_CONTAINERID >> ${dir}/calls\n[ ${name} = second ] || /bin/rm ${lease}\n`);
      chmodSync(join(at("bin"), name), 0o755);
    }
    sweeper.runtimeIsDown();
    await sweep();
    assert.equal(readFileSync(at("calls"), "utf8"), `second DEL ${ID}\nfirst DEL ${ID}\n`);
    await sweep();
    assert.equal(readFileSync(at("calls"), "utf8").split("\n").length, 3);
  }));

test("killTree() ends a process and those below it", async () => {
  const parent = spawn("sh", ["-c", "sleep 600 & echo $!; wait"], { stdio: ["ignore", "pipe", "ignore"] });
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  const exit = once(parent, "exit");
  const closed = once(parent.stdout, "close"); // when the child, which holds it too, has ended
  killTree(parent.pid as number);
  assert.deepEqual(await exit, [null, "SIGKILL"]);
  await closed;
  assert.ok(Number(line) > 0);
});
