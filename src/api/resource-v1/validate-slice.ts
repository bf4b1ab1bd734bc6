import { checkDnsLabel, checkDnsSubdomain, type Errors, sortedEntries } from "#api/core-v1/pod-spec/checks.ts";
import { goValue } from "#api/core-v1/pod-spec/go-values.ts";
import { validateNodeSelector } from "#api/core-v1/pod-spec/validate-scheduling.ts";
import { checkImmutable } from "#api/immutable.ts";
import type { Device, DeviceAttribute, DeviceClass, ResourceSlice, ResourceSliceSpec } from "#api/resource-v1/types.ts";
import { checkDriverName } from "#api/storage-v1/validate.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";

import { checkItems, checkPoolName, checkQualifiedDeviceName, checkSet, shownKey } from "./checks.ts";
import { MAX_CONFIG, validateConfiguration, validateSelectors } from "./validate-claim.ts";

const SPEC = new FieldPath("spec");
const MAX_DEVICES = 128;
const MAX_ATTRIBUTES = 32;
const MAX_ATTRIBUTE_VALUE = 64;

const NUMBER = "(0|[1-9]\\d*)";
const PRERELEASE = "(0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)";
const BUILD = "[0-9a-zA-Z-]+";
const SEMVER_RE = new RegExp(`^${NUMBER}\\.${NUMBER}\\.${NUMBER}(-${PRERELEASE}(\\.${PRERELEASE})*)?(\\+${BUILD}(\\.${BUILD})*)?$`);

/** @see kubernetes pkg/apis/resource/validation/validation.go */
export function validateDeviceClass({ spec }: DeviceClass): FieldError[] {
  const errors: Errors = [];
  validateSelectors(errors, spec.selectors, SPEC.child("selectors"));
  checkItems(errors, spec.config, MAX_CONFIG, SPEC.child("config"), (config, at) => validateConfiguration(errors, config, at));
  return errors;
}

export function validateSlice({ spec }: ResourceSlice, old?: ResourceSlice): FieldError[] {
  const errors: Errors = [];
  const { driver, pool } = spec;
  checkDriverName(errors, driver, SPEC.child("driver"));
  checkPoolName(errors, pool.name, SPEC.child("pool", "name"));
  const { resourceSliceCount: count, generation } = pool;
  if (count <= 0) errors.push(fieldError.invalid(SPEC.child("pool", "resourceSliceCount"), count, "must be greater than zero"));
  if (generation < 0) errors.push(fieldError.invalid(SPEC.child("pool", "generation"), generation, "must be greater than or equal to zero"));
  if (old) {
    checkImmutable(errors, pool.name, old.spec.pool.name, SPEC.child("pool", "name"));
    checkImmutable(errors, driver, old.spec.driver, SPEC.child("driver"));
    checkImmutable(errors, spec.nodeName, old.spec.nodeName, SPEC.child("nodeName"));
  }
  validateNodes(errors, spec);
  checkSet(errors, spec.devices, { max: MAX_DEVICES, path: SPEC.child("devices"), keyOf: ({ name }) => name }, (device, at) =>
    validateDevice(errors, device, at),
  );
  return errors;
}

/** Where a slice's devices are: said in exactly one way. */
function validateNodes(errors: Errors, { nodeName, nodeSelector, allNodes }: ResourceSliceSpec): void {
  const given: string[] = [];
  if (nodeName === "") errors.push(fieldError.invalid(SPEC.child("nodeName"), nodeName, "must be either unset or set to a non-empty string"));
  if (nodeName) {
    given.push("`nodeName`");
    checkDnsSubdomain(errors, nodeName, SPEC.child("nodeName"));
  }
  if (nodeSelector) {
    given.push("`nodeSelector`");
    validateNodeSelector(errors, nodeSelector, false, SPEC.child("nodeSelector"));
    const { nodeSelectorTerms: terms } = nodeSelector;
    if (terms?.length !== 1) {
      const told = goValue("[]NodeSelectorTerm", terms);
      errors.push(fieldError.invalid(SPEC.child("nodeSelector", "nodeSelectorTerms"), told, "must have exactly one node selector term"));
    }
  }
  if (allNodes === true) given.push("`allNodes`");
  if (allNodes === false) errors.push(fieldError.invalid(SPEC.child("allNodes"), false, "must be either unset or set to true"));
  const rule = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
  if (given.length === 0) errors.push(fieldError.required(SPEC, rule));
  if (given.length > 1) errors.push(fieldError.invalid(SPEC, `{${given.join(", ")}}`, `${rule}, but multiple fields are set`));
}

function validateDevice(errors: Errors, { name, attributes, capacity }: Device, path: FieldPath): void {
  checkDnsLabel(errors, name, path.child("name"));
  const [ofAttributes, ofCapacity] = [sortedEntries(attributes), sortedEntries(capacity)];
  const count = ofAttributes.length + ofCapacity.length;
  if (count > MAX_ATTRIBUTES) {
    errors.push(fieldError.invalid(path, count, `the total number of attributes and capacities must not exceed ${MAX_ATTRIBUTES}`));
  }
  for (const [key, attribute] of ofAttributes) {
    const at = path.child("attributes").key(shownKey(key));
    checkQualifiedDeviceName(errors, key, at);
    validateAttribute(errors, attribute, at);
  }
  for (const [key] of ofCapacity) checkQualifiedDeviceName(errors, key, path.child("capacity").key(shownKey(key)));
}

function validateAttribute(errors: Errors, attribute: DeviceAttribute, path: FieldPath): void {
  const { string, version } = attribute;
  if (string !== undefined) checkLength(errors, string, path.child("string"));
  if (version !== undefined) {
    if (!SEMVER_RE.test(version)) {
      errors.push(fieldError.invalid(path.child("version"), version, "must be a string compatible with semver.org spec 2.0.0"));
    }
    checkLength(errors, version, path.child("version"));
  }
  const given = Object.values(attribute).filter((value) => value !== undefined && value !== null).length;
  if (given !== 1) errors.push(fieldError.invalid(path, given === 0 ? "" : goValue("DeviceAttribute", attribute), "exactly one value must be specified"));
}

function checkLength(errors: Errors, value: string, path: FieldPath): void {
  if (Buffer.byteLength(value) > MAX_ATTRIBUTE_VALUE) errors.push(fieldError.tooLong(path, MAX_ATTRIBUTE_VALUE));
}
