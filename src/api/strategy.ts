import type { FieldError } from "#apimachinery/field-error.ts";
import type { KubeObject } from "#apimachinery/object.ts";

/** A freshly decoded object that nobody else holds: it may be filled in place. */
export type Mutable<T> = T extends readonly (infer E)[] ? Mutable<E>[] : T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T;

/** What a strategy may know besides the objects. */
export interface StrategyContext {
  /** The clock, as a Kubernetes time. */
  readonly now: string;
  readonly user: {
    readonly name: string;
    readonly uid: string;
    readonly groups: readonly string[];
    readonly extra: Readonly<Record<string, readonly string[]>>;
  };
}

/** What a validation may know besides the objects. */
export interface Checked {
  /** What is wrong with the metadata. */
  readonly metadataErrors: readonly FieldError[];
  /** Tells of what is let pass. */
  warn(text: string): void;
}

/**
 * What is a kind's own in the generic registry; absent members mean that the kind adds nothing there. The registry does
 * the rest by the schema: decoding, marker defaults, enums, metadata, generation, managed fields, status reset.
 *
 * Pure: no clock, no storage. Field errors come in upstream's order with upstream's paths and texts.
 */
export interface Strategy<T extends KubeObject = KubeObject> {
  /** Defaults set in upstream's code; idempotent. Runs after decoding a body, on patched results, and on objects read. */
  applyDefaults?(object: Mutable<T>): void;
  /** Loads what validation needs and few objects do. @returns undefined where nothing is missing */
  load?(object: T): Promise<unknown> | undefined;
  /** Before validation of a create: resets what clients may not set, fills what the server owns. */
  prepareForCreate?(object: Mutable<T>, context: StrategyContext): void;
  prepareForUpdate?(object: Mutable<T>, old: T, context: StrategyContext): void;
  validateCreate?(object: T, checked?: Checked): FieldError[];
  /** Everything that is checked on an update, `validateCreate`'s rules included where upstream includes them. */
  validateUpdate?(object: T, old: T, checked?: Checked): FieldError[];
  /** After validation, before storing: puts into one form what has several. */
  canonicalize?(object: Mutable<T>): void;
  warningsOnCreate?(object: T): string[];
  warningsOnUpdate?(object: T, old: T): string[];

  /** Whether a spec change raises `metadata.generation` (and a create sets it to 1). */
  readonly hasGeneration?: boolean;
  /** A create keeps the status that the client sends; the default is that status starts empty. */
  readonly keepsStatusOnCreate?: boolean;
  /** What counts as the spec for that, when it is not everything but metadata and status. */
  generationFields?(object: T): unknown;
  /** For that, a list that was sent empty is another than none; the default is no. */
  readonly emptyIsChange?: boolean;
  /** A PUT without a resourceVersion is accepted; the default is yes. */
  readonly allowUnconditionalUpdate?: boolean;
  /** A PUT to a name that does not exist creates it; the default is no. */
  readonly allowCreateOnUpdate?: boolean;
  /** Checks that `metadata.name` is of the kind's form; the default is a DNS subdomain. Gives messages without path. */
  validateName?(name: string, isPrefix: boolean): string[];
  /** What `deletecollection` and `delete` do with dependents when nobody says. */
  readonly defaultDeletion?: "background" | "orphan" | "unsupported";
  /** The seconds of grace a delete gets, `undefined` for a kind (or state) that is deleted at once. */
  gracePeriodSeconds?(object: T, asked: number | undefined): number | undefined;

  /** Values that field selectors can name, besides `metadata.name` and `metadata.namespace`. */
  selectableFields?(object: T): Readonly<Record<string, string>>;
  /** The names `selectableFields` gives, so that others can be refused. */
  readonly selectableFieldNames?: readonly string[];
  /** What is said of a field that objects cannot be selected by, where upstream has words of its own. */
  unknownField?(field: string): string;

  /** Rules for `status`, `scale` and the like, by subresource. A plain `status` needs no entry. */
  readonly subresources?: Readonly<Record<string, SubresourceStrategy<T>>>;
}

export interface SubresourceStrategy<T extends KubeObject = KubeObject> {
  /** Puts back what this subresource may not change. */
  prepareForUpdate?(object: Mutable<T>, old: T, context: StrategyContext): void;
  validateUpdate?(object: T, old: T, checked?: Checked): FieldError[];
  warningsOnUpdate?(object: T, old: T): string[];
}
