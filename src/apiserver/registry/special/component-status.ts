import type { ComponentStatus } from "#api/core-v1/types.ts";
import { unexpected } from "#apimachinery/patch/patch-body.ts";
import type { SubresourceHandler } from "#apiserver/registry/subresource.ts";

/** One part of the control plane. */
export interface ComponentHealth {
  readonly name: string;
  /** What is wrong with it. */
  readonly fault: string | undefined;
}

/**
 * ComponentStatuses are kept nowhere: each read asks the parts how they are.
 *
 * @see kubernetes pkg/registry/core/componentstatus/rest.go
 */
export function componentStatusHandler(components: () => readonly ComponentHealth[]): SubresourceHandler {
  return {
    group: "",
    plural: "componentstatuses",
    subresource: "",
    async get({ name }) {
      const found = components().find((component) => component.name === name);
      if (found === undefined) throw unexpected(`Component not found: ${name}`);
      return statusOf(found);
    },
    async list() {
      return components().map(statusOf);
    },
  };
}

/** It has no uid and no version: nobody keeps it. */
function statusOf({ name, fault }: ComponentHealth): ComponentStatus {
  const state = fault === undefined ? ({ status: "True", message: "ok" } as const) : ({ status: "False", message: fault } as const);
  const metadata = { name } as ComponentStatus["metadata"];
  return { kind: "ComponentStatus", apiVersion: "v1", metadata, conditions: [{ type: "Healthy", ...state }] };
}
