import { NAMESPACES } from "#api/builtin.ts";
import type { Selector } from "#apimachinery/label-selector.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { statusError, StatusError } from "#apimachinery/status-error.ts";
import type { AdmissionAttributes } from "#apiserver/admission/admission.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import type { Hook } from "#apiserver/admission/webhooks/hook.ts";
import { isNoHookClient } from "#apiserver/admission/webhooks/hook-address.ts";
import type { HookClient } from "#apiserver/admission/webhooks/hook-client.ts";
import type { Candidate } from "#apiserver/admission/webhooks/hook-source.ts";
import type { HookConditions } from "#apiserver/admission/webhooks/conditions.ts";
import { refusalOf, reviewText, reviewVersion, type Verdict, verdictOf } from "#apiserver/admission/webhooks/review.ts";
import { reviewedKind, typed, type Versions } from "#apiserver/admission/webhooks/versions.ts";
import type { Logger } from "#lib/logger.ts";

export interface DispatchDeps {
  readonly reader: ObjectReader;
  readonly client: HookClient;
  readonly versions: Versions;
  readonly conditions: HookConditions;
  readonly newUid: () => string;
  readonly logger: Logger;
}

/** The webhook could not be asked, or its answer is none: whether that refuses the request is its failure policy's matter. */
export class CallFailure extends Error {
  override readonly name = "CallFailure";
}

/** @throws {StatusError} when it cannot be told */
export function isConcerned({ hook, as }: Candidate, attributes: AdmissionAttributes, deps: DispatchDeps): boolean {
  if (!isSelected(hook, attributes, deps.reader)) return false;
  return hook.conditions.length === 0 || deps.conditions.hold(hook, { attributes, as, ...shownAs(as, attributes, deps.versions) });
}

type Selectors = Pick<Hook, "namespaces" | "objects">;

/** @throws {StatusError} 404 for a namespace that is missing */
export function isSelected({ namespaces, objects }: Selectors, attributes: AdmissionAttributes, reader: ObjectReader): boolean {
  if (!inNamespace(namespaces, attributes, reader)) return false;
  const fits = (object: KubeObject | undefined) => object?.metadata !== undefined && objects.matches(object.metadata.labels);
  return objects.empty || fits(attributes.object as KubeObject | undefined) || fits(attributes.oldObject);
}

/** What has no namespace is never left out; a Namespace that is being written goes by its own labels. */
function inNamespace(namespaces: Selector, { operation, resource, subresource, namespace, object }: AdmissionAttributes, reader: ObjectReader): boolean {
  const isNamespace = resource.plural === "namespaces";
  if (namespaces.empty || (namespace === "" && !isNamespace)) return true;
  if (isNamespace && subresource === "" && (operation === "CREATE" || operation === "UPDATE")) return namespaces.matches(object?.metadata.labels);
  const found = reader.lookup(NAMESPACES, "", namespace);
  if (found === undefined) throw statusError.notFound({ group: "", resource: "namespaces" }, namespace);
  return namespaces.matches(found.metadata.labels);
}

/** Has the request's objects ready in the version that a webhook asks for, where only their own webhook can convert them. */
export function prepare(
  { as }: Pick<Candidate, "as">,
  { resource, object, oldObject }: AdmissionAttributes,
  deps: Pick<DispatchDeps, "versions">,
): Promise<void> {
  return deps.versions.prepare([object as KubeObject | undefined, oldObject], resource, as);
}

/** The request's objects in the version that the webhook asks for. */
export function shownAs(
  as: Candidate["as"],
  attributes: AdmissionAttributes,
  versions: Versions,
): { object: KubeObject | undefined; oldObject: KubeObject | undefined } {
  const { resource, subresource, object, oldObject } = attributes;
  const requested = reviewedKind(resource, subresource);
  const shown = (each: KubeObject | undefined) => {
    const whole = typed(each, requested);
    return whole === undefined || as === resource ? whole : versions.convert(whole, resource, as);
  };
  return { object: shown(object as KubeObject | undefined), oldObject: shown(oldObject) };
}

/**
 * Asks a webhook.
 *
 * @throws {StatusError} when it refuses, or when it cannot be asked in a dry run
 * @throws {CallFailure} when there is no answer
 */
export async function ask({ hook, as }: Candidate, attributes: AdmissionAttributes, mutating: boolean, deps: DispatchDeps): Promise<Verdict> {
  if (attributes.dryRun && hook.sideEffects !== "None" && hook.sideEffects !== "NoneOnDryRun") {
    throw statusError.badRequest(`admission webhook ${JSON.stringify(hook.name)} does not support dry run`);
  }
  const verdict = await answerOf(hook, as, attributes, mutating, deps);
  for (const [key, value] of Object.entries(verdict.auditAnnotations)) attributes.annotate?.(`${hook.name}/${key}`, value);
  for (const text of verdict.warnings) attributes.warn(text);
  if (!verdict.allowed) throw refusalOf(hook.name, verdict.result);
  return verdict;
}

async function answerOf(hook: Hook, as: Candidate["as"], attributes: AdmissionAttributes, mutating: boolean, deps: DispatchDeps): Promise<Verdict> {
  try {
    const version = reviewVersion(hook.reviewVersions);
    const uid = deps.newUid();
    const { resource, subresource } = attributes;
    const request = {
      attributes,
      requested: reviewedKind(resource, subresource),
      seen: reviewedKind(as, subresource),
      ...shownAs(as, attributes, deps.versions),
    };
    const text = await post(hook, reviewText(version, uid, request), attributes, deps);
    return verdictOf(text, { version, uid, mutating });
  } catch (cause) {
    throw new CallFailure(`failed calling webhook ${JSON.stringify(hook.name)}: ${(cause as Error).message}`, { cause });
  }
}

async function post(hook: Hook, text: string, { signal }: AdmissionAttributes, { client }: DispatchDeps): Promise<string> {
  try {
    return await client.post(hook, text, signal);
  } catch (cause) {
    throw isNoHookClient(cause) ? cause : new Error(`failed to call webhook: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Whether the failure lets the request through.
 *
 * @throws {StatusError} when it does not
 */
export function failOpen({ hook }: Candidate, error: unknown, attributes: AdmissionAttributes, logger: Logger): void {
  if (error instanceof StatusError || !(error instanceof CallFailure)) throw error;
  if (!hook.failsOpen) throw statusError.internal(error);
  logger.warn("a webhook that failed was passed over", { webhook: hook.id, error });
  if (attributes.signal?.aborted) throw statusError.timeout("request did not complete within requested timeout");
}
