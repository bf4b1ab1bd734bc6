import type { Secret } from "#api/core-v1/types.ts";
import { DecodeError } from "#apimachinery/decode/decode.ts";
import { parseJson } from "#apimachinery/decode/json.ts";
import { fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { isConfigMapKey } from "#apimachinery/validation/names.ts";

import { decodedSize, MAX_DATA_BYTES } from "../config-map/data.ts";
import { type Errors, pushInvalid } from "../pod-spec/checks.ts";

const DATA = new FieldPath("data");
const SERVICE_ACCOUNT_NAME = "kubernetes.io/service-account.name";

/** @see kubernetes pkg/apis/core/validation/validation.go ValidateSecret */
export function validateSecret(errors: Errors, secret: Secret): void {
  const { data = {} } = secret;
  let bytes = 0;
  for (const key in data) {
    pushInvalid(errors, DATA.key(key), key, isConfigMapKey(key));
    bytes += decodedSize(data[key]!);
  }
  if (bytes > MAX_DATA_BYTES) errors.push(fieldError.tooLong(DATA, MAX_DATA_BYTES));
  validateType(errors, secret);
}

function validateType(errors: Errors, { type, data = {}, metadata }: Secret): void {
  const has = (key: string) => Object.hasOwn(data, key);
  const require = (...keys: string[]) => {
    for (const key of keys) if (!has(key)) errors.push(fieldError.required(DATA.key(key)));
  };
  switch (type) {
    case "kubernetes.io/service-account-token":
      if (metadata.annotations?.[SERVICE_ACCOUNT_NAME]) return;
      errors.push(fieldError.required(new FieldPath("metadata.annotations").key(SERVICE_ACCOUNT_NAME)));
      return;
    case "kubernetes.io/dockercfg":
      return checkJson(errors, data, ".dockercfg");
    case "kubernetes.io/dockerconfigjson":
      return checkJson(errors, data, ".dockerconfigjson");
    case "kubernetes.io/basic-auth":
      if (!has("username") && !has("password")) require("username", "password");
      return;
    case "kubernetes.io/ssh-auth":
      if (!data["ssh-privatekey"]) errors.push(fieldError.required(DATA.key("ssh-privatekey")));
      return;
    case "kubernetes.io/tls":
      require("tls.crt", "tls.key");
  }
}

/** What is wrong is told without showing what is there. */
function checkJson(errors: Errors, data: Readonly<Record<string, string>>, key: string): void {
  if (!Object.hasOwn(data, key)) {
    errors.push(fieldError.required(DATA.key(key)));
    return;
  }
  const fault = jsonFault(Buffer.from(data[key]!, "base64").toString());
  if (fault !== undefined) errors.push(fieldError.invalid(DATA.key(key), "<secret contents redacted>", fault));
}

/** What Go says of a text that is no JSON object. */
function jsonFault(text: string): string | undefined {
  let value: unknown;
  try {
    value = parseJson(text).value;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return error.message;
  }
  if (value === null || (typeof value === "object" && !Array.isArray(value))) return undefined;
  const kind = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  return `json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`;
}
