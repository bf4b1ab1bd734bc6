import type * as core from "#api/core-v1/types.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { isConfigMapKey, isDns1123Subdomain, isDns1123SubdomainPrefix, isRelaxedEnvVarName } from "#apimachinery/validation/names.ts";

import { checkDnsLabel, checkNoBacksteps, checkQualifiedName, type Errors, pushInvalid } from "./checks.ts";
import { checkDivisor } from "./validate-resources.ts";

/** Variables of a container. */
export function validateEnv(errors: Errors, variables: readonly core.EnvVar[], path: FieldPath): void {
  for (const [i, variable] of variables.entries()) {
    const at = path.index(i);
    if (!variable.name) errors.push(fieldError.required(at.child("name")));
    else pushInvalid(errors, at.child("name"), variable.name, isRelaxedEnvVarName(variable.name));
    if (variable.valueFrom) validateSource(errors, variable, variable.valueFrom, at.child("valueFrom"));
  }
}

function validateSource(errors: Errors, variable: core.EnvVar, source: core.EnvVarSource, path: FieldPath): void {
  let sources = 0;
  if (source.fieldRef) {
    sources++;
    validateFieldRef(errors, source.fieldRef, ENV_FIELDS, path.child("fieldRef"));
  }
  if (source.resourceFieldRef) {
    sources++;
    validateResourceRef(errors, source.resourceFieldRef, path.child("resourceFieldRef"), false);
  }
  if (source.configMapKeyRef) {
    sources++;
    validateKeyRef(errors, source.configMapKeyRef, path.child("configMapKeyRef"));
  }
  if (source.secretKeyRef) {
    sources++;
    validateKeyRef(errors, source.secretKeyRef, path.child("secretKeyRef"));
  }
  if (source.fileKeyRef) {
    sources++;
    validateFileKeyRef(errors, source.fileKeyRef, path.child("fileKeyRef"));
  }
  if (sources === 0) {
    errors.push(fieldError.invalid(path, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"));
  } else if (variable.value) {
    errors.push(fieldError.invalid(path, "", "may not be specified when `value` is not empty"));
  } else if (sources > 1) {
    errors.push(fieldError.invalid(path, "", "may not have more than one field specified at a time"));
  }
}

const ENV_FIELDS = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];

/** The pod's fields that a file of a volume may hold. */
export const VOLUME_FIELDS = ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

/** Fields that older clients may name, and what they are called now. */
const KNOWN_FIELDS = new Map([...ENV_FIELDS, ...VOLUME_FIELDS, "spec.restartPolicy", "spec.schedulerName", "status.phase"].map((name) => [name, name])).set(
  "spec.host",
  "spec.nodeName",
);

export function validateFieldRef(errors: Errors, ref: core.ObjectFieldSelector, fields: readonly string[], path: FieldPath): void {
  if (!ref.apiVersion) return void errors.push(fieldError.required(path.child("apiVersion")));
  if (!ref.fieldPath) return void errors.push(fieldError.required(path.child("fieldPath")));
  const problem = (why: string) => errors.push(fieldError.invalid(path.child("fieldPath"), ref.fieldPath, `error converting fieldPath: ${why}`));
  if (ref.apiVersion !== "v1") return void problem(`unsupported pod version: ${ref.apiVersion}`);
  const subscripted = splitSubscript(ref.fieldPath);
  if (subscripted !== undefined) {
    const { field, key } = subscripted;
    if (field === "metadata.annotations") checkQualifiedName(errors, key.toLowerCase(), path);
    else if (field === "metadata.labels") checkQualifiedName(errors, key, path);
    else problem(`field label does not support subscript: ${ref.fieldPath}`);
    return;
  }
  const field = KNOWN_FIELDS.get(ref.fieldPath);
  if (field === undefined) problem(`field label not supported: ${ref.fieldPath}`);
  else if (!fields.includes(field)) errors.push(fieldError.notSupported(path.child("fieldPath"), field, fields));
}

/** `metadata.labels['app']` in its parts. */
function splitSubscript(text: string): { field: string; key: string } | undefined {
  const open = text.indexOf("['");
  if (open <= 0 || !text.endsWith("']") || open + 2 > text.length - 2) return undefined;
  return { field: text.slice(0, open), key: text.slice(open + 2, -2) };
}

const RESOURCE_FIELDS = ["limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"];

export function validateResourceRef(errors: Errors, ref: core.ResourceFieldSelector, path: FieldPath, inVolume: boolean): void {
  const { resource } = ref;
  if (inVolume && !ref.containerName) errors.push(fieldError.required(path.child("containerName")));
  else if (!resource) errors.push(fieldError.required(path.child("resource")));
  else if (!RESOURCE_FIELDS.includes(resource) && !isHugePagesField(resource)) {
    errors.push(fieldError.notSupported(path.child("resource"), resource, RESOURCE_FIELDS));
  }
  checkDivisor(errors, resource ?? "", ref.divisor, path);
}

const isHugePagesField = (field: string) => field.startsWith("requests.hugepages-") || field.startsWith("limits.hugepages-");

function validateKeyRef(errors: Errors, ref: core.ConfigMapKeySelector | core.SecretKeySelector, path: FieldPath): void {
  pushInvalid(errors, path.child("name"), ref.name ?? "", isDns1123Subdomain(ref.name ?? ""));
  if (!ref.key) errors.push(fieldError.required(path.child("key")));
  else pushInvalid(errors, path.child("key"), ref.key, isConfigMapKey(ref.key));
}

function validateFileKeyRef(errors: Errors, ref: core.FileKeySelector, path: FieldPath): void {
  if (!ref.key) errors.push(fieldError.required(path.child("key")));
  else pushInvalid(errors, path.child("key"), ref.key, isRelaxedEnvVarName(ref.key));
  if (!ref.volumeName) errors.push(fieldError.required(path.child("volumeName")));
  else checkDnsLabel(errors, ref.volumeName, path.child("volumeName"));
  if (!ref.path) errors.push(fieldError.required(path.child("path")));
  else checkNoBacksteps(errors, ref.path, path.child("path"));
}

export function validateEnvFrom(errors: Errors, sources: readonly core.EnvFromSource[], path: FieldPath): void {
  for (const [i, source] of sources.entries()) {
    const at = path.index(i);
    if (source.prefix) pushInvalid(errors, at.child("prefix"), source.prefix, isRelaxedEnvVarName(source.prefix));
    if (source.configMapRef) validateEnvObject(errors, source.configMapRef.name, at.child("configMapRef"));
    if (source.secretRef) validateEnvObject(errors, source.secretRef.name, at.child("secretRef"));
    if (!source.configMapRef && !source.secretRef) {
      errors.push(fieldError.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"));
    } else if (source.configMapRef && source.secretRef) {
      errors.push(fieldError.invalid(path, "", "may not have more than one field specified at a time"));
    }
  }
}

function validateEnvObject(errors: Errors, name: string | undefined, path: FieldPath): void {
  if (!name) errors.push(fieldError.required(path.child("name")));
  else pushInvalid(errors, path.child("name"), name, isDns1123SubdomainPrefix(name));
}
