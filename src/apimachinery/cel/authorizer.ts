import { nameIsDnsLabel, nameIsDnsSubdomain } from "#apimachinery/validation/names.ts";
import { declare, type FunctionDeclaration, type Implementation, member } from "#lib/cel/declarations.ts";
import { BOOL, type CelType, STRING, structType } from "#lib/cel/types.ts";
import { Failure, NO_SUCH_OVERLOAD, type OpaqueValue, type Value } from "#lib/cel/values.ts";
import { Held, method } from "./opaque.ts";

/** A question that an expression asks about what somebody may do. */
export interface AuthorizationQuestion {
  /** Instead of the one whose request it is. */
  readonly serviceAccount: { readonly namespace: string; readonly name: string } | undefined;
  readonly verb: string;
  /** For a path outside of resources; all that follows is for resources. */
  readonly path: string | undefined;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly fieldSelector: string;
  readonly labelSelector: string;
}

export interface AuthorizationDecision {
  readonly allowed: boolean;
  readonly reason: string;
  readonly error?: string;
}

/** Who answers, on behalf of the one whose request it is. */
export type AskAuthorizer = (question: AuthorizationQuestion) => AuthorizationDecision;

const PREFIX = "kubernetes.authorization.";
export const AUTHORIZER = structType(`${PREFIX}Authorizer`);
export const PATH_CHECK = structType(`${PREFIX}PathCheck`);
export const GROUP_CHECK = structType(`${PREFIX}GroupCheck`);
export const RESOURCE_CHECK = structType(`${PREFIX}ResourceCheck`);
export const DECISION = structType(`${PREFIX}Decision`);

/** A question that is being put together, and who will answer it. */
interface Check {
  readonly ask: AskAuthorizer;
  readonly question: AuthorizationQuestion;
}

abstract class CheckValue extends Held<Check> {
  override equals(other: OpaqueValue): boolean {
    return this === other;
  }
}

class AuthorizerValue extends CheckValue {
  override readonly type = AUTHORIZER;
}

class PathCheckValue extends CheckValue {
  override readonly type = PATH_CHECK;
}

class GroupCheckValue extends CheckValue {
  override readonly type = GROUP_CHECK;
}

class ResourceCheckValue extends CheckValue {
  override readonly type = RESOURCE_CHECK;
}

class DecisionValue extends Held<AuthorizationDecision> {
  override readonly type = DECISION;

  override equals(other: OpaqueValue): boolean {
    return this === other;
  }
}

const NOTHING_ASKED: AuthorizationQuestion = {
  serviceAccount: undefined,
  verb: "",
  path: undefined,
  group: "",
  resource: "",
  subresource: "",
  namespace: "",
  name: "",
  fieldSelector: "",
  labelSelector: "",
};

/** The value of the variable `authorizer`. */
export function authorizerValue(ask: AskAuthorizer): Value {
  return new AuthorizerValue({ ask, question: NOTHING_ASKED });
}

/** The value of the variable `authorizer.requestResource`: a question about the object of the request. */
export function requestResourceValue(ask: AskAuthorizer, about: Partial<AuthorizationQuestion>): Value {
  return new ResourceCheckValue({ ask, question: { ...NOTHING_ASKED, ...about } });
}

export const AUTHORIZER_FUNCTIONS: readonly FunctionDeclaration[] = [
  step("path", "authorizer_path", [AUTHORIZER, PATH_CHECK], AuthorizerValue, (check, path) =>
    path.trim() === "" ? new Failure("path must not be empty") : new PathCheckValue(asking(check, { path })),
  ),
  step("group", "authorizer_group", [AUTHORIZER, GROUP_CHECK], AuthorizerValue, (check, group) => new GroupCheckValue(asking(check, { group }))),
  declare("serviceAccount", [member("authorizer_serviceaccount", [AUTHORIZER, STRING, STRING], AUTHORIZER, method(AuthorizerValue, serviceAccount))]),
  step("resource", "groupcheck_resource", [GROUP_CHECK, RESOURCE_CHECK], GroupCheckValue, (check, resource) =>
    resource.trim() === "" ? new Failure("resource must not be empty") : new ResourceCheckValue(asking(check, { resource })),
  ),
  narrow("subresource", "resourcecheck_subresource"),
  narrow("namespace", "resourcecheck_namespace"),
  narrow("name", "resourcecheck_name"),
  narrow("fieldSelector", "authorizer_fieldselector"),
  narrow("labelSelector", "authorizer_labelselector"),
  declare("check", [
    member("pathcheck_check", [PATH_CHECK, STRING], DECISION, method(PathCheckValue, decide)),
    member("resourcecheck_check", [RESOURCE_CHECK, STRING], DECISION, method(ResourceCheckValue, decide)),
  ]),
  ofDecision("errored", BOOL, ({ error }) => error !== undefined),
  ofDecision("error", STRING, ({ error }) => error ?? ""),
  ofDecision("allowed", BOOL, ({ allowed }) => allowed),
  ofDecision("reason", STRING, ({ reason }) => reason),
];

function asking({ ask, question }: Check, about: Partial<AuthorizationQuestion>): Check {
  return { ask, question: { ...question, ...about } };
}

function step(
  name: string,
  id: string,
  [from, to]: readonly [CelType, CelType],
  kind: abstract new (held: never) => Held<Check>,
  run: (check: Check, text: string) => Value,
): FunctionDeclaration {
  const implementation: Implementation = method(kind, (check, text) => (typeof text === "string" ? run(check, text) : NO_SUCH_OVERLOAD));
  return declare(name, [member(id, [from, STRING], to, implementation)]);
}

function narrow(name: "subresource" | "namespace" | "name" | "fieldSelector" | "labelSelector", id: string): FunctionDeclaration {
  return step(name, id, [RESOURCE_CHECK, RESOURCE_CHECK], ResourceCheckValue, (check, text) => new ResourceCheckValue(asking(check, { [name]: text })));
}

function serviceAccount(check: Check, namespace?: Value, name?: Value): Value {
  if (typeof namespace !== "string" || typeof name !== "string") return NO_SUCH_OVERLOAD;
  if (nameIsDnsSubdomain(name, false).length > 0) return new Failure("Invalid service account name");
  if (nameIsDnsLabel(namespace, false).length > 0) return new Failure("Invalid service account namespace");
  return new AuthorizerValue(asking(check, { serviceAccount: { namespace, name } }));
}

function decide({ ask, question }: Check, verb?: Value): Value {
  return typeof verb === "string" ? new DecisionValue(ask({ ...question, verb })) : NO_SUCH_OVERLOAD;
}

function ofDecision(name: string, result: CelType, read: (decision: AuthorizationDecision) => Value): FunctionDeclaration {
  return declare(name, [member(`decision_${name}`, [DECISION], result, method(DecisionValue, read))]);
}
