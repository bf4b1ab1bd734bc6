import type { FlowSchema } from "#api/flowcontrol-v1/types.ts";

export interface Observed {
  readonly schema: FlowSchema;
  /** Whether the level that it names is there. */
  readonly hasLevel: boolean;
  readonly now: Date;
}

type Condition = NonNullable<NonNullable<FlowSchema["status"]>["conditions"]>[number];

/**
 * The condition that says whether a FlowSchema names a level that is there; one that does not is in force for nobody.
 *
 * @returns `undefined` when the schema says so already
 * @see apiserver pkg/util/flowcontrol/apf_controller.go
 */
export function reconcileDangling({ schema, hasLevel, now }: Observed): Condition | undefined {
  const told = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(schema.spec.priorityLevelConfiguration.name)}`;
  const status = hasLevel ? "False" : "True";
  const reason = hasLevel ? "Found" : "NotFound";
  const message = hasLevel ? `${told} and it exists` : `${told} but there is no such object`;
  const old = schema.status?.conditions?.find(({ type }) => type === "Dangling");
  if (old?.status === status && old.reason === reason && old.message === message) return undefined;
  return { type: "Dangling", status, lastTransitionTime: now.toISOString().replace(/\.\d+Z$/, "Z"), reason, message };
}
