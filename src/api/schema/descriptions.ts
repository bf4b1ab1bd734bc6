import { existsSync, readFileSync } from "node:fs";

/** What upstream says of a type and its fields, by the wire's field names. */
export interface TypeDescription {
  readonly description: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** By schema type, such as `core/v1.PodSpec`. */
export type Descriptions = Readonly<Record<string, TypeDescription>>;

let loaded: Descriptions | undefined;

/** Read on first use; empty when the file has not been generated (`tools/generate-descriptions.ts`). */
export function descriptions(): Descriptions {
  if (loaded === undefined) {
    const file = new URL("./descriptions.json", import.meta.url);
    loaded = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Descriptions) : {};
  }
  return loaded;
}
