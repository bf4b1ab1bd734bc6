import { builtin } from "#api/resources.ts";
import type { MutatingWebhookConfiguration, ValidatingWebhookConfiguration } from "#api/admissionregistration-v1/types.ts";
import type { AdmissionPlugin } from "#apiserver/admission/admission.ts";
import type { ObjectReader, ObjectWatcher } from "#apiserver/admission/reader.ts";
import type { DispatchDeps } from "#apiserver/admission/webhooks/dispatch.ts";
import type { HookConditions } from "#apiserver/admission/webhooks/conditions.ts";
import type { HookClient } from "#apiserver/admission/webhooks/hook-client.ts";
import { type Candidate, HookSource } from "#apiserver/admission/webhooks/hook-source.ts";
import { Versions } from "#apiserver/admission/webhooks/versions.ts";
import type { Authorizer } from "#apiserver/authz/authorizer.ts";
import type { ResourceTable } from "#apiserver/registry/resource-table.ts";
import type { Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";

const GROUP = "admissionregistration.k8s.io";
const MUTATING = builtin<MutatingWebhookConfiguration>(GROUP, "v1", "mutatingwebhookconfigurations");
const VALIDATING = builtin<ValidatingWebhookConfiguration>(GROUP, "v1", "validatingwebhookconfigurations");

export interface WebhookDeps {
  readonly reader: ObjectReader;
  readonly watcher: ObjectWatcher;
  readonly resources: ResourceTable;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newUid: () => string;
}

/** Programs outside of this process that change requests or refuse them. What asks them is loaded when there are any. */
export function webhookPlugins(deps: WebhookDeps): { readonly mutating: AdmissionPlugin; readonly validating: AdmissionPlugin } {
  const versions = new Versions(deps.resources);
  const sourceOf = (resource: typeof MUTATING | typeof VALIDATING) =>
    new HookSource(
      deps.reader,
      deps.watcher,
      resource,
      (info, subresource) => versions.equivalentsOf(info, subresource),
      () => deps.resources.infos,
    );
  const [mutating, validating] = [sourceOf(MUTATING), sourceOf(VALIDATING)];
  let client: Promise<HookClient> | undefined;
  let conditions: Promise<HookConditions> | undefined;
  const dispatch = async (candidates: readonly Candidate[]): Promise<DispatchDeps> => {
    const isConditional = candidates.some(({ hook }) => hook.conditions.length > 0);
    return {
      ...deps,
      versions,
      client: await (client ??= loadClient(deps)),
      conditions: isConditional ? await (conditions ??= loadConditions(deps, versions)) : NO_CONDITIONS,
    };
  };
  return {
    mutating: {
      name: "MutatingAdmissionWebhook",
      admit(attributes) {
        const candidates = mutating.candidates(attributes);
        if (candidates.length > 0)
          return import("#apiserver/admission/webhooks/mutating.ts").then(async ({ askMutating }) =>
            askMutating(candidates, attributes, await dispatch(candidates)),
          );
      },
    },
    validating: {
      name: "ValidatingAdmissionWebhook",
      validate(attributes) {
        const candidates = validating.candidates(attributes);
        if (candidates.length > 0)
          return import("#apiserver/admission/webhooks/validating.ts").then(async ({ askValidating }) =>
            askValidating(candidates, attributes, await dispatch(candidates)),
          );
      },
    },
  };
}

/** For webhooks that have none. */
const NO_CONDITIONS: HookConditions = { hold: () => true };

async function loadClient({ reader, clock }: WebhookDeps): Promise<HookClient> {
  const { HookClient: Client } = await import("#apiserver/admission/webhooks/hook-client.ts");
  return new Client(reader, clock);
}

async function loadConditions({ reader, authorizer }: WebhookDeps, versions: Versions): Promise<HookConditions> {
  return (await import("#apiserver/admission/webhooks/cel-conditions.ts")).celConditions({ reader, versions, authorizer });
}
