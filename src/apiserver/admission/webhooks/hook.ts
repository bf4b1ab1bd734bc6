import type {
  MatchCondition,
  MutatingWebhook,
  MutatingWebhookConfiguration,
  RuleWithOperations,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
  WebhookClientConfig,
} from "#api/admissionregistration-v1/types.ts";
import { EVERYTHING, type Selector, selectorOf } from "#apimachinery/label-selector.ts";

export type HookConfiguration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration;

/** One webhook of a configuration, with its selectors made ready. */
export interface Hook {
  /** `configuration/webhook/n`: names may come again within a configuration. */
  readonly id: string;
  readonly configuration: string;
  readonly name: string;
  readonly clientConfig: WebhookClientConfig;
  readonly rules: readonly RuleWithOperations[];
  readonly takesEquivalents: boolean;
  readonly namespaces: Selector;
  readonly objects: Selector;
  /** Whether a webhook that cannot be asked lets requests through. */
  readonly failsOpen: boolean;
  readonly sideEffects: string;
  readonly timeoutSeconds: number;
  readonly reviewVersions: readonly string[];
  /** To be asked again when something was changed after it. */
  readonly isReinvoked: boolean;
  readonly conditions: readonly MatchCondition[];
}

const DEFAULT_TIMEOUT_SECONDS = 10;

/** The webhooks of all configurations in the order in which they are asked: by the configuration's name, then as written. */
export function hooksOf(configurations: readonly HookConfiguration[]): Hook[] {
  const sorted = configurations.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : a.metadata.name > b.metadata.name ? 1 : 0));
  return sorted.flatMap(({ metadata, webhooks = [] }) => {
    const seen = new Map<string, number>();
    return webhooks.map((webhook) => {
      const n = seen.get(webhook.name) ?? 0;
      seen.set(webhook.name, n + 1);
      return hookOf(metadata.name, webhook, n);
    });
  });
}

function hookOf(configuration: string, webhook: MutatingWebhook | ValidatingWebhook, n: number): Hook {
  const { name, clientConfig, rules = [], matchPolicy, failurePolicy, sideEffects, timeoutSeconds, admissionReviewVersions, matchConditions = [] } = webhook;
  return {
    ...{ id: `${configuration}/${name}/${n}`, configuration, name, clientConfig, rules, sideEffects },
    takesEquivalents: matchPolicy !== "Exact",
    namespaces: webhook.namespaceSelector === undefined ? EVERYTHING : selectorOf(webhook.namespaceSelector),
    objects: webhook.objectSelector === undefined ? EVERYTHING : selectorOf(webhook.objectSelector),
    failsOpen: failurePolicy === "Ignore",
    timeoutSeconds: timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
    reviewVersions: admissionReviewVersions,
    isReinvoked: "reinvocationPolicy" in webhook && webhook.reinvocationPolicy === "IfNeeded",
    conditions: matchConditions,
  };
}
