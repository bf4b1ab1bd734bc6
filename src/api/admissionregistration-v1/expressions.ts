import { AUTHORIZER, RESOURCE_CHECK } from "#apimachinery/cel/authorizer.ts";
import { KUBERNETES } from "#apimachinery/cel/environment.ts";
import { PATCH_FUNCTIONS, PATCH_TYPES } from "#apimachinery/cel/patch-types.ts";
import { compile, type Program } from "#lib/cel/compile.ts";
import { type Environment, extend, type TypeProvider } from "#lib/cel/environment.ts";
import { BOOL, type CelType, DYN, formatType, INT, listOf, mapOf, sameType, STRING, structType, TIMESTAMP } from "#lib/cel/types.ts";

type Fields = Readonly<Record<string, CelType>>;

const TEXTS = listOf(STRING);
const TEXT_MAP = mapOf(STRING, STRING);
const KIND = structType("kubernetes.GroupVersionKind");
const RESOURCE = structType("kubernetes.GroupVersionResource");
const REQUEST = structType("kubernetes.AdmissionRequest");
const NAMESPACE = structType("kubernetes.Namespace");
const VARIABLES = structType("kubernetes.variables");

/** What expressions may look at of a request and of its namespace. @see kubernetes staging/src/k8s.io/apiserver/pkg/admission/plugin/cel/compile.go */
const TYPES: Readonly<Record<string, Fields>> = {
  "kubernetes.GroupVersionKind": { group: STRING, version: STRING, kind: STRING },
  "kubernetes.GroupVersionResource": { group: STRING, version: STRING, resource: STRING },
  "kubernetes.UserInfo": { username: STRING, uid: STRING, groups: TEXTS, extra: mapOf(STRING, TEXTS) },
  "kubernetes.AdmissionRequest": {
    ...{ kind: KIND, resource: RESOURCE, subResource: STRING, requestKind: KIND, requestResource: RESOURCE, requestSubResource: STRING },
    ...{ name: STRING, namespace: STRING, operation: STRING, userInfo: structType("kubernetes.UserInfo"), dryRun: BOOL, options: DYN },
  },
  "kubernetes.Namespace": {
    metadata: structType("kubernetes.NamespaceMetadata"),
    spec: structType("kubernetes.NamespaceSpec"),
    status: structType("kubernetes.NamespaceStatus"),
  },
  "kubernetes.NamespaceMetadata": {
    ...{ name: STRING, generateName: STRING, namespace: STRING, labels: TEXT_MAP, annotations: TEXT_MAP, UID: STRING, creationTimestamp: TIMESTAMP },
    ...{ deletionGracePeriodSeconds: INT, deletionTimestamp: TIMESTAMP, generation: INT, resourceVersion: STRING, finalizers: TEXTS },
  },
  "kubernetes.NamespaceSpec": { finalizers: TEXTS },
  "kubernetes.NamespaceStatus": { conditions: listOf(structType("kubernetes.NamespaceCondition")), phase: STRING },
  "kubernetes.NamespaceCondition": { status: STRING, type: STRING, lastTransitionTime: TIMESTAMP, message: STRING, reason: STRING },
};

export interface AdmissionVariables {
  readonly hasParams: boolean;
  /** Whether they may ask what somebody may do. */
  readonly hasAuthorizer: boolean;
  /** Of a policy's own variables, the types so far; left out where expressions have none to look at. */
  readonly variables?: ReadonlyMap<string, CelType> | undefined;
  /** Whether they may make patches. */
  readonly hasPatches?: boolean;
  /** What objects and parameters are, where that is known: for the check of a policy's types, not for its evaluation. */
  readonly typed?: { readonly object: CelType; readonly params: CelType | undefined; readonly provider: TypeProvider };
}

/** What expressions of policies and match conditions may use. */
export function admissionEnvironment({ hasParams, hasAuthorizer, variables, hasPatches = false, typed }: AdmissionVariables): Environment {
  const typesOf = (name: string): Fields | undefined => (name === VARIABLES.name && variables !== undefined ? Object.fromEntries(variables) : TYPES[name]);
  const others = hasPatches ? PATCH_TYPES : (typed?.provider ?? KUBERNETES.provider);
  const provider = {
    has: (name: string) => typesOf(name) !== undefined || others.has(name),
    field: (name: string, field: string) => {
      const fields = typesOf(name);
      if (fields === undefined) return others.field(name, field);
      return Object.hasOwn(fields, field) ? fields[field] : undefined;
    },
    ...(hasPatches && { create: PATCH_TYPES.create }),
  };
  const own = {
    ...{ object: typed?.object ?? DYN, oldObject: typed?.object ?? DYN, request: REQUEST, namespaceObject: NAMESPACE },
    ...(hasParams && { params: typed?.params ?? DYN }),
    ...(hasAuthorizer && { authorizer: AUTHORIZER }),
    // Upstream's check of types does not know it.
    ...(hasAuthorizer && typed === undefined && { "authorizer.requestResource": RESOURCE_CHECK }),
    ...(variables !== undefined && { variables: VARIABLES }),
  };
  return extend(KUBERNETES, { variables: own, provider, ...(hasPatches && { functions: PATCH_FUNCTIONS }) });
}

/** An expression, ready to be evaluated, or why it is none. */
export interface Expression {
  readonly text: string;
  readonly type: CelType;
  readonly program?: Program | undefined;
  readonly fault?: string | undefined;
  /** Whether upstream calls the fault its own. */
  readonly isInternal?: boolean;
}

/** @param results the types that the expression may have; any, when there are none */
export function compileExpression(text: string, environment: Environment, results: readonly CelType[]): Expression {
  const compiled = compile(text, environment);
  // What is no place in the text was found when it was made ready to run.
  if (compiled.kind === "failure" && compiled.issues.every(({ offset }) => offset < 0)) {
    return { text, type: DYN, fault: `program instantiation failed: ${compiled.message}`, isInternal: true };
  }
  if (compiled.kind === "failure") return { text, type: DYN, fault: `compilation failed: ${compiled.message}` };
  const { type, program } = compiled;
  if (results.length === 0 || results.some((each) => sameType(each, type))) return { text, type, program };
  const [first] = results;
  const must = results.length === 1 ? formatType(first!) : `one of [${results.map(({ name }) => name).join(" ")}]`;
  return { text, type, fault: `must evaluate to ${must} but got ${formatType(type)}` };
}
