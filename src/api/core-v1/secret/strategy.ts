import type { Secret } from "#api/core-v1/types.ts";
import { checkImmutable } from "#api/immutable.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";
import { FieldPath } from "#apimachinery/field-error.ts";

import { checkKept, nullsToEmpty } from "../config-map/data.ts";
import type { Errors } from "../pod-spec/checks.ts";
import { keyPairFault } from "./key-pair.ts";
import { validateSecret } from "./validate.ts";

/** @see kubernetes pkg/registry/core/secret/strategy.go */
export const secretStrategy: Strategy<Secret> = {
  applyDefaults,
  prepareForUpdate(secret, old) {
    secret.type ||= old.type ?? "";
  },
  validateCreate(secret) {
    const errors: Errors = [];
    validateSecret(errors, secret);
    return errors;
  },
  validateUpdate(secret, old) {
    const errors: Errors = [];
    checkImmutable(errors, secret.type, old.type, new FieldPath("type"));
    checkKept(errors, secret, old, ["data"]);
    validateSecret(errors, secret);
    return errors;
  },
  warningsOnCreate: warnings,
  warningsOnUpdate: warnings,
  selectableFields: ({ type }) => ({ type: type ?? "" }),
  selectableFieldNames: ["type"],
};

/** `stringData` is for writing only: it goes over into `data`. */
function applyDefaults(secret: Mutable<Secret>): void {
  secret.type ||= "Opaque";
  nullsToEmpty(secret.data);
  const { stringData } = secret;
  if (stringData === undefined) return;
  delete secret.stringData;
  for (const key in stringData) (secret.data ??= {})[key] = Buffer.from(stringData[key]!).toString("base64");
}

function warnings({ type, data }: Secret): string[] {
  if (type !== "kubernetes.io/tls") return [];
  const text = (key: string) => Buffer.from(data?.[key] ?? "", "base64").toString("latin1");
  const fault = keyPairFault(text("tls.crt"), text("tls.key"));
  return fault === undefined ? [] : [fault];
}
