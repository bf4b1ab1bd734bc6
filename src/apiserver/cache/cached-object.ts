import { protobufObject } from "#api/schema/protobuf-object.ts";
import { parseExactly } from "#apimachinery/decode/exact-integers.ts";
import { decodeObject } from "#apimachinery/decode/decode.ts";
import { deepFreeze, type KubeObject } from "#apimachinery/object.ts";
import { statusError } from "#apimachinery/status-error.ts";
import { atTurnEnd } from "#lib/turn-end.ts";
import { decodeStored } from "./decode-stored.ts";
import { DecodedObjects } from "./decoded-objects.ts";
import { encodeObject } from "./encode-object.ts";

/** One state of one object: the bytes that go over the wire, and the frozen object that they say. */
export interface CachedObject<T extends KubeObject = KubeObject> {
  readonly key: string;
  /** Decoded when it is asked for; the same one for all who ask, as long as somebody holds it. */
  readonly object: T;
  /** The object as JSON, resourceVersion included. */
  readonly json: Buffer;
  readonly revision: number;
}

const METADATA = Buffer.from('"metadata":{');
const METADATA_CLOSED = "}".charCodeAt(0);
/** How our own values and upstream's begin; only then is the first `"metadata":{` the object's own. */
const USUAL_HEAD = /^\{(?:"kind":"[^"\\]*",?)?(?:"apiVersion":"[^"\\]*",?)?"metadata":\{/;
const RESOURCE_VERSION = Buffer.from('"resourceVersion":');
const HEAD_BYTES = 400;
/** How every object in protobuf begins. */
const PROTOBUF = Buffer.from("k8s\0");

/** An object on its way into the store, encoded. From then on nobody changes it. */
export class PendingObject {
  readonly key: string;
  /** What the store keeps: JSON without a resourceVersion. */
  readonly value: Buffer;
  readonly #object: KubeObject;
  /** Set when the write has been published. */
  cached: CachedObject | undefined;

  constructor(key: string, object: KubeObject) {
    this.key = key;
    this.#object = object;
    this.value = Buffer.from(encodeObject(object));
  }

  publish(revision: number): CachedObject {
    this.cached ??= new Cached(this.key, revision, this.#object, withResourceVersion(this.value, revision)); // or by another cache of the same store
    return this.cached;
  }
}

/**
 * A state read from the store: a start with a hundred thousand of them does nothing to any before somebody looks at it. What
 * cannot be decrypted is there but throws then: the server goes on, without that object.
 */
export function fromStored(key: string, revision: number, stored: { readonly value: Uint8Array }, onUnreadable: (error: unknown) => void): CachedObject {
  try {
    return new Cached(key, revision, undefined, asBuffer(stored.value), true);
  } catch (error) {
    onUnreadable(error);
    return new Unreadable(key, revision, error);
  }
}

/** What a state's bytes take. */
export function bytesOf(cached: CachedObject | undefined): number {
  return cached instanceof Cached ? cached.bytes : 0;
}

/** An object that is kept nowhere, in the form of one that is. */
export function passing(object: KubeObject): CachedObject {
  return { key: object.metadata.name, object, json: Buffer.from(encodeObject(object)), revision: 0 };
}

/** The same state under another revision, as a deletion shows it. Made when first looked at. */
export function withRevision(cached: CachedObject, revision: number): CachedObject {
  return new Moved(cached, revision);
}

class Cached implements CachedObject {
  readonly key: string;
  readonly revision: number;
  /** What it takes, whether it has been looked at or not. */
  readonly bytes: number;
  #json: Buffer;
  /** Whether the bytes are still those of the store, without the resourceVersion. */
  #isStored: boolean;
  /** What the bytes were made from; nobody has seen it. */
  #fresh: KubeObject | undefined;
  #held: KubeObject | undefined;
  #remembered: WeakRef<KubeObject> | undefined;

  constructor(key: string, revision: number, fresh: KubeObject | undefined, json: Buffer, isStored = false) {
    this.key = key;
    this.revision = revision;
    this.#json = json;
    this.#isStored = isStored;
    this.bytes = json.length;
    if (fresh === undefined) return;
    this.#fresh = fresh;
    if (freshOnes.push(this) === 1) atTurnEnd(forgetFresh);
  }

  get json(): Buffer {
    if (this.#isStored) {
      this.#json = withResourceVersion(usual(this.#json), this.revision);
      this.#isStored = false;
    }
    return this.#json;
  }

  get object(): KubeObject {
    return this.#held ?? this.#hold(this.#remembered?.deref() ?? this.#frozenFresh() ?? decodeStored(this.json, isOfCustomResource(this.key)));
  }

  /** Leaves the object to those who hold it. */
  release(): void {
    if (this.#held !== undefined && this.#remembered?.deref() === undefined) this.#remembered = new WeakRef(this.#held);
    this.#held = undefined;
  }

  /** Most states that are written are looked at in the same turn, or by nobody for long. */
  forgetFresh(): void {
    this.#fresh = undefined;
  }

  #frozenFresh(): KubeObject | undefined {
    const fresh = this.#fresh;
    if (fresh === undefined) return undefined;
    this.#fresh = undefined;
    return deepFreeze({ ...fresh, metadata: { ...fresh.metadata, resourceVersion: String(this.revision) } });
  }

  #hold(object: KubeObject): KubeObject {
    this.#held = object;
    recent.add(this, this.json.length);
    return object;
  }
}

const ROOT = "/registry/";
/** Upstream keeps these below their group's name, too. */
const BUILTIN_GROUPS = ["apiextensions.k8s.io/", "apiregistration.k8s.io/"];

/** Those stand below their group, whose name has a dot; no schema says which of their numbers are integers of 64 bits. */
function isOfCustomResource(key: string): boolean {
  const dot = key.indexOf(".", ROOT.length);
  if (dot < 0 || dot > key.indexOf("/", ROOT.length)) return false;
  return !BUILTIN_GROUPS.some((group) => key.startsWith(group, ROOT.length));
}

/** Written in this turn. */
let freshOnes: Cached[] = [];

function forgetFresh(): void {
  const all = freshOnes;
  freshOnes = [];
  for (const cached of all) cached.forgetFresh();
}

const recent = new DecodedObjects();

class Unreadable implements CachedObject {
  readonly key: string;
  readonly revision: number;
  readonly #cause: unknown;

  constructor(key: string, revision: number, cause: unknown) {
    this.key = key;
    this.revision = revision;
    this.#cause = cause;
  }

  get object(): KubeObject {
    throw statusError.internal(this.#cause);
  }

  get json(): Buffer {
    throw statusError.internal(this.#cause);
  }
}

class Moved implements CachedObject {
  readonly key: string;
  readonly revision: number;
  readonly #from: CachedObject;
  #object: KubeObject | undefined;
  #json: Buffer | undefined;

  constructor(from: CachedObject, revision: number) {
    this.key = from.key;
    this.revision = revision;
    this.#from = from;
  }

  get object(): KubeObject {
    const { object } = this.#from;
    this.#object ??= deepFreeze({ ...object, metadata: { ...object.metadata, resourceVersion: String(this.revision) } });
    return this.#object;
  }

  get json(): Buffer {
    this.#json ??= this.#spliced();
    return this.#json;
  }

  /** A state's bytes with the new revision in the place of its own. */
  #spliced(): Buffer {
    const { json, revision } = this.#from;
    const at = json.indexOf(METADATA) + METADATA.length + RESOURCE_VERSION.length;
    const own = `"${revision}"`;
    return Buffer.concat([json.subarray(0, at), Buffer.from(`"${this.revision}"`), json.subarray(at + own.length)]);
  }
}

/** Puts a resourceVersion at the beginning of the metadata of JSON bytes that have none. */
function withResourceVersion(value: Buffer, revision: number): Buffer {
  const at = value.indexOf(METADATA) + METADATA.length;
  const text = `"resourceVersion":"${revision}"${value[at] === METADATA_CLOSED ? "" : ","}`;
  const json = Buffer.allocUnsafeSlow(value.length + text.length);
  value.copy(json, 0, 0, at);
  json.write(text, at, "latin1");
  value.copy(json, at + text.length, at);
  return json;
}

/** Bytes that begin as our own do; values that another program wrote may need to be written anew. */
function usual(bytes: Buffer): Buffer {
  if (PROTOBUF.equals(bytes.subarray(0, PROTOBUF.length))) return new PendingObject("", fromProtobuf(bytes)).value;
  if (USUAL_HEAD.test(bytes.toString("latin1", 0, HEAD_BYTES)) && !bytes.includes(RESOURCE_VERSION)) return bytes;
  return new PendingObject("", parseExactly(bytes.toString()) as KubeObject).value;
}

/** As upstream's servers store their own kinds, unless they are told to write JSON. */
function fromProtobuf(bytes: Buffer): KubeObject {
  const { schema, value } = protobufObject(bytes);
  return decodeObject<KubeObject>(schema, value).object;
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
