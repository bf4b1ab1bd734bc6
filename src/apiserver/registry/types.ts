import type { ResourceInfo } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { UserInfo } from "#apiserver/user.ts";

/** `PATCH`'s content types, by the names that the client uses. */
export type PatchType = "json" | "merge" | "strategic" | "apply";

export type Verb = "get" | "list" | "create" | "update" | "patch" | "delete" | "deletecollection";

/** Query parameters, by their names on the wire. */
export interface CallOptions {
  readonly resourceVersion?: string | undefined;
  readonly resourceVersionMatch?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
  readonly fieldManager?: string | undefined;
  readonly force?: boolean | undefined;
  readonly dryRun?: string | undefined;
  readonly fieldValidation?: string | undefined;
}

/** One request, independent of how it came. The shape mirrors the client's `ApiCall`. */
export interface Call {
  readonly verb: Verb;
  readonly resource: { readonly group: string; readonly version: string; readonly plural: string };
  readonly subresource?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly body?: unknown;
  readonly patchType?: PatchType | undefined;
  readonly options?: CallOptions | undefined;
}

/** What comes with a request besides the request. */
export interface RequestContext {
  readonly user: UserInfo;
  /** The User-Agent header; the field manager of writes that name none is its part before `/`. */
  readonly userAgent: string;
  /** Adds a `Warning` header. */
  warn(text: string): void;
  /** Adds to the request's entry in the audit log; absent where there is none. */
  annotate?(key: string, value: string): void;
  /** Cancels waits when the client is gone. */
  readonly signal?: AbortSignal | undefined;
}

/** What a resource does around its commit, besides its strategy: allocation of addresses and ports. */
export interface ResourceHooks {
  /**
   * Before the strategy prepares and validates a create (`old` absent) or update, after mutating admission, where
   * upstream has BeginCreate and BeginUpdate: validation sees what was allocated. May fill `object` in place (it is a
   * private copy) or throw a StatusError. The registry calls `rollback` when the write then fails or was a dry run.
   */
  beforeCommit?(object: KubeObject, old: KubeObject | undefined, write: { readonly dryRun: boolean }): Promise<{ rollback(): void } | void>;
  /** Once an update's or create's commit is durable. */
  afterCommit?(object: KubeObject, old: KubeObject | undefined): void;
  /** Once the object is gone from storage. */
  afterDelete?(object: KubeObject): void;
}

export type { ResourceInfo };
