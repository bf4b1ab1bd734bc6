import type { ResourceInfo } from "#api/resources.ts";
import type { Mutable } from "#api/strategy.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { Decodable } from "#apiserver/registry/body.ts";
import type { UserInfo } from "#apiserver/user.ts";
import { sameJson } from "#lib/same-json.ts";

export type Operation = "CREATE" | "UPDATE" | "DELETE" | "CONNECT";

/** One write on its way in. */
export interface AdmissionAttributes {
  readonly operation: Operation;
  readonly resource: ResourceInfo;
  /** `""` for the resource itself. */
  readonly subresource: string;
  /** `""` for what has no namespace. For a Namespace object itself, its own name, as upstream has it. */
  readonly namespace: string;
  /** `""` when the server is to generate it, and for a deletecollection. */
  readonly name: string;
  /** The object as it will be stored: `admit` changes it in place. For subresources like `binding`, their own object. */
  readonly object: Mutable<KubeObject> | undefined;
  /** What is stored now: frozen, of an update or delete. */
  readonly oldObject: KubeObject | undefined;
  /** CreateOptions, UpdateOptions, PatchOptions, DeleteOptions, or what a connect was asked. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** Adds a `Warning` header. */
  warn(text: string): void;
  /** Adds to the request's entry in the audit log; absent where there is none. */
  annotate?(key: string, value: string): void;
  /** How the object is decoded, for whoever changes it by its JSON. */
  readonly decodes?: Decodable | undefined;
  /** Aborts when the client is gone. */
  readonly signal?: AbortSignal | undefined;
  /** What the first pass of `admit` leaves to the second. */
  reinvocation?: Reinvocation;
}

/** When a webhook or a policy changes the object, all plugins get a second pass. */
export class Reinvocation {
  isSecond = false;
  isWanted = false;
  readonly #passes = new Map<string, Passes>();

  /** What a plugin has to remember between the passes. */
  of(plugin: string): Passes {
    let passes = this.#passes.get(plugin);
    if (passes === undefined) this.#passes.set(plugin, (passes = new Passes(this)));
    return passes;
  }
}

/** Who is to be asked again: those that wish so, and were asked before the last change. */
export class Passes {
  readonly #reinvocation: Reinvocation;
  #output: KubeObject | undefined;
  readonly #willing = new Set<string>();
  readonly #due = new Set<string>();

  constructor(reinvocation: Reinvocation) {
    this.#reinvocation = reinvocation;
  }

  get isSecond(): boolean {
    return this.#reinvocation.isSecond;
  }

  /** Before the first is asked in a pass: what plugins have changed since the first pass counts too. */
  begin(object: KubeObject | undefined): void {
    if (this.isSecond && !sameJson(this.#output, object)) this.#makeDue();
  }

  includes(id: string): boolean {
    return !this.isSecond || this.#due.has(id);
  }

  asked(id: string, { changed, again }: { readonly changed: boolean; readonly again: boolean }): void {
    if (changed) this.#changed();
    if (again) this.#willing.add(id);
  }

  /** @param changed whether all that were asked are to hear of a change, the last one too */
  end(object: KubeObject | undefined, changed = false): void {
    const isAwaited = this.#willing.size > 0;
    if (changed) this.#changed();
    this.#output = isAwaited ? structuredClone(object) : undefined;
  }

  #changed(): void {
    this.#makeDue();
    this.#reinvocation.isWanted = true;
  }

  #makeDue(): void {
    for (const id of this.#willing) this.#due.add(id);
    this.#willing.clear();
  }
}

/**
 * A check of writes, in two passes: all `admit`s in the chain's order, then (after defaulting and validation) all
 * `validate`s. Both throw a StatusError to refuse.
 */
export interface AdmissionPlugin {
  readonly name: string;
  /** Whether the plugin looks at such writes at all; absent: at all of them. */
  handles?(attributes: Pick<AdmissionAttributes, "operation" | "resource" | "subresource">): boolean;
  admit?(attributes: AdmissionAttributes): Promise<void> | void;
  validate?(attributes: AdmissionAttributes): Promise<void> | void;
}

/** Plugins in their order, as one. Does not yield while no plugin does. */
export class AdmissionChain {
  readonly #plugins: readonly AdmissionPlugin[];

  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#plugins = plugins;
  }

  admit(attributes: AdmissionAttributes): Promise<void> | void {
    const pending = this.#pass("admit", attributes, 0);
    return pending instanceof Promise ? pending.then(() => this.#secondPass(attributes)) : this.#secondPass(attributes);
  }

  #secondPass(attributes: AdmissionAttributes): Promise<void> | void {
    const { reinvocation } = attributes;
    if (!reinvocation?.isWanted) return undefined;
    reinvocation.isSecond = true;
    return this.#pass("admit", attributes, 0);
  }

  validate(attributes: AdmissionAttributes): Promise<void> | void {
    return this.#pass("validate", attributes, 0);
  }

  /** @param from the first plugin to ask */
  #pass(part: "admit" | "validate", attributes: AdmissionAttributes, from: number): Promise<void> | void {
    for (let i = from; i < this.#plugins.length; i++) {
      const plugin = this.#plugins[i]!;
      if (plugin[part] === undefined || plugin.handles?.(attributes) === false) continue;
      const pending = plugin[part](attributes);
      if (pending !== undefined) return pending.then(() => this.#pass(part, attributes, i + 1));
    }
  }
}
