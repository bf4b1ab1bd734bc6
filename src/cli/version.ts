import { readFileSync } from "node:fs";
import { join } from "node:path";
import { API_VERSION, type Arguments } from "./context.ts";

/** The API level that Skiff serves. */
const KUBERNETES_VERSION = "v1.35.6";

/** `skiff version`. */
export function version(args: Arguments, home: string): string {
  const { version: own } = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as { version: string };
  const versions = { skiff: own, kubernetes: KUBERNETES_VERSION, node: process.version };
  if (args.flags["output"] === "json") return `${JSON.stringify({ apiVersion: API_VERSION, kind: "Version", ...versions }, undefined, 2)}\n`;
  return Object.entries(versions)
    .map(([name, text]) => `${name.padEnd(12)}${text}\n`)
    .join("");
}
