import { startWebhook, type WebhookAnswer } from "./webhook-server.ts";

/** An object of any kind, to be read and built freely. */
// oxlint-disable-next-line no-explicit-any
export type Loose = Record<string, any>;

export interface ConversionRequest {
  readonly uid: string;
  readonly desiredAPIVersion: string;
  readonly objects: readonly Loose[];
}

export interface ConversionWebhook {
  readonly url: string;
  /** What was asked, in order, each with the version of its review. */
  readonly asked: { readonly version: string; readonly request: ConversionRequest }[];
  /** Answers otherwise than by converting, as long as it is set. */
  instead: ((request: ConversionRequest, convert: (object: Loose) => Loose) => WebhookAnswer) | undefined;
  close(): Promise<void>;
}

/** A conversion webhook on 127.0.0.1 with TLS, as a user would run one. */
export async function startConversionWebhook(
  tls: { readonly cert: string; readonly key: string },
  convert: (object: Loose, desiredAPIVersion: string) => Loose,
): Promise<ConversionWebhook> {
  const asked: ConversionWebhook["asked"] = [];
  const server = await startWebhook(tls, (review) => {
    const request = review as unknown as ConversionRequest;
    const { version } = server.asked.at(-1)!;
    asked.push({ version, request });
    const one = (object: Loose) => convert(object, request.desiredAPIVersion);
    return (
      webhook.instead?.(request, one) ?? reviewed(version, { uid: request.uid, result: { status: "Success" }, convertedObjects: request.objects.map(one) })
    );
  });
  const webhook: ConversionWebhook = { url: server.url, asked, instead: undefined, close: () => server.close() };
  return webhook;
}

/** @param version `apiextensions.k8s.io/v1` */
export function reviewed(version: string, response: object): WebhookAnswer {
  return { raw: JSON.stringify({ kind: "ConversionReview", apiVersion: version, response }) };
}
