import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** With nothing built before, client-go takes its time. */
export const BUILD_LIMIT_MS = 120_000;
const RUN_LIMIT_MS = 120_000;
export const GO_LIMIT_MS = BUILD_LIMIT_MS + RUN_LIMIT_MS;

interface Server {
  readonly url: string;
  readonly ca: string;
  readonly admin: { readonly cert: string; readonly key: string };
  close(): Promise<void>;
}

/** Builds the program and has it use a server of its own, told so and `more`; skips the test where it cannot be built. @returns what it said */
export async function outputOfGo(
  context: TestContext,
  source: string,
  start: () => Promise<Server>,
  more: readonly string[] = [],
): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), `${source}-`));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, "user");
  const why = buildGo(source, program);
  if (why !== undefined) return void context.skip(why);
  const { url, ca, admin, close } = await start();
  context.after(close);
  const files = { ca, cert: admin.cert, key: admin.key };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const { code, output } = await runProgram(program, [url, ...Object.keys(files).map((name) => join(folder, name)), ...more], RUN_LIMIT_MS);
  assert.equal(code, 0, output);
  return output;
}

/** Builds the program in a folder beside this file, where Go and the modules are present; nothing is downloaded. @returns why it could not be built */
export function buildGo(folder: string, program: string): string | undefined {
  const env = { ...process.env, GOPROXY: "off", GOFLAGS: "-mod=readonly", GOTOOLCHAIN: "local" };
  const { error, status, stderr } = spawnSync("go", ["build", "-o", program, "."], {
    cwd: join(import.meta.dirname, folder),
    env,
    timeout: BUILD_LIMIT_MS,
    encoding: "utf8",
  });
  if (error !== undefined) return `Go cannot build here: ${error.message}`;
  if (status === 0) return undefined;
  const isMissing = /module lookup disabled|not available|go\.mod requires go/.test(stderr);
  assert.ok(isMissing, stderr);
  return `Go's modules of ${folder} are not on this machine`;
}

export function runProgram(program: string, args: readonly string[], limitMs: number): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], timeout: limitMs });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}
