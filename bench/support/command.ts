import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

const running = new Set<ChildProcess>();

export interface CommandOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly input?: Uint8Array;
}

/**
 * Runs a program in a process group of its own, so that Ctrl-C reaches it only through our cleaning up.
 *
 * @returns what it printed on stdout
 * @throws with its stderr when it fails
 */
export async function command(file: string, words: readonly string[], { env = process.env, cwd = "/", input }: CommandOptions = {}): Promise<string> {
  const child = spawn(file, words, { env, cwd, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  running.add(child);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => void (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => void (stderr += text));
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number | null];
  running.delete(child);
  if (code !== 0) throw new Error(`${file} ${words.join(" ")}: exit code ${code}\n${stderr}`);
  return stdout;
}

/** Ends what `command()` still waits for: cleaning up must not meet the work that it undoes. */
export async function stopCommands(): Promise<void> {
  await Promise.all([...running].map(stopProgram));
}

/** Asks a program to end, and waits until it has. */
export async function stopProgram(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
  await once(child, "exit");
  clearTimeout(timer);
}

/** Asks again and again, until the answer is not `undefined`. */
export async function eventually<T>(what: string, timeoutMs: number, ask: () => Promise<T | undefined> | T | undefined, pauseMs = 5): Promise<T> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > endMs) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
