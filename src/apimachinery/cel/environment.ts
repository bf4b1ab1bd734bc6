import { type Environment, extend, STANDARD } from "#lib/cel/environment.ts";
import { LIST_FUNCTIONS, LIST_MACROS } from "#lib/cel/extensions/lists.ts";
import { SET_FUNCTIONS } from "#lib/cel/extensions/sets.ts";
import { STRING_FUNCTIONS } from "#lib/cel/extensions/strings.ts";
import { AUTHORIZER_FUNCTIONS } from "./authorizer.ts";
import { callCost } from "./costs.ts";
import { estimateCall } from "./estimates.ts";
import { KUBERNETES_LIST_FUNCTIONS } from "./lists.ts";
import { FORMAT_FUNCTIONS } from "./named-format.ts";
import { CIDR, IP, NETWORK_FUNCTIONS } from "./network.ts";
import { QUANTITY_FUNCTIONS } from "./quantity.ts";
import { REGEX_FUNCTIONS } from "./regex.ts";
import { SEMVER_FUNCTIONS } from "./semver.ts";
import { URL_FUNCTIONS } from "./urls.ts";

/** What every expression in Kubernetes v1.35 may use; variables and types are each caller's own. */
export const KUBERNETES: Environment = extend(STANDARD, {
  functions: [
    ...URL_FUNCTIONS,
    ...REGEX_FUNCTIONS,
    ...KUBERNETES_LIST_FUNCTIONS,
    ...AUTHORIZER_FUNCTIONS,
    ...QUANTITY_FUNCTIONS,
    ...STRING_FUNCTIONS,
    ...SET_FUNCTIONS,
    ...NETWORK_FUNCTIONS,
    ...FORMAT_FUNCTIONS,
    ...SEMVER_FUNCTIONS,
    ...LIST_FUNCTIONS,
  ],
  types: [IP, CIDR],
  macros: LIST_MACROS,
  callCost,
  estimateCall,
});

/** What one expression may cost. */
export const PER_CALL_LIMIT = 1_000_000;
/** What all expressions together may cost, for one custom resource or one binding of a policy. */
export const RUNTIME_COST_BUDGET = 10_000_000;
/** The same for all match conditions of one object. */
export const MATCH_CONDITIONS_COST_BUDGET = 2_500_000;
/** The longest message, in bytes, that a `messageExpression` may make. */
export const MAX_MESSAGE_BYTES = 5 * 1024;
