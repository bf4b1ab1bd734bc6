import { builtin } from "#api/resources.ts";
import type { MutatingWebhookConfiguration, ValidatingWebhookConfiguration } from "#api/admissionregistration-v1/types.ts";
import type { AdmissionPlugin } from "#apiserver/admission/admission.ts";
import type { ObjectReader, ObjectWatcher } from "#apiserver/admission/reader.ts";
import type { HookConditions } from "#apiserver/admission/webhooks/conditions.ts";
import type { DispatchDeps } from "#apiserver/admission/webhooks/dispatch.ts";
import { HookSource } from "#apiserver/admission/webhooks/hook-source.ts";
import { Versions } from "#apiserver/admission/webhooks/versions.ts";
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
  readonly conditions: HookConditions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newUid: () => string;
}

/** Programs outside of this process that change requests or refuse them. What asks them is loaded when there are any. */
export function webhookPlugins(deps: WebhookDeps): { readonly mutating: AdmissionPlugin; readonly validating: AdmissionPlugin } {
  const versions = new Versions(deps.resources);
  const sourceOf = (resource: typeof MUTATING | typeof VALIDATING) =>
    new HookSource(deps.reader, deps.watcher, resource, (info, subresource) => versions.equivalentsOf(info, subresource));
  const [mutating, validating] = [sourceOf(MUTATING), sourceOf(VALIDATING)];
  let dispatching: Promise<DispatchDeps> | undefined;
  const dispatch = () => (dispatching ??= dispatchDeps(deps, versions));
  return {
    mutating: {
      name: "MutatingAdmissionWebhook",
      admit(attributes) {
        const candidates = mutating.candidates(attributes);
        if (candidates.length > 0)
          return import("#apiserver/admission/webhooks/mutating.ts").then(async ({ askMutating }) => askMutating(candidates, attributes, await dispatch()));
      },
    },
    validating: {
      name: "ValidatingAdmissionWebhook",
      validate(attributes) {
        const candidates = validating.candidates(attributes);
        if (candidates.length > 0)
          return import("#apiserver/admission/webhooks/validating.ts").then(async ({ askValidating }) =>
            askValidating(candidates, attributes, await dispatch()),
          );
      },
    },
  };
}

async function dispatchDeps({ reader, conditions, clock, logger, newUid }: WebhookDeps, versions: Versions): Promise<DispatchDeps> {
  const { HookClient } = await import("#apiserver/admission/webhooks/hook-client.ts");
  return { reader, conditions, versions, newUid, logger, client: new HookClient(reader, clock) };
}
