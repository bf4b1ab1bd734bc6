import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mortal } from "#test/e2e/support/mortal.ts";
import { freePort } from "#test/e2e/support/ports.ts";
import type { Pair } from "#test/pki/test-pki.ts";

export interface EtcdOptions {
  readonly members?: number;
  /** With these, clients speak TLS and need a certificate of the same authority. */
  readonly tls?: { readonly ca: string; readonly server: Pair };
}

export interface EtcdMember {
  readonly endpoint: string;
  /** Resolves when it takes connections. */
  start(): Promise<void>;
  /** SIGKILL, unless another signal is named; resolves when it has ended. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Stops it as it is, like a machine that hangs; resolves when none of its threads runs any more. */
  freeze(): Promise<void>;
  thaw(): void;
}

export interface Etcd {
  readonly endpoints: readonly string[];
  readonly members: readonly EtcdMember[];
  /** Removes the data of members that were killed: they begin empty. */
  forget(): void;
  stop(): Promise<void>;
}

/** Starts Debian's etcd on loopback: one member, or a cluster of several. They end with this process, however it ends. */
export async function startEtcd({ members: count = 1, tls }: EtcdOptions = {}): Promise<Etcd> {
  const root = mkdtempSync(join(tmpdir(), "skiff-etcd-"));
  const scheme = tls === undefined ? "http" : "https";
  const files = { ca: join(root, "ca.crt"), cert: join(root, "server.crt"), key: join(root, "server.key") };
  if (tls !== undefined) {
    writeFileSync(files.ca, tls.ca);
    writeFileSync(files.cert, tls.server.cert);
    writeFileSync(files.key, tls.server.key);
  }
  const seats: { readonly name: string; readonly client: number; readonly peer: string }[] = [];
  for (let i = 0; i < count; i++) seats.push({ name: `m${i}`, client: await freePort(), peer: `http://127.0.0.1:${await freePort()}` });
  const cluster = seats.map(({ name, peer }) => `${name}=${peer}`).join(",");
  const members = seats.map(({ name, client, peer }) => {
    const endpoint = `${scheme}://127.0.0.1:${client}`;
    const flags = {
      name: name,
      "data-dir": join(root, name),
      "listen-client-urls": endpoint,
      "advertise-client-urls": endpoint,
      "listen-peer-urls": peer,
      "initial-advertise-peer-urls": peer,
      "initial-cluster": cluster,
      "heartbeat-interval": "50",
      "election-timeout": "500",
      logger: "zap",
      "log-level": "error",
      ...(tls !== undefined && { "trusted-ca-file": files.ca, "cert-file": files.cert, "key-file": files.key, "client-cert-auth": "true" }),
    };
    return new Member(
      endpoint,
      client,
      Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`),
    );
  });
  const stop = async () => {
    await Promise.all(members.map((member) => member.kill()));
    rmSync(root, { recursive: true, force: true });
  };
  try {
    await Promise.all(members.map((member) => member.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    endpoints: seats.map((_, i) => members[i]!.endpoint),
    members,
    forget: () => seats.forEach(({ name }) => rmSync(join(root, name), { recursive: true })),
    stop,
  };
}

class Member implements EtcdMember {
  readonly endpoint: string;
  readonly #port: number;
  readonly #flags: readonly string[];
  #child: ChildProcess | undefined;

  constructor(endpoint: string, port: number, flags: readonly string[]) {
    this.endpoint = endpoint;
    this.#port = port;
    this.#flags = flags;
  }

  async start(): Promise<void> {
    const child = spawn(...mortal("etcd", ...this.#flags), { stdio: ["ignore", "ignore", "pipe"] });
    this.#child = child;
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => void (said = (said + chunk).slice(-2000)));
    for (;;) {
      if (child.exitCode !== null) throw new Error(`etcd ended with code ${child.exitCode}: ${said}`);
      if (await connects(this.#port)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    if (signal === "SIGKILL") child.kill("SIGCONT");
    await exited;
  }

  async freeze(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) return;
    child.kill("SIGSTOP");
    while (!isStopped(child.pid)) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  thaw(): void {
    this.#child?.kill("SIGCONT");
  }
}

/** The signal takes effect when one of the threads next runs, which on a busy machine may be later than the others' next work. */
function isStopped(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) => /^State:\tT/m.test(readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8")));
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
