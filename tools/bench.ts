/**
 * `./skiff bench [NAME…] [--json] [option of a program…]`: runs the programs of `bench/`, one after the other, by default all that
 * measure speed, and prints one table of what they have measured; it is Markdown as it stands.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync } from "node:fs";
import { basename } from "node:path";
import { formatTable, type Row } from "../bench/support/row.ts";
import { refuse } from "./usage.ts";

const root = new URL("..", import.meta.url).pathname;
/** What users feel first; programs that are not named here follow. */
const ORDER = ["start", "idle", "pod-start", "api", "schedule", "store", "cache"];
/** What takes long, and shows that nothing breaks; by name only. */
const ENDURANCE = new Set(["crash", "fuzz", "node-crash", "soak"]);
const names = globSync("bench/*.ts", { cwd: root })
  .filter((file) => !file.endsWith(".test.ts"))
  .map((file) => basename(file, ".ts"))
  .sort((a, b) => place(a) - place(b));
const words = process.argv.slice(2);
const firstOption = words.findIndex((word) => word.startsWith("--"));
const asked = firstOption < 0 ? words : words.slice(0, firstOption);
const wanted = asked.length > 0 ? asked : names.filter((name) => !ENDURANCE.has(name));
const options = firstOption < 0 ? [] : words.slice(firstOption).filter((word) => word !== "--json");
const unknown = wanted.filter((name) => !names.includes(name));

if (unknown.length > 0) refuse(`there is no benchmark ${unknown.join(", ")}`, `there are ${names.join(", ")}`, "./skiff bench");
const rows: Row[] = [];
let interrupted: NodeJS.Signals | undefined;
for (const name of names) {
  if (!wanted.includes(name) || interrupted !== undefined) continue;
  process.stderr.write(`── ${name}\n`);
  rows.push(...(await run(name)));
}
if (interrupted !== undefined) process.exit(interrupted === "SIGINT" ? 130 : 143);
process.stdout.write(words.includes("--json") ? `${JSON.stringify(rows)}\n` : formatTable(rows));

/** Its rows; none when it could not measure. A signal goes on to the program, which cleans up before it ends. */
async function run(name: string): Promise<readonly Row[]> {
  const flags = [`bench/${name}.ts`, "--json", ...options];
  const child = spawn(process.execPath, flags, { cwd: root, detached: true, stdio: ["ignore", "pipe", "inherit"] });
  const stop = (signal: NodeJS.Signals) => {
    interrupted = signal;
    child.kill(signal);
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => void (text += chunk));
  const [code] = (await once(child, "close")) as [number | null];
  process.off("SIGINT", stop).off("SIGTERM", stop);
  if (code !== 0) process.exitCode = 1;
  return text === "" ? [] : (JSON.parse(text) as readonly Row[]);
}

function place(name: string): number {
  const index = ORDER.indexOf(name);
  return index < 0 ? ORDER.length : index;
}
