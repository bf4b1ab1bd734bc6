import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { helmPath, type KubectlMinor, kubectlPath } from "#test/e2e/support/kubectl.ts";

export interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly input?: string | Buffer;
  readonly env?: NodeJS.ProcessEnv;
}

interface ServerAccess {
  readonly url: string;
  readonly ca: string;
  readonly admin: { readonly cert: string; readonly key: string };
}

const base64 = (text: string) => Buffer.from(text).toString("base64");
const TIMEOUT_MS = 120_000;

/** Someone with one version of kubectl, a home and a namespace of their own, who may do everything. */
export class KubectlUser {
  readonly minor: KubectlMinor;
  readonly namespace: string;
  /** Where its files are, and where its commands run. */
  readonly folder: string;
  readonly kubeconfig: string;

  constructor({ url, ca, admin }: ServerAccess, minor: KubectlMinor, namespace = `k${minor}`) {
    this.minor = minor;
    this.namespace = namespace;
    this.folder = mkdtempSync(join(tmpdir(), `skiff-kubectl-1.${minor}-`));
    mkdirSync(join(this.folder, "home"));
    this.kubeconfig = join(this.folder, "kubeconfig");
    const config = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "c", cluster: { server: url, "certificate-authority-data": base64(ca) } }],
      users: [{ name: "u", user: { "client-certificate-data": base64(admin.cert), "client-key-data": base64(admin.key) } }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u", namespace } }],
      "current-context": "x",
    };
    writeFileSync(this.kubeconfig, JSON.stringify(config), { mode: 0o600 });
  }

  get env(): NodeJS.ProcessEnv {
    return { PATH: process.env["PATH"] ?? "", HOME: join(this.folder, "home"), KUBECONFIG: this.kubeconfig };
  }

  /** kubectl. Never throws; look at `code`, which is `null` after a time far too long. */
  run(words: readonly string[], options: RunOptions = {}): Promise<Output> {
    return this.#run(kubectlPath(this.minor), words, options);
  }

  /** Helm 4, likewise. */
  helm(words: readonly string[], options: RunOptions = {}): Promise<Output> {
    return this.#run(helmPath(), words, options);
  }

  async #run(program: string, words: readonly string[], { input = "", env = {} }: RunOptions): Promise<Output> {
    const child = spawn(program, words, { cwd: this.folder, env: { ...this.env, ...env }, timeout: TIMEOUT_MS });
    const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      return chunks;
    }) as [Buffer[], Buffer[]];
    child.stdin.on("error", () => {}); // one that reads nothing may be gone already
    child.stdin.end(input);
    const code = await new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
    return { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
  }

  write(name: string, content: string): void {
    writeFileSync(join(this.folder, name), content);
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
