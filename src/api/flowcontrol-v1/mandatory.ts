import type { FlowSchema, FlowSchemaSpec, PriorityLevelConfiguration, PriorityLevelConfigurationSpec } from "#api/flowcontrol-v1/types.ts";
import type { Errors } from "#api/core-v1/pod-spec/checks.ts";
import { goValue } from "#api/core-v1/pod-spec/go-values.ts";
import { fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { sameJson } from "#lib/same-json.ts";

/*
 * The two levels without which no request would have a place, and what leads to them: nobody may have them otherwise.
 * @see apiserver pkg/apis/flowcontrol/bootstrap/default.go
 */

const SPEC = new FieldPath("spec");

const everything = (...groups: readonly string[]): FlowSchemaSpec["rules"] => [
  {
    subjects: groups.map((name) => ({ kind: "Group", group: { name } })),
    resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], clusterScope: true, namespaces: ["*"] }],
    nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
  },
];

const SCHEMAS: Readonly<Record<string, FlowSchemaSpec>> = {
  exempt: { priorityLevelConfiguration: { name: "exempt" }, matchingPrecedence: 1, rules: everything("system:masters") },
  "catch-all": {
    priorityLevelConfiguration: { name: "catch-all" },
    matchingPrecedence: 10_000,
    distinguisherMethod: { type: "ByUser" },
    rules: everything("system:unauthenticated", "system:authenticated"),
  },
};

const LEVELS: Readonly<Record<string, PriorityLevelConfigurationSpec>> = {
  exempt: { type: "Exempt" },
  "catch-all": { type: "Limited", limited: { nominalConcurrencyShares: 5, limitResponse: { type: "Reject" }, lendablePercent: 0 } },
};

export function checkMandatorySchema(errors: Errors, { metadata: { name }, spec }: FlowSchema): void {
  if (!Object.hasOwn(SCHEMAS, name) || sameJson(spec, SCHEMAS[name])) return;
  errors.push(fieldError.invalid(SPEC, goValue("FlowSchemaSpec", spec), `spec of '${name}' must equal the fixed value`));
}

/** How much the exempt level lends is for administrators to say. */
export function checkMandatoryLevel(errors: Errors, { metadata: { name }, spec }: PriorityLevelConfiguration): void {
  const { exempt: _exempt, ...rest } = spec;
  if (!Object.hasOwn(LEVELS, name) || sameJson(name === "exempt" ? rest : spec, LEVELS[name])) return;
  const except = name === "exempt" ? " except the 'spec.exempt' field" : "";
  errors.push(fieldError.invalid(SPEC, goValue("PriorityLevelConfigurationSpec", spec), `spec of '${name}'${except} must equal the fixed value`));
}
