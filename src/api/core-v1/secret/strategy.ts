import type { Secret } from "#api/core-v1/types.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";

/** @see kubernetes pkg/registry/core/secret/strategy.go */
export const secretStrategy: Strategy<Secret> = {
  applyDefaults,
  selectableFields: ({ type }) => ({ type: type ?? "" }),
  selectableFieldNames: ["type"],
};

/** `stringData` is for writing only: it goes over into `data`. */
function applyDefaults(secret: Mutable<Secret>): void {
  secret.type ||= "Opaque";
  const { stringData } = secret;
  if (stringData === undefined) return;
  delete secret.stringData;
  for (const key in stringData) (secret.data ??= {})[key] = Buffer.from(stringData[key]!).toString("base64");
}
