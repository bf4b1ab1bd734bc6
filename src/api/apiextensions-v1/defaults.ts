import type { CustomResourceDefinition, WebhookConversion } from "#api/apiextensions-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";

/** @see apiextensions-apiserver pkg/apis/apiextensions/v1/defaults.go */
export function applyDefinitionDefaults({ spec, status }: Mutable<CustomResourceDefinition>): void {
  const { names } = spec;
  if ((names.singular ?? "") === "" && (names.kind ?? "") !== "") names.singular = names.kind.toLowerCase();
  if ((names.listKind ?? "") === "" && (names.kind ?? "") !== "") names.listKind = `${names.kind}List`;
  spec.conversion ??= { strategy: "None" };
  if (saysNothing(spec.conversion.webhook)) delete spec.conversion.webhook;
  const service = spec.conversion.webhook?.clientConfig?.service;
  if (service !== undefined) service.port ??= 443;
  const storage = ((spec.versions as typeof spec.versions | null) ?? []).find((version) => version.storage);
  if ((status.storedVersions?.length ?? 0) === 0 && storage !== undefined) status.storedVersions = [storage.name];
}

/** Upstream's own form has no place for a webhook without a client and versions. */
const saysNothing = (webhook: WebhookConversion | undefined) =>
  webhook !== undefined && webhook.clientConfig === undefined && ((webhook.conversionReviewVersions as unknown) ?? undefined) === undefined;
