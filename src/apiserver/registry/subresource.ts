import type { Duplex } from "node:stream";

import type { ResourceInfo } from "#api/resources.ts";
import type { Strategy } from "#api/strategy.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { Incoming, Outgoing } from "#apiserver/http/exchange.ts";
import type { Body } from "#apiserver/registry/body.ts";
import type { WriteOptions } from "#apiserver/registry/options.ts";
import type { CallOptions, PatchType, RequestContext } from "#apiserver/registry/types.ts";
import type { UserInfo } from "#apiserver/user.ts";

/** A subresource that is more than a view of its object: it says itself what its verbs do. */
export interface SubresourceHandler {
  readonly group: string;
  readonly plural: string;
  readonly subresource: string;
  /** Rules of the subresource's own kind, as far as they are defaults. */
  readonly strategy?: Strategy;
  /** Versions of its kind that bodies may have besides, and that differ in nothing. */
  readonly olderVersions?: readonly string[];
  /** Whether the handler sees to managed fields itself. */
  readonly ownsManagedFields?: boolean;
  /** GET on an object-shaped subresource. */
  get?(request: SubresourceRequest): Promise<object>;
  /** GET on a collection whose objects are kept nowhere. */
  list?(): Promise<readonly KubeObject[]>;
  /** POST with a decoded body of the subresource's kind (schema defaults applied, admission not run). */
  create?(request: SubresourceWrite): Promise<object>;
  /** PUT likewise. */
  update?(request: SubresourceWrite): Promise<object>;
  /** PATCH of any type. */
  patch?(request: SubresourcePatch): Promise<object>;
  /** Answers the connection itself: logs, exec, attach, port-forward, proxy. */
  connect?(request: ConnectRequest): Promise<void>;
}

export interface SubresourceRequest {
  readonly info: ResourceInfo;
  readonly namespace: string;
  readonly name: string;
  readonly options: CallOptions;
  readonly context: RequestContext;
}

export interface SubresourceWrite extends SubresourceRequest {
  readonly body: KubeObject;
  readonly dryRun: boolean;
  readonly write: WriteOptions;
}

export interface SubresourcePatch extends SubresourceRequest {
  readonly patchType: PatchType;
  readonly patch: Body;
  readonly write: WriteOptions;
}

/** Authorized and, for exec, attach and port-forward, admitted; throw a StatusError before anything was written. */
export interface ConnectRequest {
  readonly info: ResourceInfo;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  readonly method: string;
  readonly query: URLSearchParams;
  /** What follows the subresource in the path, with its slash, undecoded: `/metrics/x`, or `""`. */
  readonly rest: string;
  readonly user: UserInfo;
  readonly request: Incoming;
  /** Where to answer; absent for an upgrade. */
  readonly response?: Outgoing;
  /** Of a connection upgrade (HTTP/1.1): the handler writes the `101` itself. */
  readonly upgrade?: { readonly socket: Duplex; readonly head: Buffer };
}

/** Handlers by resource and name. */
export class SubresourceTable {
  readonly #handlers = new Map<string, SubresourceHandler>();

  register(...handlers: readonly SubresourceHandler[]): void {
    for (const handler of handlers) this.#handlers.set(`${handler.group}/${handler.plural}/${handler.subresource}`, handler);
  }

  unregister({ group, plural, subresource }: Pick<SubresourceHandler, "group" | "plural" | "subresource">): void {
    this.#handlers.delete(`${group}/${plural}/${subresource}`);
  }

  get(group: string, plural: string, subresource: string): SubresourceHandler | undefined {
    return this.#handlers.get(`${group}/${plural}/${subresource}`);
  }
}
