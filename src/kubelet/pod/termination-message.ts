import { closeSync, openSync, readFileSync, readSync, fstatSync } from "node:fs";

import type { Container } from "#api/core-v1/types.ts";

const MAX_MESSAGE_BYTES = 4096;
const MAX_LOG_BYTES = 2048;
const MAX_LOG_LINES = 80;

/** What a container left as its last words: its message file, or the end of its log when it failed without one. */
export function terminationMessage(container: Pick<Container, "terminationMessagePolicy">, exitCode: number, messageFile: string, logFile: string): string {
  const message = tail(messageFile, MAX_MESSAGE_BYTES, "first");
  if (message !== "" || container.terminationMessagePolicy !== "FallbackToLogsOnError" || exitCode === 0) return message;
  const lines = tail(logFile, 4 * MAX_LOG_BYTES, "last")
    .split("\n")
    .filter(Boolean);
  const texts = lines.slice(-MAX_LOG_LINES).map((line) => line.replace(/^\S+ \S+ \S+ /, ""));
  const text = texts.length > 0 ? `${texts.join("\n")}\n` : "";
  return Buffer.from(text).subarray(-MAX_LOG_BYTES).toString();
}

/** The first or last bytes of a file; nothing for one that does not exist. */
function tail(path: string, maxBytes: number, end: "first" | "last"): string {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return "";
  }
  try {
    const { size } = fstatSync(file);
    if (size <= maxBytes) return readFileSync(file, "utf8");
    const bytes = Buffer.alloc(maxBytes);
    readSync(file, bytes, 0, maxBytes, end === "first" ? 0 : size - maxBytes);
    return bytes.toString();
  } finally {
    closeSync(file);
  }
}
