import { encodeProtobufObject } from "#api/schema/protobuf-object.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { watchFrame } from "#apimachinery/protobuf/object-encoder.ts";
import type { Status } from "#apimachinery/meta-v1/types.ts";
import type { CachedObject } from "#apiserver/cache/cached-object.ts";
import type { Accepted } from "#apiserver/http/negotiation.ts";
import { objectOf } from "#apiserver/registry/read.ts";
import type { ServedResource } from "#apiserver/registry/resource-table.ts";

export type WatchEventType = "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
type ChangeType = "ADDED" | "MODIFIED" | "DELETED";

/** Turns an object into what the client asked for: a Table, its metadata. `undefined` leaves it as it is. */
export type Shape = ((object: KubeObject) => object) | undefined;

/** How a watch's events are written. */
export interface Frames {
  readonly contentType: string;
  /** The state at the start, each object as one that was added. */
  initial(states: readonly CachedObject[]): Buffer[];
  event(type: ChangeType, state: CachedObject): Buffer;
  object(type: WatchEventType, object: KubeObject): Buffer;
  status(status: Status): Buffer;
}

export function framesOf({ format }: Pick<Accepted, "format">, served: ServedResource, shape: Shape): Frames {
  return format === "protobuf" ? new ProtobufFrames(served, shape) : new JsonFrames(served, shape);
}

const NEWLINE_CLOSE = Buffer.from("}\n");
const FRAME_STARTS: Readonly<Record<ChangeType, Buffer>> = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
};

/** One event goes to many watchers in a row, so the last frame is kept. */
class LastFrame {
  readonly #make: (type: ChangeType, state: CachedObject) => Buffer;
  #state: CachedObject | undefined;
  #type: string | undefined;
  #frame: Buffer | undefined;

  constructor(make: (type: ChangeType, state: CachedObject) => Buffer) {
    this.#make = make;
  }

  of(type: ChangeType, state: CachedObject): Buffer {
    if (this.#state === state && this.#type === type) return this.#frame!;
    this.#frame = this.#make(type, state);
    this.#state = state;
    this.#type = type;
    return this.#frame;
  }
}

const lastJson = new LastFrame((type, { json }) => Buffer.concat([FRAME_STARTS[type], json, NEWLINE_CLOSE]));
const lastProtobuf = new LastFrame((type, { object }) => watchFrame(type, encodeProtobufObject(object)));

/** The bytes that the cache has, with a few around them; or a line of JSON. */
class JsonFrames implements Frames {
  readonly contentType = "application/json";
  readonly #served: ServedResource;
  readonly #shape: Shape;
  readonly #isPlain: boolean;

  constructor(served: ServedResource, shape: Shape) {
    this.#served = served;
    this.#shape = shape;
    this.#isPlain = shape === undefined && served.view === undefined;
  }

  initial(states: readonly CachedObject[]): Buffer[] {
    if (this.#isPlain) return states.flatMap(({ json }) => [FRAME_STARTS.ADDED, json, NEWLINE_CLOSE]);
    return states.map((state) => this.event("ADDED", state));
  }

  event(type: ChangeType, state: CachedObject): Buffer {
    return this.#isPlain ? lastJson.of(type, state) : this.object(type, objectOf(this.#served, state));
  }

  object(type: WatchEventType, object: KubeObject): Buffer {
    return jsonFrame(type, this.#shape === undefined ? object : this.#shape(object));
  }

  status(status: Status): Buffer {
    return jsonFrame("ERROR", status);
  }
}

class ProtobufFrames implements Frames {
  readonly contentType = "application/vnd.kubernetes.protobuf;stream=watch";
  readonly #served: ServedResource;
  readonly #shape: Shape;
  readonly #isPlain: boolean;

  constructor(served: ServedResource, shape: Shape) {
    this.#served = served;
    this.#shape = shape;
    this.#isPlain = shape === undefined && served.view === undefined;
  }

  initial(states: readonly CachedObject[]): Buffer[] {
    return states.map((state) => this.object("ADDED", objectOf(this.#served, state)));
  }

  event(type: ChangeType, state: CachedObject): Buffer {
    return this.#isPlain ? lastProtobuf.of(type, state) : this.object(type, objectOf(this.#served, state));
  }

  object(type: WatchEventType, object: KubeObject): Buffer {
    return watchFrame(type, encodeProtobufObject(this.#shape === undefined ? object : this.#shape(object)));
  }

  status(status: Status): Buffer {
    return watchFrame("ERROR", encodeProtobufObject(status));
  }
}

function jsonFrame(type: WatchEventType, object: unknown): Buffer {
  return Buffer.from(`{"type":"${type}","object":${JSON.stringify(object)}}\n`);
}
