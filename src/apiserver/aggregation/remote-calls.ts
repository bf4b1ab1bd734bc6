import { failure, type StatusReason } from "#apimachinery/status-error.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { RemoteService } from "#apiserver/aggregation/api-services.ts";
import { pathOf } from "#apiserver/aggregation/remote-dialer.ts";
import type { Fetched, FetchOptions } from "#apiserver/aggregation/remote-fetch.ts";
import type { Call } from "#apiserver/registry/types.ts";

/** How an extension server is reached. */
export type Ask = (path: string, options: FetchOptions) => Promise<Fetched>;

const JSON_TYPE = "application/json";

/**
 * What components of this process ask of an extension server: what it keeps in a namespace, and to delete it.
 *
 * @throws {StatusError} for whatever the server refuses; 405 for other calls
 */
export async function performRemotely(service: RemoteService, call: Call, ask: Ask): Promise<unknown> {
  const { verb, namespace = "", name = "", resource, body } = call;
  const collection = `${pathOf(service)}${namespace === "" ? "" : `/namespaces/${namespace}`}/${resource.plural}`;
  switch (verb) {
    case "get":
      return json(await ask(`${collection}/${name}`, { headers: { accept: JSON_TYPE } }));
    case "list":
      return json(await ask(collection, { headers: { accept: JSON_TYPE } }));
    case "delete":
      return json(await ask(`${collection}/${name}`, deletion(body)));
    case "deletecollection":
      return deleteAll(collection, body, ask);
    default:
      throw failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
  }
}

/** Not every server deletes collections: then object by object. */
async function deleteAll(collection: string, body: unknown, ask: Ask): Promise<unknown> {
  const answer = await ask(collection, deletion(body));
  if (answer.status !== 405 && answer.status !== 404) return json(answer);
  const { items = [] } = json(await ask(collection, { headers: { accept: JSON_TYPE } })) as { items?: readonly KubeObject[] };
  for (const { metadata } of items) {
    const one = await ask(`${collection}/${metadata.name}`, deletion(body));
    if (one.status !== 404) json(one); // whoever was faster
  }
  return { items };
}

function deletion(body: unknown): FetchOptions {
  const options = { kind: "DeleteOptions", apiVersion: "v1", ...(body as object | undefined) };
  return { method: "DELETE", headers: { accept: JSON_TYPE, "content-type": JSON_TYPE }, body: JSON.stringify(options) };
}

function json({ status, body }: Fetched): unknown {
  const text = body.toString();
  if (status < 300) return JSON.parse(text);
  throw failure(status, ...reasonOf(status, text));
}

function reasonOf(status: number, text: string): readonly [reason: StatusReason, message: string] {
  try {
    const { kind, reason, message } = JSON.parse(text) as { readonly kind?: string; readonly reason?: StatusReason; readonly message?: string };
    if (kind === "Status") return [reason ?? "InternalError", message ?? ""];
  } catch {
    // It is no Status: what follows says all there is to say.
  }
  return [status === 404 ? "NotFound" : status === 405 ? "MethodNotAllowed" : "InternalError", `the extension server answered with ${status}`];
}
