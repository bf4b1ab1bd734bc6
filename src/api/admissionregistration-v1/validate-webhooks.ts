import type * as admission from "#api/admissionregistration-v1/types.ts";
import { checkAllowed, type Errors } from "#api/core-v1/pod-spec/checks.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { isDns1035Label, isDns1123Subdomain, isPortNumber } from "#apimachinery/validation/names.ts";
import { hasInvalidLabelValue, validateLabelSelector } from "#apimachinery/validation/selectors.ts";

import { validateConditions } from "./validate-conditions.ts";
import { validateRule } from "./validate-rules.ts";

type Webhook = admission.ValidatingWebhook & Partial<Pick<admission.MutatingWebhook, "reinvocationPolicy">>;

const WEBHOOKS = new FieldPath("webhooks");
const REVIEW_VERSIONS = ["v1", "v1beta1"];
const HARMLESS = ["None", "NoneOnDryRun"];
const URL_FORM = "; desired format: https://host[/path]";

/** What was let through once may stay: each is asked for unless an older object has it otherwise. */
interface Options {
  readonly sideEffects: readonly string[];
  readonly knownVersions: boolean;
  readonly uniqueNames: boolean;
  readonly allowInvalidValues: boolean;
}

/** @see kubernetes pkg/apis/admissionregistration/validation/validation.go */
export function validateWebhooks(webhooks: readonly Webhook[] = [], old?: readonly Webhook[]): FieldError[] {
  const errors: Errors = [];
  const options = optionsFor(old ?? []);
  const names = new Set<string>();
  for (const [i, webhook] of webhooks.entries()) {
    const path = WEBHOOKS.index(i);
    validateWebhook(errors, webhook, options, path);
    validateVersions(errors, webhook.admissionReviewVersions ?? [], options.knownVersions, path.child("admissionReviewVersions"));
    if (!options.uniqueNames || !webhook.name) continue;
    if (names.has(webhook.name)) errors.push(fieldError.duplicate(path.child("name"), webhook.name));
    names.add(webhook.name);
  }
  return errors;
}

function optionsFor(old: readonly Webhook[]): Options {
  const isHarmless = old.every(({ sideEffects }) => HARMLESS.includes(sideEffects));
  return {
    sideEffects: isHarmless ? HARMLESS : ["None", "NoneOnDryRun", "Some", "Unknown"],
    knownVersions: old.every(({ admissionReviewVersions }) => (admissionReviewVersions ?? []).some((version) => REVIEW_VERSIONS.includes(version))),
    uniqueNames: new Set(old.map(({ name }) => name)).size === old.length,
    allowInvalidValues: old.some(({ namespaceSelector, objectSelector }) => hasInvalidLabelValue(namespaceSelector) || hasInvalidLabelValue(objectSelector)),
  };
}

function validateWebhook(errors: Errors, webhook: Webhook, options: Options, path: FieldPath): void {
  const { failurePolicy, matchPolicy, sideEffects, timeoutSeconds: seconds, reinvocationPolicy } = webhook;
  checkQualifiedDomain(errors, webhook.name ?? "", path.child("name"));
  for (const [i, rule] of (webhook.rules ?? []).entries()) validateRule(errors, rule, path.child("rules").index(i));
  if (failurePolicy !== undefined) checkAllowed(errors, failurePolicy, ["Fail", "Ignore"], path.child("failurePolicy"));
  if (matchPolicy !== undefined) checkAllowed(errors, matchPolicy, ["Equivalent", "Exact"], path.child("matchPolicy"));
  const effects = path.child("sideEffects");
  if (typeof sideEffects !== "string") errors.push(fieldError.required(effects, `must specify one of ${options.sideEffects.join(", ")}`));
  else checkAllowed(errors, sideEffects, options.sideEffects, effects);
  if (seconds !== undefined && (seconds > 30 || seconds < 1)) {
    errors.push(fieldError.invalid(path.child("timeoutSeconds"), seconds, "the timeout value must be between 1 and 30 seconds"));
  }
  for (const field of ["namespaceSelector", "objectSelector"] as const) errors.push(...validateLabelSelector(webhook[field], path.child(field), options));
  if (reinvocationPolicy !== undefined) checkAllowed(errors, reinvocationPolicy, ["IfNeeded", "Never"], path.child("reinvocationPolicy"));
  validateClient(errors, webhook.clientConfig ?? {}, path.child("clientConfig"));
  validateConditions(errors, webhook.matchConditions ?? [], path.child("matchConditions"));
}

function checkQualifiedDomain(errors: Errors, name: string, path: FieldPath): void {
  if (name === "") return void errors.push(fieldError.required(path));
  const messages = isDns1123Subdomain(name);
  if (messages.length > 0) errors.push(fieldError.invalid(path, name, messages.join(",")));
  else if (name.split(".").length < 3) errors.push(fieldError.invalid(path, name, "should be a domain with at least three segments separated by dots"));
}

function validateClient(errors: Errors, { url, service }: admission.WebhookClientConfig, path: FieldPath): void {
  if ((url === undefined) === (service === undefined)) errors.push(fieldError.required(path, "exactly one of url or service is required"));
  else if (url !== undefined) checkUrl(errors, url, path.child("url"));
  else if (service) validateService(errors, service, path.child("service"));
}

export function checkUrl(errors: Errors, text: string, path: FieldPath): void {
  const fault = parseFault(text);
  if (fault !== undefined) return void errors.push(fieldError.required(path, `url must be a valid URL: parse ${JSON.stringify(text)}: ${fault}${URL_FORM}`));
  const [, scheme = "", authority = "", query, fragment = ""] =
    /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?#]*))?[^?#]*(?:\?([^#]*))?(?:#(.*))?$/s.exec(text) ?? [];
  const at = authority.lastIndexOf("@");
  const host = authority.slice(at + 1);
  if (scheme.toLowerCase() !== "https") errors.push(fieldError.invalid(path, scheme.toLowerCase(), `'https' is the only allowed URL scheme${URL_FORM}`));
  if (host === "") errors.push(fieldError.invalid(path, host, `host must be specified${URL_FORM}`));
  if (at >= 0) errors.push(fieldError.invalid(path, authority.slice(0, at), "user information is not permitted in the URL"));
  if (fragment !== "") errors.push(fieldError.invalid(path, fragment, "fragments are not permitted in the URL"));
  if (query) errors.push(fieldError.invalid(path, query, "query parameters are not permitted in the URL"));
}

/** What is no URL at all, as far as its beginning says so. */
function parseFault(text: string): string | undefined {
  if (text.startsWith(":")) return "missing protocol scheme";
  const [first = ""] = text.split(/[/?#]/);
  return first.includes(":") && !/^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(text) ? "first path segment in URL cannot contain colon" : undefined;
}

export function validateService(errors: Errors, { name, namespace, path: target, port = 0 }: admission.ServiceReference, path: FieldPath): void {
  // Upstream hands over the two the other way round.
  if (!namespace) errors.push(fieldError.required(path.child("name")));
  if (!name) errors.push(fieldError.required(path.child("namespace")));
  const wrong = isPortNumber(port);
  if (wrong.length > 0) errors.push(fieldError.invalid(path.child("port"), port, `port is not valid: ${wrong.join(", ")}`));
  if (target === undefined || target === "/" || target === "") return;
  const refuse = (why: string) => errors.push(fieldError.invalid(path.child("path"), target, why));
  if (target === "//") return void refuse("segment[0] may not be empty");
  if (!target.startsWith("/")) refuse("must start with a '/'");
  for (const [i, step] of target.slice(1).replace(/\/$/, "").split("/").entries()) {
    if (step === "") refuse(`segment[${i}] may not be empty`);
    else for (const message of isDns1123Subdomain(step)) refuse(`segment[${i}]: ${message}`);
  }
}

function validateVersions(errors: Errors, versions: readonly string[], mustBeKnown: boolean, path: FieldPath): void {
  const known = REVIEW_VERSIONS.join(", ");
  if (versions.length === 0) return void errors.push(fieldError.required(path, `must specify one of ${known}`));
  for (const [i, version] of versions.entries()) {
    const isRepeated = versions.indexOf(version) < i;
    for (const message of isRepeated ? ["duplicate version"] : isDns1035Label(version)) errors.push(fieldError.invalid(path.index(i), version, message));
  }
  if (mustBeKnown && !versions.some((version) => REVIEW_VERSIONS.includes(version))) {
    errors.push(fieldError.invalid(path, versions, `must include at least one of ${known}`));
  }
}
