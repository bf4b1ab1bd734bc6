import type { ObjectReader } from "#apiserver/admission/reader.ts";
import type { HookClient } from "#apiserver/admission/webhooks/hook-client.ts";
import type { Clock } from "#lib/clock.ts";

import type { Converters } from "../served.ts";
import { type ConverterDeps, WebhookConverter } from "./webhook-converter.ts";

/** Converters that share their connections. What asks webhooks is loaded when the first is asked. */
export function webhookConverters({ reader, ...deps }: Omit<ConverterDeps, "client"> & { readonly reader: ObjectReader; readonly clock: Clock }): Converters {
  let client: Promise<HookClient> | undefined;
  const load = () => (client ??= import("#apiserver/admission/webhooks/hook-client.ts").then(({ HookClient: Client }) => new Client(reader, deps.clock)));
  return (definition, webhook) => new WebhookConverter(definition, webhook, { ...deps, client: load });
}
