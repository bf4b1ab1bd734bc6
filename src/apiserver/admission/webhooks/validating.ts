import type { AdmissionAttributes } from "#apiserver/admission/admission.ts";
import { ask, type DispatchDeps, failOpen, isConcerned, prepare } from "#apiserver/admission/webhooks/dispatch.ts";
import type { Candidate } from "#apiserver/admission/webhooks/hook-source.ts";
import { allDone } from "#lib/all-done.ts";

const VALIDATING = "validating.webhook.admission.k8s.io/";

/** Asks validating webhooks all at once; of several refusals the first one's is told. */
export async function askValidating(candidates: readonly Candidate[], attributes: AdmissionAttributes, deps: DispatchDeps): Promise<void> {
  if (deps.versions.needsPreparation(attributes.resource)) for (const candidate of candidates) await prepare(candidate, attributes, deps);
  const concerned = candidates.filter((candidate) => isConcerned(candidate, attributes, deps));
  await allDone(concerned.map((candidate, i) => askOne(candidate, i, attributes, deps)));
}

async function askOne(candidate: Candidate, place: number, attributes: AdmissionAttributes, deps: DispatchDeps): Promise<void> {
  try {
    await ask(candidate, attributes, false, deps);
  } catch (error) {
    failOpen(candidate, error, attributes, deps.logger);
    attributes.annotate?.(`failed-open.${VALIDATING}round_0_index_${place}`, candidate.hook.name);
  }
}
