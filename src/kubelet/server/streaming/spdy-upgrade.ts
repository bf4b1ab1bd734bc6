import { STATUS_CODES, type IncomingMessage } from "node:http";

import { HttpError } from "#kubelet/server/pod-lookup.ts";
import { SpdyConnection, type SpdyStream } from "#lib/spdy/connection.ts";

import type { UpgradeRequest } from "./upgrade-request.ts";

const PROTOCOL_HEADER = "x-stream-protocol-version";

/**
 * The first of the client's protocols that is spoken here.
 *
 * @throws {HttpError} 400 when it names none, 403 when none of them is
 * @see staging/src/k8s.io/apimachinery/pkg/util/httpstream/httpstream.go Handshake
 */
export function chosenSpdyProtocol<P extends string>({ headers }: Pick<IncomingMessage, "headers">, spoken: readonly P[]): P {
  const header = headers[PROTOCOL_HEADER];
  if (header === undefined)
    throw new HttpError(400, `unable to upgrade: header X-Stream-Protocol-Version does not exist in request with ${Object.keys(headers).length} headers`);
  const offered = String(header)
    .split(",")
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== "");
  if (offered.length === 0) throw new HttpError(400, `unable to upgrade: header X-Stream-Protocol-Version contains [${header}], but no valid protocols`);
  const found = offered.find((protocol): protocol is P => (spoken as readonly string[]).includes(protocol));
  if (found !== undefined) return found;
  throw new HttpError(403, `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(" ")}], server accepts [${spoken.join(" ")}]`);
}

/** Answers the upgrade; from then on the connection is SPDY, and `onStream` gets what the client opens. */
export function acceptSpdy({ socket, head }: UpgradeRequest, protocol: string, onStream: (stream: SpdyStream) => void): SpdyConnection {
  const lines = ["Connection: Upgrade", "Upgrade: SPDY/3.1", `X-Stream-Protocol-Version: ${protocol}`];
  socket.write(`HTTP/1.1 101 ${STATUS_CODES[101]}\r\n${lines.join("\r\n")}\r\n\r\n`);
  return new SpdyConnection(socket, { role: "server", onStream }, head);
}
