import { type JsonObject, plainCopy } from "#apimachinery/decode/own.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { applyJsonPatch, type JsonPatchOperation } from "#apimachinery/patch/json-patch.ts";
import { statusError } from "#apimachinery/status-error.ts";
import { type AdmissionAttributes, Reinvocation } from "#apiserver/admission/admission.ts";
import { decodeChanged, replaceObject } from "#apiserver/admission/webhooks/changed-object.ts";
import { ask, CallFailure, type DispatchDeps, failOpen, isConcerned, prepare, shownAs } from "#apiserver/admission/webhooks/dispatch.ts";
import type { Candidate } from "#apiserver/admission/webhooks/hook-source.ts";
import type { Verdict } from "#apiserver/admission/webhooks/review.ts";
import { sameJson } from "#lib/same-json.ts";

const MUTATION = "mutation.webhook.admission.k8s.io/";
const PATCH = "patch.webhook.admission.k8s.io/";

/** Asks mutating webhooks one after another; each sees what those before it have changed. */
export async function askMutating(candidates: readonly Candidate[], attributes: AdmissionAttributes, deps: DispatchDeps): Promise<void> {
  const passes = (attributes.reinvocation ??= new Reinvocation()).of("webhooks");
  passes.begin(attributes.object);
  for (const candidate of candidates) {
    const { hook } = candidate;
    if (deps.versions.needsPreparation(attributes.resource)) await prepare(candidate, attributes, deps);
    if (!isConcerned(candidate, attributes, deps) || !passes.includes(hook.id)) continue;
    const changed = await askOne(candidate, attributes, passes.isSecond ? 1 : 0, deps);
    passes.asked(hook.id, { changed, again: hook.isReinvoked });
  }
  passes.end(attributes.object);
}

/** @returns whether it has changed the object */
async function askOne(candidate: Candidate, attributes: AdmissionAttributes, round: number, deps: DispatchDeps): Promise<boolean> {
  const { hook, index } = candidate;
  const place = `round_${round}_index_${index}`;
  const note = (mutated: boolean) =>
    attributes.annotate?.(MUTATION + place, JSON.stringify({ configuration: hook.configuration, webhook: hook.name, mutated }));
  try {
    const verdict = await ask(candidate, attributes, true, deps);
    const operations = patchOf(verdict, hook.name);
    const changed = operations.length > 0 && (await change(candidate, attributes, operations, deps));
    note(changed);
    if (operations.length > 0) {
      const patch = { configuration: hook.configuration, webhook: hook.name, patch: operations, patchType: "JSONPatch" };
      attributes.annotate?.(PATCH + place, JSON.stringify(patch));
    }
    return changed;
  } catch (error) {
    note(false);
    failOpen(candidate, error, attributes, deps.logger);
    attributes.annotate?.(`failed-open.${MUTATION}${place}`, hook.name);
    return false;
  }
}

/** @throws {CallFailure} for what is no JSON patch */
function patchOf({ patch, patchType }: Verdict, name: string): readonly (JsonPatchOperation | null)[] {
  if (patch === "") return [];
  const invalid = (why: string) => new CallFailure(`failed calling webhook ${JSON.stringify(name)}: ${why}`);
  let operations: unknown;
  try {
    operations = JSON.parse(patch);
  } catch (error) {
    throw invalid(`received undecodable patch in webhook response: ${(error as Error).message}`);
  }
  if (!Array.isArray(operations)) {
    if (operations === null) return [];
    throw invalid(`received undecodable patch in webhook response: json: cannot unmarshal ${typeof operations} into Go value of type jsonpatch.Patch`);
  }
  if (operations.length > 0 && patchType !== "JSONPatch") throw invalid(`unsupported patch type ${JSON.stringify(patchType)}`);
  return operations as readonly (JsonPatchOperation | null)[];
}

/** Changes the request's object in place, by way of the version that the webhook has seen. */
async function change(
  candidate: Candidate,
  attributes: AdmissionAttributes,
  operations: readonly (JsonPatchOperation | null)[],
  deps: DispatchDeps,
): Promise<boolean> {
  const { hook, as } = candidate;
  const { object: seen } = shownAs(as, attributes, deps.versions);
  if (seen === undefined || attributes.object === undefined) {
    throw statusError.internal(
      new Error(`admission webhook ${JSON.stringify(hook.name)} attempted to modify the object, which is not supported for this operation`),
    );
  }
  const next = patched(seen, candidate, attributes, operations, deps);
  if (sameJson(seen, next)) return false;
  await deps.versions.prepare([next], as, attributes.resource);
  replaceObject(attributes, as, next, deps.versions);
  return true;
}

/** @throws {StatusError} 500 when the patch does not apply, or makes something that is no such object */
function patched(
  seen: KubeObject,
  { as }: Candidate,
  attributes: AdmissionAttributes,
  operations: readonly (JsonPatchOperation | null)[],
  { versions }: DispatchDeps,
): KubeObject {
  const plain = plainCopy(seen) as JsonObject;
  let value;
  try {
    value = applyJsonPatch(plain, operations);
  } catch (error) {
    throw statusError.internal(new Error(`the patch does not apply: ${(error as Error).message}`, { cause: error }));
  }
  const decodes = versions.decodable(attributes, as);
  return decodes === undefined ? (value as KubeObject) : decodeChanged(value, decodes);
}
