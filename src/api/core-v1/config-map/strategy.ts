import type { ConfigMap } from "#api/core-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { isConfigMapKey } from "#apimachinery/validation/names.ts";

import { type Errors, pushInvalid } from "../pod-spec/checks.ts";
import { checkKept, decodedSize, MAX_DATA_BYTES, nullsToEmpty } from "./data.ts";

const DATA = new FieldPath("data");
const BINARY_DATA = new FieldPath("binaryData");

/** @see kubernetes pkg/registry/core/configmap/strategy.go */
export const configMapStrategy: Strategy<ConfigMap> = {
  applyDefaults: ({ binaryData }) => nullsToEmpty(binaryData),
  validateCreate(configMap) {
    const errors: Errors = [];
    validate(errors, configMap);
    return errors;
  },
  validateUpdate(configMap, old): FieldError[] {
    const errors: Errors = [];
    checkKept(errors, configMap, old, ["data", "binaryData"]);
    validate(errors, configMap);
    return errors;
  },
};

function validate(errors: Errors, { data, binaryData }: ConfigMap): void {
  let bytes = 0;
  for (const key in data) {
    pushInvalid(errors, DATA.key(key), key, isConfigMapKey(key));
    if (binaryData && Object.hasOwn(binaryData, key)) errors.push(fieldError.invalid(DATA.key(key), key, "duplicate of key present in binaryData"));
    bytes += Buffer.byteLength(data[key]!);
  }
  for (const key in binaryData) {
    pushInvalid(errors, BINARY_DATA.key(key), key, isConfigMapKey(key));
    bytes += decodedSize(binaryData[key]!);
  }
  if (bytes > MAX_DATA_BYTES) errors.push(fieldError.tooLong(new FieldPath("[]"), MAX_DATA_BYTES));
}
