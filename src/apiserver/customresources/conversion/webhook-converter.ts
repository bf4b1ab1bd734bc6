import type { WebhookClientConfig, WebhookConversion } from "#api/apiextensions-v1/types.ts";
import type { JsonObject } from "#apimachinery/decode/own.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { unexpected } from "#apimachinery/patch/patch-body.ts";
import type { HookClient } from "#apiserver/admission/webhooks/hook-client.ts";
import type { ConversionMetrics } from "#apiserver/metrics/conversion-metrics.ts";
import type { Clock } from "#lib/clock.ts";

import { answeredObjects, checkedObject, ConversionFailure, reviewText, reviewVersion } from "./review.ts";

export interface ConverterDeps {
  /** Loads what asks webhooks. */
  readonly client: () => Promise<HookClient>;
  readonly newUid: () => string;
  readonly clock: Clock;
  readonly metrics: ConversionMetrics;
}

/** As upstream's client has it for all webhooks that name no time of their own. */
const TIMEOUT_SECONDS = 30;
/** How much is sent in one call, so that the answer is one that is taken. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
const MAX_BATCH_OBJECTS = 500;

/** Asks a definition's webhook for objects in another version. */
export class WebhookConverter {
  readonly #definition: string;
  readonly #webhook: WebhookConversion;
  readonly #deps: ConverterDeps;

  /** @param definition its name */
  constructor(definition: string, webhook: WebhookConversion, deps: ConverterDeps) {
    this.#definition = definition;
    this.#webhook = webhook;
    this.#deps = deps;
  }

  /**
   * @param objects in other versions
   * @throws {StatusError} 500 in upstream's words
   */
  async convert(objects: readonly KubeObject[], desiredAPIVersion: string): Promise<JsonObject[]> {
    const converted: JsonObject[] = [];
    for (const batch of batches(objects)) converted.push(...(await this.#timed(batch, desiredAPIVersion)));
    return converted;
  }

  async #timed(objects: readonly KubeObject[], desiredAPIVersion: string): Promise<JsonObject[]> {
    const { clock, metrics } = this.#deps;
    const began = clock.monotonic();
    const observe = (failure?: ConversionFailure) =>
      metrics.observe({
        definition: this.#definition,
        from: versionOf(objects[0]!.apiVersion),
        to: versionOf(desiredAPIVersion),
        seconds: (clock.monotonic() - began) / 1000,
        failure,
      });
    try {
      const converted = await this.#ask(objects, desiredAPIVersion);
      observe();
      return converted;
    } catch (error) {
      if (!(error instanceof ConversionFailure)) throw error;
      observe(error);
      throw unexpected(error.message);
    }
  }

  async #ask(objects: readonly KubeObject[], desiredAPIVersion: string): Promise<JsonObject[]> {
    const { clientConfig, conversionReviewVersions } = this.#webhook;
    const kind = `${objects[0]!.apiVersion}, Kind=${objects[0]!.kind}`;
    const version = reviewVersion(conversionReviewVersions);
    const request = { uid: this.#deps.newUid(), desiredAPIVersion, objects };
    const text = await this.#post(clientConfig ?? {}, reviewText(version, request), kind);
    const answers = answeredObjects(text, version, request, kind);
    const isListed = objects.length > 1;
    return answers.map((answer, index) => checkedObject({ original: objects[index]!, answer, index, isListed, desiredAPIVersion, kind }));
  }

  async #post(clientConfig: WebhookClientConfig, text: string, kind: string): Promise<string> {
    const client = await this.#deps.client();
    try {
      return await client.post({ clientConfig, timeoutSeconds: TIMEOUT_SECONDS }, text, undefined);
    } catch (error) {
      throw new ConversionFailure(`conversion webhook for ${kind} failed: ${(error as Error).message}`, "conversion_webhook_call_failure");
    }
  }
}

const versionOf = (apiVersion = "") => apiVersion.slice(apiVersion.indexOf("/") + 1);

function* batches(objects: readonly KubeObject[]): Generator<readonly KubeObject[]> {
  let batch: KubeObject[] = [];
  let bytes = 0;
  for (const object of objects) {
    const size = objects.length === 1 ? 0 : JSON.stringify(object).length;
    if (batch.length > 0 && (bytes + size > MAX_BATCH_BYTES || batch.length >= MAX_BATCH_OBJECTS)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(object);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
