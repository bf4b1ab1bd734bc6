import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";

import { PODS, SECRETS } from "#api/builtin.ts";
import type { Pod } from "#api/core-v1/types.ts";
import type { KubeletConfig } from "#kubelet/config.ts";
import { killProcess, shimsOf } from "#kubelet/leftovers/processes.ts";
import { runningPid } from "#kubelet/runtime/containerd.ts";
import { importArchive } from "#kubelet/runtime/images.ts";
import { silentLogger } from "#lib/logger.ts";
import type { TestServer } from "#test/api-server/test-server.ts";
import { cleanUp, nodeFolder } from "#test/integration/support/clean-up.ts";
import { NodeApi } from "#test/integration/support/node-api.ts";
import { busyboxArchive, configIn, IMAGE, numberOf } from "#test/integration/support/node-config.ts";

import type { AgentArgument } from "./agent-program.ts";
import { type HostState, hostState, leftIn } from "./host-state.ts";
import { Steps, type Victim } from "./steps.ts";

const PROGRAM = new URL("agent-program.ts", import.meta.url).pathname;
const POLL_MS = 50;
const FIRST_HOST_PORT = 18_100;

/** An API server in memory, and a kubelet in a process that can be killed, whose plugins and runc take countable steps. */
export class CrashCluster extends NodeApi {
  readonly config: KubeletConfig;
  readonly steps: Steps;
  readonly #dir: string;
  readonly #path: string;
  #agent: ChildProcess | undefined;

  private constructor(server: TestServer, dir: string) {
    super(server);
    const config = configIn(dir);
    this.#dir = dir;
    this.steps = new Steps(join(dir, "steps"));
    this.config = { ...config, cni: { ...config.cni, binDir: this.steps.wrap(config.cni.binDir) } };
    this.#path = `${this.steps.wrap("/usr/sbin", ["runc"])}:${process.env["PATH"] ?? ""}`;
  }

  static async start(): Promise<CrashCluster> {
    const cluster = new CrashCluster(await NodeApi.open(), await nodeFolder());
    // A run that is out of time is told so; containerd would go on.
    process.once("SIGTERM", cluster.#closeAndExit);
    await cluster.seed();
    await cluster.client.create(SECRETS, { metadata: { namespace: "default", name: "keys" }, data: { password: "aHVudGVyMg==" } });
    await cluster.givePodCidr(cluster.config.clusterCidr);
    await cluster.startAgent();
    await importArchive(cluster.config.containerd.socket, busyboxArchive());
    return cluster;
  }

  /** Resolves when the agent has taken on its pods. */
  async startAgent(): Promise<void> {
    const { server, config, steps } = this;
    const argument: AgentArgument = {
      config,
      stepsDir: steps.dir,
      server: server.url,
      tls: { ca: server.ca, ...server.admin },
      logLevel: "debug",
    };
    // It is started many times.
    const env = { ...process.env, PATH: this.#path, NODE_COMPILE_CACHE: join(this.#dir, "compiled") };
    const agent = spawn(process.execPath, [PROGRAM, JSON.stringify(argument)], { stdio: "pipe", env });
    this.#agent = agent;
    agent.stderr.pipe(createWriteStream(this.logFile, { flags: "a" }));
    const up = once(agent.stdout, "data");
    const ended = once(agent, "exit").then(([code, signal]) => Promise.reject(new Error(`the agent has ended: ${code ?? signal}, see ${this.logFile}`)));
    ended.catch(() => undefined);
    await Promise.race([up, ended]);
    writeFileSync(steps.pidFile("agent"), String(agent.pid));
    this.notePids();
  }

  get logFile(): string {
    return join(this.#dir, "agent.log");
  }

  get isAgentUp(): boolean {
    return this.#agent !== undefined && this.#agent.exitCode === null && this.#agent.signalCode === null;
  }

  /** Makes the next `arm()` know containerd as it runs now. */
  notePids(): void {
    writeFileSync(this.steps.pidFile("containerd"), String(runningPid(this.config.containerd) ?? 0));
  }

  arm(fatal: number | string, victims: readonly Victim[]): void {
    this.notePids();
    this.steps.arm(fatal, victims);
  }

  /** As `arm()`, at a time instead of a step. */
  killIn(delayMs: number, victims: readonly Victim[]): void {
    this.arm(0, victims);
    setTimeout(() => {
      if (victims.includes("shim")) for (const { pid } of shimsOf(this.config.containerd.socket)) killProcess(pid);
      this.steps.fire(`${delayMs} ms`);
    }, delayMs);
  }

  /** A pod with everything that leaves traces: files of each sort, a mount, a port of the node, hooks. */
  createFullPod(name: string): Promise<Pod> {
    const container = {
      name: "c",
      image: IMAGE,
      command: ["sh", "-c", "trap 'exit 0' TERM; sleep 1000 & wait"],
      ports: [{ containerPort: 8080, hostPort: FIRST_HOST_PORT + numberOf(this.#dir) }],
      volumeMounts: [
        { name: "keys", mountPath: "/keys" },
        { name: "memory", mountPath: "/memory" },
      ],
      lifecycle: { preStop: { exec: { command: ["true"] } } },
    };
    const volumes = [
      { name: "keys", secret: { secretName: "keys" } },
      { name: "memory", emptyDir: { medium: "Memory" } },
    ];
    return this.createPod(name, { containers: [container], volumes });
  }

  async delete(name: string, gracePeriodSeconds = 1): Promise<void> {
    await this.client.delete(PODS, { namespace: "default", name }, { gracePeriodSeconds });
  }

  /** Starts the agent if it has been killed, and waits for its death if that is under way. */
  async revive(): Promise<void> {
    if (this.isAgentUp && this.steps.fired !== undefined && this.#agentIsVictim()) await once(this.#agent as ChildProcess, "exit");
    if (!this.isAgentUp) await this.startAgent();
  }

  /** Resolves once the machine is as it should be; tells what differs when it is not in time. */
  async untilHost(what: string, holds: (state: HostState) => unknown, timeoutMs = 15_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const state = await hostState(this.config);
      const wrong = holds(state);
      if (wrong === undefined) return;
      if (Date.now() > deadline) throw new Error(`${what}: ${JSON.stringify(wrong, undefined, 1)}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async isClean(): Promise<boolean> {
    return isDeepStrictEqual(leftIn(await hostState(this.config)), {});
  }

  async untilClean(timeoutMs?: number): Promise<void> {
    await this.untilHost("left on the machine", (state) => (isDeepStrictEqual(leftIn(state), {}) ? undefined : leftIn(state)), timeoutMs);
  }

  async killAgent(): Promise<void> {
    if (!this.isAgentUp) return;
    this.#agent?.kill("SIGKILL");
    await once(this.#agent as ChildProcess, "exit");
  }

  readonly #closeAndExit = () => void this.close().finally(() => process.exit(143));

  async close(): Promise<void> {
    process.off("SIGTERM", this.#closeAndExit);
    this.steps.disarm();
    await this.killAgent();
    await cleanUp(this.config, silentLogger);
    await this.server.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #agentIsVictim(): boolean {
    return this.steps.victims.includes(this.#agent?.pid ?? 0);
  }
}
