import { type ErrorId, ERRORS } from "./error-table.ts";
import { SkiffError } from "./errors.ts";

/** `skiff explain SKF-1101`; without an id, the list of all. */
export function explain(id: string | undefined): string {
  if (id === undefined) {
    return Object.entries(ERRORS)
      .map(([known, { title }]) => `${known}  ${title}\n`)
      .join("");
  }
  const wanted = id.toUpperCase();
  if (!(wanted in ERRORS)) throw new SkiffError("SKF-1401", `there is no error ${id}`, { remedy: "./skiff explain" });
  const { title, explanation, remedy, exitCode } = ERRORS[wanted as ErrorId];
  return `${wanted}: ${title}\n\n${explanation}\n\ntry: ${remedy}\nexit code: ${exitCode}\n`;
}
