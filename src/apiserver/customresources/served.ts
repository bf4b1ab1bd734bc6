import { isTrue } from "#api/apiextensions-v1/conditions.ts";
import type { CustomResourceDefinition, CustomResourceDefinitionVersion, WebhookConversion } from "#api/apiextensions-v1/types.ts";
import type { ResourceInfo, Subresource } from "#api/resources.ts";
import type { JsonSchema } from "#apimachinery/structural/json-schema.ts";
import type { ServedResource } from "#apiserver/registry/resource-table.ts";
import { storagePrefix } from "#apiserver/registry/resource-table.ts";

import { CustomCodec, type CustomKind, viewOfVersion } from "./codec.ts";
import { customLayout } from "./columns.ts";
import type { WebhookConverter } from "./conversion/webhook-converter.ts";
import { scaleAccess } from "./scale.ts";
import { customStrategy } from "./strategy.ts";
import { typedSchema } from "./typed-schema.ts";

const VERBS = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
const LAST_VERBS = ["delete", "deletecollection", "get", "list", "watch"];
const OBJECT: JsonSchema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };

/** Whether two states of a definition are served alike. */
export function isServedAlike(a: CustomResourceDefinition, b: CustomResourceDefinition): boolean {
  const telling = (definition: CustomResourceDefinition) => {
    const { metadata, status } = definition;
    const { acceptedNames, storedVersions } = status;
    return JSON.stringify([
      metadata.uid,
      metadata.generation,
      isTrue(definition, "Established"),
      isTrue(definition, "Terminating"),
      acceptedNames,
      storedVersions,
    ]);
  };
  return telling(a) === telling(b);
}

/**
 * What a definition has the server serve: nothing before it is established.
 *
 * @param replaced ends what goes by this state of the definition
 * @param converters makes what asks webhooks
 */
export function servedBy(definition: CustomResourceDefinition, replaced: AbortSignal, converters: Converters): ServedResource[] {
  if (!isTrue(definition, "Established")) return [];
  const { spec, status } = definition;
  const kind: CustomKind = {
    group: spec.group,
    plural: spec.names.plural,
    kind: status.acceptedNames.kind,
    schemas: new Map(spec.versions.map((version) => [version.name, (version.schema?.openAPIV3Schema as JsonSchema | undefined) ?? OBJECT])),
    storageVersion: spec.versions.find(({ storage }) => storage)!.name,
    ask: askOf(definition, converters),
  };
  return spec.versions.filter(({ served }) => served).map((version) => servedVersion(definition, kind, version, replaced));
}

/** What asks a definition's webhook. */
export type Converters = (definition: string, webhook: WebhookConversion) => Pick<WebhookConverter, "convert">;

function askOf({ metadata, spec }: CustomResourceDefinition, converters: Converters): CustomKind["ask"] {
  const { strategy, webhook } = spec.conversion ?? {};
  if (strategy !== "Webhook" || webhook === undefined) return undefined;
  const converter = converters(metadata.name, webhook);
  return (objects, apiVersion) => converter.convert(objects, apiVersion);
}

function servedVersion(
  definition: CustomResourceDefinition,
  kind: CustomKind,
  version: CustomResourceDefinitionVersion,
  replaced: AbortSignal,
): ServedResource {
  const { metadata, status } = definition;
  const info = infoOf(definition, kind, version);
  const apiVersion = `${kind.group}/${version.name}`;
  const schema = kind.schemas.get(version.name)!;
  // What was stored before the definition changed may be of another form.
  const mayDiffer = version.name !== kind.storageVersion || (metadata.generation ?? 1) > 1 || (status.storedVersions?.length ?? 1) > 1;
  const codec = new CustomCodec(kind, version.name);
  const scale = version.subresources?.scale;
  const { view, conversion } = viewOfVersion(kind, version.name, mayDiffer);
  const strategy = customStrategy({ apiVersion, kind: kind.kind, schema, scale, selectableFields: version.selectableFields ?? [] });
  return {
    info,
    apiVersion,
    resource: { group: kind.group, resource: kind.plural },
    schema: typedSchema(schema, `${version.name}.${kind.kind}`),
    strategy,
    prefix: storagePrefix(kind.group, kind.plural),
    view,
    head: Buffer.from(`{"kind":${JSON.stringify(kind.kind)},"apiVersion":${JSON.stringify(`${kind.group}/${kind.storageVersion}`)},`),
    hasStatus: version.subresources?.status !== undefined,
    verbs: new Set(VERBS), // a create is refused with words of its own
    custom: {
      decodeBody: (body, validation, context) => codec.decodeBody(body, validation, context),
      decode: (value) => codec.decode(value),
      layout: customLayout(version.additionalPrinterColumns),
      isTerminating: isTrue(definition, "Terminating"),
      replaced,
      conversion,
      scale: scale === undefined ? undefined : scaleAccess(scale),
    },
  };
}

function infoOf(definition: CustomResourceDefinition, kind: CustomKind, version: CustomResourceDefinitionVersion): ResourceInfo {
  const { spec, status } = definition;
  const { singular = "", shortNames = [], categories = [], listKind } = status.acceptedNames;
  const isTerminating = isTrue(definition, "Terminating");
  const deprecated = version.deprecated === true ? (version.deprecationWarning ?? `${kind.group}/${version.name} ${kind.kind} is deprecated`) : undefined;
  return {
    group: kind.group,
    version: version.name,
    kind: kind.kind,
    plural: kind.plural,
    singular,
    shortNames,
    categories,
    namespaced: spec.scope === "Namespaced",
    verbs: isTerminating ? LAST_VERBS : VERBS,
    servedByDefault: true,
    ...(listKind !== undefined && { listKind }),
    subresources: subresourcesOf(kind, version),
    custom: {
      schema: kind.schemas.get(version.name)!,
      storageVersion: kind.storageVersion,
      deprecation: deprecated,
      selectableFields: (version.selectableFields ?? []).map(({ jsonPath }) => jsonPath.replace(/^\./, "")),
    },
  };
}

function subresourcesOf({ group, kind }: CustomKind, { name: version, subresources }: CustomResourceDefinitionVersion): Subresource[] {
  const verbs = ["get", "patch", "update"];
  return [
    ...(subresources?.status === undefined ? [] : [{ name: "status", group, version, kind, verbs }]),
    ...(subresources?.scale === undefined ? [] : [{ name: "scale", group: "autoscaling", version: "v1", kind: "Scale", verbs }]),
  ];
}
