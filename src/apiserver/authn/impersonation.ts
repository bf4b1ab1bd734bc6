import { statusError } from "#apimachinery/status-error.ts";
import type { Authorizer, ResourceAttributes } from "#apiserver/authz/authorizer.ts";
import { forbidden } from "#apiserver/authz/forbidden.ts";
import { AUTHENTICATED, UNAUTHENTICATED } from "#apiserver/user.ts";
import type { UserInfo } from "#apiserver/user.ts";

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

const EXTRA_PREFIX = "impersonate-extra-";

/**
 * The user that `Impersonate-*` headers put in the place of `user`; `user` itself when there are none.
 *
 * @throws {StatusError} 403 when `user` may not, 400 for groups without a user, as upstream has it
 */
export function impersonated(user: UserInfo, request: { readonly headers: Headers; readonly rawHeaders: readonly string[] }, authorizer: Authorizer): UserInfo {
  const { headers } = request;
  if (!asksForAnother(headers)) return user;
  const { rawHeaders } = request;
  const name = first(headers["impersonate-user"]);
  const groups = rawValues(rawHeaders, "impersonate-group");
  const uid = first(headers["impersonate-uid"]) ?? "";
  const extra = extraOf(headers);
  if (name === undefined || name === "") {
    if (groups.length === 0 && uid === "" && Object.keys(extra).length === 0) return user;
    throw withoutUser(groups, uid, extra);
  }
  const [kind, namespace, account] = accountOf(name);
  check(authorizer, user, { group: "", plural: kind, namespace, name: account });
  for (const group of groups) check(authorizer, user, { group: "", plural: "groups", namespace: "", name: group });
  if (uid !== "") check(authorizer, user, { group: "authentication.k8s.io", plural: "uids", namespace: "", name: uid });
  for (const [key, values] of Object.entries(extra)) {
    for (const value of values) check(authorizer, user, { group: "authentication.k8s.io", plural: "userextras", subresource: key, namespace: "", name: value });
  }
  return { name, uid, groups: groupsFor(name, groups, namespace), extra };
}

function asksForAnother(headers: Headers): boolean {
  for (const key in headers) if (key.startsWith("impersonate-")) return true;
  return false;
}

/** Names what was asked for as upstream prints its object references. */
function withoutUser(groups: readonly string[], uid: string, extra: Readonly<Record<string, readonly string[]>>): Error {
  const asked = groups.map((group) => `{Group  ${group}    }`);
  for (const [key, values] of Object.entries(extra)) for (const value of values) asked.push(`{UserExtra  ${value}  authentication.k8s.io/v1  ${key}}`);
  if (uid !== "") asked.push(`{UID  ${uid}  authentication.k8s.io/v1  }`);
  return statusError.badRequest(`requested [${asked.join(" ")}] without impersonating a user`);
}

function groupsFor(name: string, asked: readonly string[], namespace: string): readonly string[] {
  const groups = asked.length === 0 && namespace !== "" ? ["system:serviceaccounts", `system:serviceaccounts:${namespace}`] : [...asked];
  const last = name === "system:anonymous" ? UNAUTHENTICATED : AUTHENTICATED;
  if (!groups.includes(AUTHENTICATED) && !groups.includes(UNAUTHENTICATED)) groups.push(last);
  return groups;
}

function accountOf(name: string): readonly [plural: string, namespace: string, name: string] {
  const parts = name.split(":");
  if (parts.length === 4 && parts[0] === "system" && parts[1] === "serviceaccount") return ["serviceaccounts", parts[2]!, parts[3]!];
  return ["users", "", name];
}

function check(
  authorizer: Authorizer,
  user: UserInfo,
  target: { readonly group: string; readonly plural: string; readonly subresource?: string; readonly namespace: string; readonly name: string },
): void {
  const attributes: ResourceAttributes = { user, verb: "impersonate", version: "v1", subresource: "", ...target };
  const { allowed, reason } = authorizer.authorize(attributes);
  if (!allowed) throw forbidden(attributes, reason);
}

function extraOf(headers: Headers): Record<string, readonly string[]> {
  const extra: Record<string, readonly string[]> = {};
  for (const key in headers) {
    if (!key.startsWith(EXTRA_PREFIX)) continue;
    const value = headers[key];
    extra[decodedKey(key.slice(EXTRA_PREFIX.length))] = typeof value === "string" ? value.split(", ") : (value ?? []);
  }
  return extra;
}

function decodedKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

/** Values of a header that may be sent several times: Node joins them, but a group's name may hold a comma. */
function rawValues(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) if (rawHeaders[i]!.toLowerCase() === name) values.push(rawHeaders[i + 1]!);
  return values;
}

function first(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.[0];
}
