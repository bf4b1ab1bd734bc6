import { randomBytes } from "node:crypto";
import { CONFIG_MAPS, SECRETS } from "#api/builtin.ts";
import type { Resource } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { StatusError } from "#apimachinery/status-error.ts";
import type { ApiCall, Transport } from "#client/transport.ts";
import type { Rng } from "#lib/rng.ts";

export const NAMESPACE = "default";
const NAMES = 5;
const DELETE_SHARE = 0.2;
const PAD_BYTES = 2000;

/** An object that carries the number of its write: each put of a name has the next one. */
export interface Counted extends KubeObject {
  readonly data: { readonly count: string; readonly pad: string };
}

interface State {
  /** Of the newest put; deletes take none. */
  readonly count: number;
  readonly pad: string;
  /** Undefined: the object is not there. */
  readonly resourceVersion: string | undefined;
}

interface Name {
  /** What the server has acknowledged. */
  known: State;
  /** What it has been asked for, and has not answered: after a crash either is right. */
  asked: State | undefined;
}

/** Puts and deletes its own few objects, one request at a time, and knows what must be there afterwards. */
export class Writer {
  readonly resource: Resource<KubeObject>;
  readonly id: number;
  readonly #rng: Rng;
  readonly #names = new Map<string, Name>();
  acknowledged = 0;
  highestRevision = 0;

  constructor(id: number, rng: Rng) {
    this.id = id;
    this.#rng = rng;
    this.resource = (id % 2 === 0 ? CONFIG_MAPS : SECRETS) as unknown as Resource<KubeObject>;
    for (let i = 0; i < NAMES; i++) this.#names.set(`w${id}-${i}`, { known: { count: 0, pad: "", resourceVersion: undefined }, asked: undefined });
  }

  /** Writes until the connection breaks. @throws for any refusal */
  async run(transport: Transport): Promise<void> {
    for (;;) {
      const [name, state] = [...this.#names][Math.floor(this.#rng() * NAMES)]!;
      const { known } = state;
      const isDelete = known.resourceVersion !== undefined && this.#rng() < DELETE_SHARE;
      const pad = isDelete ? known.pad : randomBytes(this.#rng() * PAD_BYTES).toString("hex");
      state.asked = { count: known.count + (isDelete ? 0 : 1), pad, resourceVersion: isDelete ? undefined : "?" };
      try {
        const answer = await transport.perform(this.#call(name, known, state.asked));
        const version = (answer as KubeObject).metadata?.resourceVersion;
        state.known = { ...state.asked, resourceVersion: isDelete ? undefined : version };
        state.asked = undefined;
        this.acknowledged++;
        this.highestRevision = Math.max(this.highestRevision, Number(version ?? 0));
      } catch (error) {
        if (error instanceof StatusError) throw error;
        return; // cut off: what was asked for may have been done or not
      }
    }
  }

  /** Compares with what the server lists after a crash, and goes on from there. */
  check(listed: ReadonlyMap<string, Counted>): string[] {
    const faults: string[] = [];
    for (const [name, state] of this.#names) {
      const { known, asked } = state;
      const found = listed.get(name);
      const isKnown = matches(found, known) && found?.metadata.resourceVersion === known.resourceVersion;
      if (!isKnown && !(asked !== undefined && matches(found, asked)))
        faults.push(`${name}: found ${describe(found)}, acknowledged ${brief(known)}, asked ${brief(asked)}`);
      if (!isKnown && asked !== undefined) state.known = { ...asked, resourceVersion: found?.metadata.resourceVersion };
      state.asked = undefined;
    }
    return faults;
  }

  #call(name: string, known: State, { count, pad, resourceVersion }: State): ApiCall {
    const { resource } = this;
    if (resourceVersion === undefined) return { verb: "delete", resource, namespace: NAMESPACE, name };
    const isSecret = this.id % 2 === 1;
    const encode = (text: string) => (isSecret ? Buffer.from(text).toString("base64") : text);
    const body = { metadata: { name, labels: { writer: String(this.id) } }, data: { count: encode(String(count)), pad: encode(pad) } };
    const isThere = known.resourceVersion !== undefined;
    return { verb: isThere ? "update" : "create", resource, namespace: NAMESPACE, body, ...(isThere && { name }) };
  }
}

/** Secrets' data is base64 on the wire. */
export function decoded(object: KubeObject): Counted {
  const { data = {} } = object as unknown as { data?: Record<string, string> };
  const isSecret = "type" in object;
  const decode = (text = "") => (isSecret ? Buffer.from(text, "base64").toString() : text);
  return { ...object, data: { count: decode(data["count"]), pad: decode(data["pad"]) } };
}

function matches(found: Counted | undefined, { count, pad, resourceVersion }: State): boolean {
  if (resourceVersion === undefined) return found === undefined;
  return found !== undefined && found.data.count === String(count) && found.data.pad === pad;
}

function describe(found: Counted | undefined): string {
  return found === undefined ? "nothing" : `write ${found.data.count} at ${found.metadata.resourceVersion}`;
}

function brief(state: State | undefined): string {
  if (state === undefined) return "nothing";
  return state.resourceVersion === undefined ? "a delete" : `write ${state.count} at ${state.resourceVersion}`;
}
