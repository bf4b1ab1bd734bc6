import type { CustomResourceSubresourceScale } from "#api/apiextensions-v1/types.ts";
import type { Scale } from "#api/autoscaling-v1/types.ts";
import { isObject, type JsonObject } from "#apimachinery/decode/own.ts";
import { FieldSet } from "#apimachinery/managed-fields/index.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { ScaleAccess } from "#apiserver/registry/special/scale.ts";

import { nested } from "./strategy.ts";

/** The Scale of a custom resource: replicas and selector stand where its definition says. */
export function scaleAccess({ specReplicasPath, statusReplicasPath, labelSelectorPath }: CustomResourceSubresourceScale): ScaleAccess {
  const steps = specReplicasPath.slice(1).split(".");
  return {
    replicas: FieldSet.of(steps.map((step) => `f:${step}`)),
    isChecked: true,
    read: (object, mustBeThere) => {
      const found = nested(object, specReplicasPath);
      if (found === undefined && mustBeThere) throw missing(specReplicasPath);
      const replicas = asNumber(found?.value);
      const selector = labelSelectorPath === undefined ? undefined : nested(object, labelSelectorPath)?.value;
      const status = { replicas: asNumber(nested(object, statusReplicasPath)?.value), ...(typeof selector === "string" && selector !== "" && { selector }) };
      return { spec: replicas === 0 ? {} : { replicas }, status } as Scale;
    },
    withReplicas: (object, replicas) => withValue(object as unknown as JsonObject, steps, replicas) as unknown as KubeObject,
  };
}

const asNumber = (value: unknown) => (typeof value === "number" ? value : 0);

function withValue(object: JsonObject, [step = "", ...rest]: readonly string[], value: unknown): JsonObject {
  const inner = object[step];
  return { ...object, [step]: rest.length === 0 ? value : withValue(isObject(inner) ? inner : {}, rest, value) };
}

function missing(path: string): Error {
  return statusError.internal(`the spec replicas field ${JSON.stringify(path)} does not exist`);
}
