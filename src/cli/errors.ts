import { type ErrorId, ERRORS } from "./error-table.ts";

/** A failure that a user can do something about: one row of the error table and what was met here. */
export class SkiffError extends Error {
  override readonly name = "SkiffError";
  readonly id: ErrorId;
  readonly reason: string | undefined;
  readonly remedy: string;

  /**
   * @param message one sentence: what could not be done, with names
   * @param reason what stands behind it, if the message does not say so
   * @param remedy a command to type; by default the table's
   */
  constructor(id: ErrorId, message: string, { reason, remedy }: { readonly reason?: string; readonly remedy?: string } = {}) {
    super(message);
    this.id = id;
    this.reason = reason;
    this.remedy = remedy ?? ERRORS[id].remedy;
  }

  get exitCode(): number {
    return ERRORS[this.id].exitCode;
  }
}

/** The lines that go to stderr. */
export function formatError(error: SkiffError): string {
  const lines = [`error[${error.id}]: ${error.message}`, `cause: ${error.reason ?? ERRORS[error.id].title}`];
  lines.push(`try: ${error.remedy}`, `more: skiff explain ${error.id}`);
  return `${lines.join("\n")}\n`;
}
