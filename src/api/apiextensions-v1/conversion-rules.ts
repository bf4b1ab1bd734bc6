import { checkUrl, validateService } from "#api/admissionregistration-v1/validate-webhooks.ts";
import type { CustomResourceConversion, WebhookClientConfig } from "#api/apiextensions-v1/types.ts";
import { type FieldError, type FieldPath, fieldError } from "#apimachinery/field-error.ts";
import { isDns1035Label } from "#apimachinery/validation/names.ts";

const STRATEGIES = ["None", "Webhook"];
const REVIEW_VERSIONS = ["v1", "v1beta1"];

/** Whether there is a version that we speak, or none at all. */
export function hasKnownReviewVersion({ webhook }: CustomResourceConversion): boolean {
  const versions = webhook?.conversionReviewVersions ?? [];
  return versions.length === 0 || versions.some((version) => REVIEW_VERSIONS.includes(version));
}

/** @param needsKnown whether one of the webhook's versions must be one that we speak */
export function conversionErrors(conversion: CustomResourceConversion | undefined, path: FieldPath, needsKnown: boolean): FieldError[] {
  if (conversion === undefined) return [];
  const { strategy = "", webhook } = conversion;
  const errors: FieldError[] = [];
  if (strategy === "") errors.push(fieldError.required(path.child("strategy")));
  else if (!STRATEGIES.includes(strategy)) errors.push(fieldError.notSupported(path.child("strategy"), strategy, STRATEGIES));
  const client = path.child("webhookClientConfig");
  const reviews = path.child("conversionReviewVersions");
  const versions = webhook?.conversionReviewVersions ?? [];
  if (strategy === "Webhook") {
    if (webhook?.clientConfig === undefined) errors.push(fieldError.required(client, "required when strategy is set to Webhook"));
    else errors.push(...clientErrors(webhook.clientConfig, client));
    return [...errors, ...reviewErrors(versions, reviews, needsKnown)];
  }
  const why = "should not be set when strategy is not set to Webhook";
  if (webhook?.clientConfig !== undefined) errors.push(fieldError.forbidden(client, why));
  if (versions.length > 0) errors.push(fieldError.forbidden(reviews, why));
  return errors;
}

function clientErrors({ url, service }: WebhookClientConfig, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if ((url === undefined) === (service === undefined)) errors.push(fieldError.required(path, "exactly one of url or service is required"));
  else if (url !== undefined) checkUrl(errors, url, path.child("url"));
  else validateService(errors, service!, path.child("service"));
  return errors;
}

function reviewErrors(versions: readonly string[], path: FieldPath, needsKnown: boolean): FieldError[] {
  if (versions.length === 0) return [fieldError.required(path)];
  const errors = versions.flatMap((version, i) => {
    const messages = versions.indexOf(version) < i ? ["duplicate version"] : isDns1035Label(version);
    return messages.map((message) => fieldError.invalid(path.index(i), version, message));
  });
  if (needsKnown && !versions.some((version) => REVIEW_VERSIONS.includes(version))) {
    errors.push(fieldError.invalid(path, versions, `must include at least one of ${REVIEW_VERSIONS.join(", ")}`));
  }
  return errors;
}
