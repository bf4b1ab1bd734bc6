import type { ApiServerParts } from "#apiserver/server.ts";
import { bindingHandlers } from "#apiserver/registry/special/binding.ts";
import { evictionHandler } from "#apiserver/registry/special/eviction.ts";
import { reviewHandlers } from "#apiserver/registry/special/reviews.ts";
import { rollbackHandlers } from "#apiserver/registry/special/rollback.ts";
import { scaleHandlers } from "#apiserver/registry/special/scale.ts";
import { tokenHandler } from "#apiserver/registry/special/token.ts";
import type { SubresourceHandler } from "#apiserver/registry/subresource.ts";

/** Subresources and reviews with rules of their own. */
export function specialHandlers({ deps, resources, reader, tokens, tokenIssuer }: ApiServerParts): SubresourceHandler[] {
  const { authorizer, clock } = deps;
  return [
    ...bindingHandlers(deps, reader),
    evictionHandler(deps, resources, reader),
    ...scaleHandlers(deps, resources),
    ...rollbackHandlers(deps),
    tokenHandler(deps, reader, tokenIssuer),
    ...reviewHandlers({ authorizer, tokens, audiences: tokenIssuer.audiences, clock }),
  ];
}
