import { readFileSync } from "node:fs";

import type { Timer } from "#lib/clock.ts";

import type { ProcessDeps } from "./process-deps.ts";

/** Certificates are issued anew a month before they end, so an hour is early enough, also after failures. */
export const LOOK_MS = 3_600_000;

export interface KeptFiles<Name extends string> {
  /** PEM files by what they are. */
  readonly files: Readonly<Record<Name, string>>;
  /** Gives new content to those that show it, for connections that come from now on. */
  readonly use: (texts: Readonly<Record<Name, string>>) => void;
}

/** The content of files, under the same names. */
export function readTexts<Name extends string>(files: Readonly<Record<Name, string>>): Readonly<Record<Name, string>> {
  return Object.fromEntries(Object.entries<string>(files).map(([name, file]) => [name, readFileSync(file, "utf8")])) as Record<Name, string>;
}

/**
 * Keeps the certificates of a running process from ending: what ends soon is issued anew where the authority is, and files
 * that have changed, whoever wrote them, are put to use.
 *
 * @param before what the process has been started with
 */
export function keepCertificates<Name extends string>(
  { clock, logger, renewCertificates }: Pick<ProcessDeps, "clock" | "logger" | "renewCertificates">,
  { files, use }: KeptFiles<Name>,
  before: Readonly<Record<Name, string>>,
): Timer {
  let known = JSON.stringify(before);
  const look = async () => {
    await renewCertificates();
    const texts = readTexts(files);
    if (JSON.stringify(texts) === known) return;
    // Caught between the writing of a key and of its certificate, this fails, and the next look does it.
    use(texts);
    known = JSON.stringify(texts);
    logger.info("certificates renewed");
  };
  return clock.every(LOOK_MS, () => void look().catch((error: unknown) => logger.error("certificates cannot be renewed", { error })));
}
