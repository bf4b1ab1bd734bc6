import type { Resource } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { StatusError } from "#apimachinery/status-error.ts";
import type { Transport, WatchEvent } from "#client/transport.ts";
import { type Counted, decoded, NAMESPACE } from "./writer.ts";

/** Watches one kind, over crashes, always from where it was, and keeps a copy from events alone. */
export class Watcher {
  readonly #resource: Resource<KubeObject>;
  readonly #labelSelector: string | undefined;
  readonly objects = new Map<string, Counted>();
  /** Of each name's newest put. */
  readonly #counts = new Map<string, number>();
  readonly faults: string[] = [];
  revision = 0;
  events = 0;
  resumed = 0;

  constructor(resource: Resource<KubeObject>, labelSelector?: string) {
    this.#resource = resource;
    this.#labelSelector = labelSelector;
  }

  /** From `revision` on, or from where it was. */
  follow(transport: Transport): void {
    if (this.events > 0) this.resumed++;
    const labelSelector = this.#labelSelector;
    transport.watch(
      { resource: this.#resource, namespace: NAMESPACE, resourceVersion: String(this.revision), ...(labelSelector !== undefined && { labelSelector }) },
      {
        onEvent: (event) => this.#take(event),
        onEnd: (error) => {
          if (error instanceof StatusError) this.faults.push(`a watch from ${this.revision} was refused: ${error.message}`);
        },
      },
    );
  }

  /** How the copy differs from a list. */
  difference(listed: ReadonlyMap<string, Counted>): string | undefined {
    const selected = [...listed].filter(
      ([, { metadata }]) => this.#labelSelector === undefined || this.#labelSelector === `writer=${metadata.labels?.["writer"]}`,
    );
    const show = (entries: Iterable<readonly [string, Counted]>) =>
      [...entries].map(([name, { metadata, data }]) => `${name} ${metadata.resourceVersion} ${data.count} ${data.pad}`).sort();
    const [want, have] = [show(selected), show(this.objects)];
    const missing = want.filter((line) => !have.includes(line)).map((line) => `lacks ${line.slice(0, 40)}`);
    const surplus = have.filter((line) => !want.includes(line)).map((line) => `has ${line.slice(0, 40)}`);
    return missing.length + surplus.length > 0 ? [...missing, ...surplus].join("; ") : undefined;
  }

  #take({ type, object }: WatchEvent): void {
    const revision = Number(object.metadata.resourceVersion);
    const { name = "" } = object.metadata;
    if (type !== "BOOKMARK") this.#check(type, name, revision, decoded(object));
    this.revision = Math.max(this.revision, revision);
  }

  #check(type: "ADDED" | "MODIFIED" | "DELETED", name: string, revision: number, object: Counted): void {
    this.events++;
    const fault = (what: string) => this.faults.push(`${type} of ${name} at ${revision}: ${what}`);
    if (revision <= this.revision) fault(`after one at ${this.revision}`);
    if ((type === "ADDED") === this.objects.has(name)) fault(type === "ADDED" ? "it was there already" : "it was not there");
    const count = Number(object.data.count);
    const want = (this.#counts.get(name) ?? 0) + (type === "DELETED" ? 0 : 1);
    if (count !== want) fault(`carries write ${count}, due is ${want}`);
    this.#counts.set(name, count);
    if (type === "DELETED") this.objects.delete(name);
    else this.objects.set(name, object);
  }
}
