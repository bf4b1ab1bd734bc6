import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";

/** With nothing built before, client-go takes its time. */
export const BUILD_LIMIT_MS = 120_000;

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
