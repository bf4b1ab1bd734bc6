import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";

import { BEARER_PROTOCOL, bearerOfProtocols, offeredProtocols } from "./websocket.ts";

const asking = (protocols: string | undefined, upgrade = "websocket") =>
  ({ headers: { upgrade, ...(protocols !== undefined && { "sec-websocket-protocol": protocols }) } }) as unknown as IncomingMessage;
const token = `${BEARER_PROTOCOL}${Buffer.from("secret").toString("base64url")}`;

for (const { name, request, want } of [
  { name: "finds the token beside another protocol", request: asking(`${token}, binary.k8s.io`), want: "secret" },
  { name: "finds none where there is none", request: asking("binary.k8s.io"), want: undefined },
  { name: "finds none without protocols", request: asking(undefined), want: undefined },
  { name: "looks at WebSockets alone", request: asking(`${token}, binary.k8s.io`, "SPDY/3.1"), want: undefined },
  { name: "refuses a token that is alone", request: asking(token), want: "invalid" },
  { name: "refuses two tokens", request: asking(`${token}, ${token}, binary.k8s.io`), want: "invalid" },
  { name: "refuses what is no base64url", request: asking(`${BEARER_PROTOCOL}a=b, binary.k8s.io`), want: "invalid" },
]) {
  test(`bearerOfProtocols() ${name}`, () => assert.equal(bearerOfProtocols(request), want));
}

test("offeredProtocols() keeps the token to itself", () => {
  assert.deepEqual(offeredProtocols(asking(`a, ${token},b`)), ["a", "b"]);
});
