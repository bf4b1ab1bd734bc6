import type { FlowSchema, PriorityLevelConfiguration } from "#api/flowcontrol-v1/types.ts";
import { builtin } from "#api/resources.ts";
import type { ObjectKey } from "#apimachinery/object.ts";
import { queueFor, type ControllerDeps } from "#controllers/common/deps.ts";

import { reconcileDangling } from "./dangling.ts";

const GROUP = "flowcontrol.apiserver.k8s.io";
const SCHEMAS = builtin<FlowSchema>(GROUP, "v1", "flowschemas");
const LEVELS = builtin<PriorityLevelConfiguration>(GROUP, "v1", "prioritylevelconfigurations");
/** That of upstream's API server, which does this itself. */
const FIELD_MANAGER = "api-priority-and-fairness-config-consumer-v1";

/** Tells of each FlowSchema whether the priority level that it names is there. */
export function startFlowSchemas(deps: ControllerDeps): void {
  const levels = deps.informers.informer(LEVELS);
  const schemas = deps.informers.informer(SCHEMAS, { level: ({ spec }) => [spec.priorityLevelConfiguration.name] });
  const sync = async (key: ObjectKey) => {
    const schema = schemas.get(key);
    if (schema === undefined) return;
    const hasLevel = levels.get(schema.spec.priorityLevelConfiguration.name) !== undefined;
    const condition = reconcileDangling({ schema, hasLevel, now: new Date(deps.clock.now()) });
    if (condition === undefined) return;
    const options = { subresource: "status", fieldManager: FIELD_MANAGER, force: true };
    const body = { apiVersion: `${GROUP}/v1`, kind: "FlowSchema", metadata: { name: key }, status: { conditions: [condition] } };
    await deps.client.patch(SCHEMAS, { name: key }, "apply", body, options);
  };
  const queue = queueFor(deps, { name: "flowschema", sync });
  const enqueue = ({ metadata }: FlowSchema) => queue.add(metadata.name);
  schemas.onChange({ added: enqueue, updated: (_old, schema) => enqueue(schema), deleted: () => {} });
  const ofLevel = ({ metadata }: PriorityLevelConfiguration) => schemas.byIndex("level", metadata.name).forEach(enqueue);
  levels.onChange({ added: ofLevel, updated: () => {}, deleted: ofLevel });
}
