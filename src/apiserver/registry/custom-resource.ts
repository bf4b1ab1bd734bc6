import type { Decoded } from "#apimachinery/decode/decode.ts";
import type { JsonObject } from "#apimachinery/decode/own.ts";
import type { Body } from "#apiserver/registry/body.ts";
import type { Conversion } from "#apiserver/registry/conversion.ts";
import type { FieldValidation } from "#apiserver/registry/options.ts";
import type { ScaleAccess } from "#apiserver/registry/special/scale.ts";
import type { RequestContext } from "#apiserver/registry/types.ts";
import type { Draft } from "#apiserver/registry/write.ts";
import type { Layout } from "#apiserver/tables/render.ts";

/** What the generic registry asks of a custom resource, in the place of what the schemas of built-in kinds say. */
export interface CustomResource {
  /** @throws {StatusError} 400 */
  decodeBody(body: Body, validation: FieldValidation, context: RequestContext): Draft;
  /**
   * A fresh object of what `value` says: known fields alone, metadata in canonical form, defaults.
   *
   * @throws {DecodeError}
   */
  decode(value: JsonObject): Decoded<Draft>;
  readonly layout: Layout;
  /** Present where a webhook converts its versions. */
  readonly conversion?: Conversion | undefined;
  /** Where its replicas stand, when it can be scaled. */
  readonly scale?: ScaleAccess | undefined;
  /** Aborted when the definition changes or goes: watches begin anew then. */
  readonly replaced: AbortSignal;
  /** Why nothing may be created: the definition is going. */
  readonly isTerminating: boolean;
}
