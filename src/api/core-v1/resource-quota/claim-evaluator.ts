import type { PersistentVolumeClaim } from "#api/core-v1/types.ts";
import { compareQuantities, parseQuantity, type Quantity, quantityOf } from "#apimachinery/quantity.ts";
import { sameJson } from "#lib/same-json.ts";

import type { Quantities } from "../pod-spec/resource-list.ts";
import type { QuotaEvaluator } from "./evaluators.ts";
import { selectsScope } from "./scope-selector.ts";

const ONE = quantityOf(1);
const BY_CLASS = ".storageclass.storage.k8s.io/";
const NAMES = ["persistentvolumeclaims", "requests.storage"];
const COUNT = "count/persistentvolumeclaims";
const BETA_CLASS = "volume.beta.kubernetes.io/storage-class";

/** How claims count, by the storage they ask for and by their class. @see kubernetes pkg/quota/v1/evaluator/core/persistent_volume_claims.go */
export const claimEvaluator: QuotaEvaluator = {
  handles({ operation, subresource, object, oldObject }) {
    if (subresource === "") return operation === "CREATE" || operation === "UPDATE";
    if (subresource !== "status" || object === undefined || oldObject === undefined) return false;
    const [next, old] = [object as PersistentVolumeClaim, oldObject as PersistentVolumeClaim];
    return (
      next.status?.allocatedResources?.["storage"] !== old.status?.allocatedResources?.["storage"] || !sameJson(attributeClasses(next), attributeClasses(old))
    );
  },
  matching: (names) => names.filter((name) => name === COUNT || NAMES.includes(name) || NAMES.some((each) => name.endsWith(BY_CLASS + each))),
  inScope(scope, object) {
    if (scope.scopeName !== "VolumeAttributesClass") return false;
    const classes = attributeClasses(object as PersistentVolumeClaim);
    if (scope.operator === "Exists") return classes.length > 0;
    return classes.length === 0 ? selectsScope(scope, undefined) : classes.some((name) => selectsScope(scope, name));
  },
  usage(object) {
    const claim = object as PersistentVolumeClaim;
    const usage: Quantities = new Map([
      ["persistentvolumeclaims", ONE],
      [COUNT, ONE],
    ]);
    const storageClass = claim.metadata.annotations?.[BETA_CLASS] ?? claim.spec?.storageClassName ?? "";
    if (storageClass !== "") usage.set(`${storageClass}${BY_CLASS}persistentvolumeclaims`, ONE);
    const storage = storageOf(claim);
    if (storage === undefined) return usage;
    usage.set("requests.storage", storage);
    if (storageClass !== "") usage.set(`${storageClass}${BY_CLASS}requests.storage`, storage);
    return usage;
  },
};

/** What is asked for, or what an unfinished expansion has already got where that is more; in whole bytes. */
function storageOf({ spec, status }: PersistentVolumeClaim): Quantity | undefined {
  const asked = spec?.resources?.requests?.["storage"];
  if (asked === undefined) return undefined;
  const allocated = status?.allocatedResources?.["storage"];
  const request = inWholeBytes(parseQuantity(asked));
  if (allocated === undefined || compareQuantities(parseQuantity(allocated), request) <= 0) return request;
  return inWholeBytes(parseQuantity(allocated));
}

function inWholeBytes(quantity: Quantity): Quantity {
  if (quantity.exponent >= 0) return quantity;
  const unit = 10n ** BigInt(-quantity.exponent);
  const whole = quantity.digits / unit;
  return quantityOf(whole * unit === quantity.digits ? whole : whole + 1n, quantity.format);
}

function attributeClasses({ spec, status }: PersistentVolumeClaim): string[] {
  const names = [spec?.volumeAttributesClassName, status?.currentVolumeAttributesClassName, status?.modifyVolumeStatus?.targetVolumeAttributesClassName];
  return [...new Set(names.filter((name): name is string => (name ?? "") !== ""))].sort();
}
