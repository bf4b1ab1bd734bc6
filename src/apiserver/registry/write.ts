import type { ResourceInfo } from "#api/resources.ts";
import type { Mutable } from "#api/strategy.ts";
import type { FieldError } from "#apimachinery/field-error.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { AdmissionAttributes, Operation, Reinvocation } from "#apiserver/admission/admission.ts";
import type { CachedObject } from "#apiserver/cache/cached-object.ts";
import { conversionOf, viewable } from "#apiserver/registry/conversion.ts";
import type { RegistryDeps } from "#apiserver/registry/deps.ts";
import { type ObjectOutcome, StoredOutcome } from "#apiserver/registry/outcome.ts";
import type { Decodable } from "#apiserver/registry/body.ts";
import type { WriteOptions } from "#apiserver/registry/options.ts";
import type { ServedResource } from "#apiserver/registry/resource-table.ts";
import type { RequestContext } from "#apiserver/registry/types.ts";
import type { UserInfo } from "#apiserver/user.ts";

/** A write of one object, its options checked and its body not yet looked at. */
export interface WriteTarget {
  readonly served: ServedResource;
  readonly namespace: string;
  /** `""` for a create. */
  readonly name: string;
  readonly subresource: string;
  readonly options: WriteOptions;
  readonly context: RequestContext;
}

export type Draft = Mutable<KubeObject>;

export function admissionAttributes(
  target: WriteTarget,
  operation: Operation,
  object: Draft | undefined,
  oldObject: KubeObject | undefined,
  decodes: Decodable = target.served,
): AdmissionAttributes {
  return new WriteAttributes(target, operation, object, oldObject, decodes);
}

/** What few ask for is made when it is asked for. A class, as a literal with getters would be slow to make and to read. */
class WriteAttributes implements AdmissionAttributes {
  readonly operation: Operation;
  readonly resource: ResourceInfo;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly object: Draft | undefined;
  readonly oldObject: KubeObject | undefined;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  readonly decodes: Decodable;
  reinvocation?: Reinvocation;
  readonly #options: WriteOptions;
  readonly #context: RequestContext;

  constructor(target: WriteTarget, operation: Operation, object: Draft | undefined, oldObject: KubeObject | undefined, decodes: Decodable) {
    const { info } = target.served;
    this.operation = operation;
    this.resource = info;
    this.subresource = target.subresource;
    this.name = object?.metadata?.name ?? target.name; // a connection's options have no metadata
    this.namespace = info.kind === "Namespace" && info.group === "" ? this.name : target.namespace;
    this.object = object;
    this.oldObject = oldObject;
    this.user = target.context.user;
    this.dryRun = target.options.dryRun;
    this.decodes = decodes;
    this.#options = target.options;
    this.#context = target.context;
  }

  get options(): Readonly<Record<string, unknown>> {
    const { dryRun, fieldManager, fieldValidation } = this.#options;
    return { ...(dryRun && { dryRun: ["All"] }), ...(fieldManager !== "" && { fieldManager }), ...(fieldValidation !== "Warn" && { fieldValidation }) };
  }

  get signal(): AbortSignal | undefined {
    return this.#context.signal;
  }

  warn(text: string): void {
    this.#context.warn(text);
  }

  annotate(key: string, value: string): void {
    this.#context.annotate?.(key, value);
  }
}

/** Puts the request's namespace into the object; refuses another one. */
export function matchNamespace(object: Draft, namespace: string): void {
  const own = object.metadata.namespace ?? "";
  if (own === namespace) return;
  if (namespace === "") delete object.metadata.namespace;
  else if (own === "") object.metadata.namespace = namespace;
  else throw statusError.badRequest("the namespace of the provided object does not match the namespace sent on the request");
}

/** Texts name the kind by the group that it is stored as. */
export function refuseInvalid({ info, view, custom }: ServedResource, object: Draft, errors: readonly FieldError[]): void {
  const { name } = object.metadata as { name?: string };
  if (errors.length > 0)
    throw statusError.invalid({ group: view?.stored.group ?? info.group, kind: custom === undefined ? info.kind : (object.kind ?? "") }, name ?? "", errors);
}

/** What a write answers with, after the kind's hooks have heard of it. */
export function written(
  deps: RegistryDeps,
  served: ServedResource,
  code: number,
  state: CachedObject,
  old: KubeObject | undefined,
): ObjectOutcome | Promise<ObjectOutcome> {
  const { view, info } = served;
  if (conversionOf(served) !== undefined && conversionOf(served)!.known(state) !== state)
    return viewable(served, state).then(({ object }) => ({ code, object: view!.fromStored(object) }));
  const outcome = view === undefined ? new StoredOutcome(code, state) : { code, object: view.fromStored(state.object) };
  const hooks = deps.hooks(info);
  if (hooks?.afterCommit !== undefined) hooks.afterCommit(outcome.object, old);
  return outcome;
}

/** The manager that a write is recorded under: as asked, else the client's program. */
export function fieldManagerOf({ options, context }: Pick<WriteTarget, "options" | "context">): string {
  if (options.fieldManager !== "") return options.fieldManager;
  const slash = context.userAgent.indexOf("/");
  const program = slash < 0 ? context.userAgent : context.userAgent.slice(0, slash);
  return program.slice(0, 128);
}

/** Whether two JSON values are the same, whatever the order of members; `undefined` members are absent ones. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  if (Array.isArray(a)) return a.length === (b as unknown[]).length && a.every((value, i) => sameJson(value, (b as unknown[])[i]));
  return sameMembers(a as Record<string, unknown>, b as Record<string, unknown>);
}

function sameMembers(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  let count = 0;
  for (const key in a) {
    if (a[key] === undefined) continue;
    count++;
    if (!Object.hasOwn(b, key) || !sameJson(a[key], b[key])) return false;
  }
  for (const key in b) if (b[key] !== undefined) count--;
  return count === 0;
}
