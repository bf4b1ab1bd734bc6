import type * as admission from "#api/admissionregistration-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";

const TIMEOUT_SECONDS = 10;
const HTTPS_PORT = 443;

type Webhook = Mutable<admission.ValidatingWebhook | admission.MutatingWebhook>;

/** @see kubernetes pkg/apis/admissionregistration/v1/defaults.go */
export function applyValidatingWebhookDefaults({ webhooks }: Mutable<admission.ValidatingWebhookConfiguration>): void {
  for (const webhook of webhooks ?? []) applyWebhookDefaults(webhook);
}

export function applyMutatingWebhookDefaults({ webhooks }: Mutable<admission.MutatingWebhookConfiguration>): void {
  for (const webhook of webhooks ?? []) {
    applyWebhookDefaults(webhook);
    webhook.reinvocationPolicy ??= "Never";
  }
}

export function applyPolicyDefaults({ spec }: Mutable<admission.ValidatingAdmissionPolicy>): void {
  if (!spec) return;
  spec.failurePolicy ??= "Fail";
  if (spec.matchConstraints) applyMatchDefaults(spec.matchConstraints);
}

export function applyPolicyBindingDefaults({ spec }: Mutable<admission.ValidatingAdmissionPolicyBinding>): void {
  if (spec?.matchResources) applyMatchDefaults(spec.matchResources);
}

function applyWebhookDefaults(webhook: Webhook): void {
  webhook.failurePolicy ??= "Fail";
  webhook.timeoutSeconds ??= TIMEOUT_SECONDS;
  applySelection(webhook);
  for (const rule of webhook.rules ?? []) rule.scope ??= "*";
  if (webhook.clientConfig?.service) webhook.clientConfig.service.port ??= HTTPS_PORT;
}

export function applyMatchDefaults(match: Mutable<admission.MatchResources>): void {
  applySelection(match);
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]) rule.scope ??= "*";
}

function applySelection(match: Pick<Webhook, "matchPolicy" | "namespaceSelector" | "objectSelector">): void {
  match.matchPolicy ??= "Equivalent";
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
}
