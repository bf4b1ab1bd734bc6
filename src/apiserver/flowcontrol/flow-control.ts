import type { FlowSchema, PriorityLevelConfiguration } from "#api/flowcontrol-v1/types.ts";
import { builtin, type Resource } from "#api/resources.ts";
import type { ObjectReader, ObjectWatcher } from "#apiserver/admission/reader.ts";
import { SYSTEM_MASTERS } from "#apiserver/user.ts";
import type { Clock } from "#lib/clock.ts";

import { Classifier, flowOf, type FlowRequest } from "./classifier.ts";
import { type LevelObject, PriorityLevel } from "./priority-level.ts";

/** Upstream's max-requests-inflight and max-mutating-requests-inflight together. */
const ALL_SEATS = 600;

const SCHEMAS = builtin("flowcontrol.apiserver.k8s.io", "v1", "flowschemas") as Resource<FlowSchema>;
const LEVELS = builtin("flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations") as Resource<PriorityLevelConfiguration>;

/** A request's place, which it has until `level.leave()`. */
export interface Seat {
  readonly level: PriorityLevel;
  readonly schemaName: string;
  readonly schemaUid: string;
}

export interface FlowControlDeps {
  readonly reader: ObjectReader;
  readonly watcher: ObjectWatcher;
  readonly clock: Clock;
}

/**
 * API priority and fairness: each request belongs to a flow by the FlowSchemas, and each flow to a priority level, which
 * has so many seats. Where there is none, requests wait in queues, or are refused.
 *
 * @see apiserver pkg/util/flowcontrol
 */
export class FlowControl {
  readonly #deps: FlowControlDeps;
  readonly #levels = new Map<string, PriorityLevel>();
  /** Undefined when something has changed since. */
  #classifier: Classifier | undefined;
  /** By schema, as long as that is the same object. */
  #seats = new WeakMap<FlowSchema, Seat>();

  constructor(deps: FlowControlDeps) {
    this.#deps = deps;
    const changed = () => (this.#classifier = undefined);
    deps.watcher.onChange(SCHEMAS, changed);
    deps.watcher.onChange(LEVELS, changed);
  }

  /** For metrics. */
  get levels(): Iterable<PriorityLevel> {
    return this.#levels.values();
  }

  /**
   * @param signal aborts when the client is gone
   * @returns a promise when the request has to wait
   * @throws {TooManyRequests}
   */
  enter(request: FlowRequest, signal: () => AbortSignal): Seat | Promise<Seat> {
    const classifier = (this.#classifier ??= this.#configure());
    const schema = classifier.classify(request);
    const seat = schema === undefined ? this.#mandatory(request) : this.#seatOf(schema);
    const flow = seat.level.exempt || schema === undefined ? request.user.name : flowOf(schema, request);
    const wait = seat.level.enter(flow, signal);
    return wait === undefined ? seat : wait.then(() => seat);
  }

  #seatOf(schema: FlowSchema): Seat {
    const known = this.#seats.get(schema);
    if (known !== undefined) return known;
    const { name, uid = "" } = schema.metadata;
    const seat = { level: this.#level(schema.spec.priorityLevelConfiguration.name), schemaName: name, schemaUid: uid };
    this.#seats.set(schema, seat);
    return seat;
  }

  /** Without their objects, upstream's two mandatory schemas hold all the same. */
  #mandatory({ user }: FlowRequest): Seat {
    const name = user.groups.includes(SYSTEM_MASTERS) ? "exempt" : "catch-all";
    return { level: this.#level(name), schemaName: name, schemaUid: "" };
  }

  /** A schema that names a level which does not exist holds for nobody upstream; here such requests are the catch-all's. */
  #level(name: string): PriorityLevel {
    return this.#levels.get(name) ?? this.#levels.get("catch-all")!;
  }

  #configure(): Classifier {
    const { reader } = this.#deps;
    const configured = new Map<string, LevelObject>(MANDATORY_LEVELS.map((level) => [level.metadata.name, level]));
    for (const level of reader.list(LEVELS, "")) configured.set(level.metadata.name, level);
    const shares = ({ spec }: LevelObject) => (spec.limited ?? spec.exempt)?.nominalConcurrencyShares ?? 0;
    const all = [...configured.values()].reduce((sum, level) => sum + shares(level), 0) || 1;
    for (const name of this.#levels.keys()) if (!configured.has(name)) this.#levels.delete(name);
    for (const [name, object] of configured) {
      let level = this.#levels.get(name);
      if (level === undefined) this.#levels.set(name, (level = new PriorityLevel(name, this.#deps.clock, () => this.#levels.values())));
      level.configure(object, Math.ceil((ALL_SEATS * shares(object)) / all));
    }
    this.#seats = new WeakMap();
    const known = reader.list(SCHEMAS, "").filter(({ spec }) => configured.has(spec.priorityLevelConfiguration.name));
    return new Classifier(known);
  }
}

const level = (name: string, spec: PriorityLevelConfiguration["spec"]): LevelObject => ({ metadata: { name, uid: "" }, spec });

const MANDATORY_LEVELS = [
  level("exempt", { type: "Exempt" }),
  level("catch-all", { type: "Limited", limited: { nominalConcurrencyShares: 5, limitResponse: { type: "Reject" } } }),
];
