import type { StatusError } from "#apimachinery/status-error.ts";
import { failure, statusError } from "#apimachinery/status-error.ts";
import type { Attributes } from "#apiserver/authz/authorizer.ts";

/**
 * The 403 for what an authorizer refused.
 *
 * @see apiserver pkg/endpoints/handlers/responsewriters/errors.go
 */
export function forbidden(attributes: Attributes, reason: string): StatusError {
  const message = sanitized(messageOf(attributes));
  const text = reason === "" ? message : `${message}: ${reason}`;
  if (attributes.path !== undefined) return failure(403, "Forbidden", `forbidden: ${text}`, {});
  const { group, plural, name } = attributes;
  return statusError.forbidden({ group, resource: plural }, name, text);
}

function messageOf(attributes: Attributes): string {
  const user = JSON.stringify(attributes.user.name);
  const { verb } = attributes;
  if (attributes.path !== undefined) return `User ${user} cannot ${verb} path ${JSON.stringify(attributes.path)}`;
  const { group, plural, subresource, namespace } = attributes;
  const resource = subresource === "" ? plural : `${plural}/${subresource}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  return `User ${user} cannot ${verb} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(group)} ${where}`;
}

/** Error texts must not look like HTML. */
function sanitized(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
