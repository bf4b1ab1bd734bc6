import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { pathsOf } from "#cli/paths.ts";
import { CLUSTER_VARIABLE } from "#cli/processes.ts";
import { HttpTransport } from "#client/http-transport.ts";
import { systemClock } from "#lib/system-clock.ts";
import { mortal } from "#test/e2e/support/mortal.ts";
import { freePort } from "#test/e2e/support/ports.ts";
import { bundle } from "../../tools/bundle.ts";

export interface ServerProcessOptions {
  /** Everything of this server lies below it. */
  readonly folder: string;
  readonly flags?: readonly string[];
  /** The bundle's main file; by default one is made below the folder. */
  readonly program?: string;
}

const READY_TIMEOUT_MS = 60_000;
const POLL_MS = 5;

/**
 * The product's server in a process of its own, without controllers, on a port that stays the same over restarts. It ends with this
 * process, however that ends.
 */
export class ServerProcess {
  readonly dataDir: string;
  readonly port: number;
  readonly #options: ServerProcessOptions & { readonly program: string };
  #child: ChildProcess | undefined;
  #transport: HttpTransport | undefined;

  private constructor(options: ServerProcessOptions & { readonly program: string }, port: number) {
    this.#options = options;
    this.port = port;
    this.dataDir = join(options.folder, "data");
    mkdirSync(this.dataDir, { recursive: true });
  }

  static async prepare(options: ServerProcessOptions): Promise<ServerProcess> {
    const { folder, program = join(folder, "bundle/main.cjs") } = options;
    if (options.program === undefined) await bundle(join(folder, "bundle"), join(folder, "stamp"));
    return new ServerProcess({ ...options, program }, await freePort());
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Where standard error goes, over all starts. */
  get log(): string {
    return join(this.#options.folder, "server.log");
  }

  start(): void {
    const { program, flags = [] } = this.#options;
    const own = ["--data-dir", this.dataDir, "--https-listen-port", String(this.port), "--bind-address", "127.0.0.1", "--node-ip", "127.0.0.1"];
    const words = [program, "server", ...own, "--without-controllers", "true", "--log-level", "warn", ...flags];
    const env = { ...process.env, [CLUSTER_VARIABLE]: this.dataDir, NODE_COMPILE_CACHE: join(this.#options.folder, "compiled") };
    this.#child = spawn(...mortal(process.execPath, ...words), { env, cwd: "/", stdio: ["ignore", "ignore", "pipe"] });
    this.#child.stderr!.pipe(createWriteStream(this.log, { flags: "a" }));
  }

  /** @returns milliseconds until it was ready */
  async ready(): Promise<number> {
    const begin = performance.now();
    while (!(await this.#answers())) {
      if (this.#child?.exitCode !== null) throw new Error(`the server ended with ${this.#child?.exitCode}:\n${readFileSync(this.log, "utf8").slice(-4000)}`);
      if (performance.now() - begin > READY_TIMEOUT_MS) throw new Error("the server did not become ready");
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return performance.now() - begin;
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  /** The exit code of a server that ends by itself. */
  async ended(): Promise<number | null> {
    const child = this.#child!;
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    return child.exitCode;
  }

  /** Another verb of the command line, on this server's data dir: what it prints. @throws with its stderr when it fails */
  async skiff(...words: string[]): Promise<string> {
    const settings = ["--data-dir", this.dataDir, "--https-listen-port", String(this.port)];
    const { stdout } = await promisify(execFile)(process.execPath, [this.#options.program, ...words, ...settings], { cwd: "/" });
    return stdout;
  }

  async close(): Promise<void> {
    this.#transport?.close();
    await this.kill();
  }

  /** The administrator's; the certificates must be there. */
  get transport(): HttpTransport {
    if (this.#transport !== undefined) return this.#transport;
    const { ca, admin, adminKey } = pathsOf(this.dataDir).serverTls;
    const [caText, cert, key] = [ca, admin, adminKey].map((file) => readFileSync(file, "utf8")) as [string, string, string];
    this.#transport = new HttpTransport({ server: `https://127.0.0.1:${this.port}`, ca: caText, cert, key, clock: systemClock });
    return this.#transport;
  }

  async #answers(): Promise<boolean> {
    const { ca, admin, adminKey } = pathsOf(this.dataDir).serverTls;
    if (![ca, admin, adminKey].every((file) => existsSync(file) && readFileSync(file).length > 0)) return false;
    try {
      return (await this.transport.request({ path: "/readyz", timeoutMs: 10_000 })).status === 200;
    } catch {
      return false;
    }
  }
}
