import { isIP } from "node:net";
import type { PeerCertificate } from "node:tls";

import { isObject } from "#apimachinery/decode/own.ts";

interface ConnectionError extends Error {
  readonly code?: string;
  readonly address?: string;
  readonly port?: number;
  readonly syscall?: string;
  readonly cert?: PeerCertificate;
}

const DIAL: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ETIMEDOUT: "i/o timeout",
};
const UNKNOWN_AUTHORITY = new Set([
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "CERT_SIGNATURE_FAILURE",
]);
const OUT_OF_TIME = new Set(["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"]);
const UNVERIFIED = "tls: failed to verify certificate: x509:";

/** Why a connection did not come about, in the words of upstream's client. */
export function connectionWords(error: ConnectionError, { serverName, port }: { readonly serverName: string; readonly port: number }): string {
  const { code = "", message } = error;
  const dialled = DIAL[code];
  if (dialled !== undefined) return `dial tcp ${hostPort(error.address ?? serverName, error.port ?? port)}: ${dialled}`;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return `dial tcp: lookup ${serverName}: no such host`;
  if (code === "ECONNRESET") return error.syscall === undefined ? "EOF" : "read: connection reset by peer";
  if (UNKNOWN_AUTHORITY.has(code)) return `${UNVERIFIED} certificate signed by unknown authority`;
  if (OUT_OF_TIME.has(code)) return `${UNVERIFIED} certificate has expired or is not yet valid`;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return `${UNVERIFIED} ${nameWords(error.cert?.subjectaltname ?? "", serverName)}`;
  if (code === "NO_NAMES") return `tls: failed to verify certificate: ${message}`;
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_PACKET_LENGTH_TOO_LONG") return "http: server gave HTTP response to HTTPS client";
  return message;
}

const hostPort = (host: string, port: number) => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`);

/** @param names `DNS:a, DNS:b, IP Address:10.0.0.1` */
function nameWords(names: string, wanted: string): string {
  const of = (type: string) => names.split(", ").flatMap((name) => (name.startsWith(type) ? [name.slice(type.length)] : []));
  const isAddress = isIP(wanted) !== 0;
  const valid = of(isAddress ? "IP Address:" : "DNS:");
  if (valid.length > 0) return `certificate is valid for ${valid.join(", ")}, not ${wanted}`;
  if (isAddress) return `cannot validate certificate for ${wanted} because it doesn't contain any IP SANs`;
  return `certificate is not valid for any names, but wanted to match ${wanted}`;
}

/** @see kubernetes staging/src/k8s.io/apimachinery/pkg/api/errors/errors.go NewGenericServerResponse */
const REFUSALS: Readonly<Record<number, string>> = {
  400: "the server rejected our request for an unknown reason",
  401: "the server has asked for the client to provide credentials",
  404: "the server could not find the requested resource",
  405: "the server does not allow this method on the requested resource",
  409: "the server reported a conflict",
  422: "the server rejected our request due to an error in our request",
  429: "the server has received too many requests and has asked us to try again later",
  503: "the server is currently unable to handle the request",
  504: "the server was unable to return a response in the time allotted, but may still be processing the request",
};
const MAX_SHOWN_BYTES = 2048;

/** What upstream's client makes of an answer that is no success. */
export function refusedWords(code: number, contentType: string, body: string): string {
  const said = statusMessage(body);
  if (said !== undefined) return said;
  const shown = contentType.startsWith("text/") ? body.slice(0, MAX_SHOWN_BYTES).trim() : "unknown";
  if (code === 403 || code === 415) return shown;
  if (code === 406) return shown === "" || shown === "unknown" ? "the server was unable to respond with a content type that the client supports" : shown;
  const known = REFUSALS[code];
  if (known !== undefined) return known;
  if (code >= 500) return `an error on the server (${JSON.stringify(shown)}) has prevented the request from succeeding`;
  return `the server responded with the status code ${code} but did not return more information`;
}

function statusMessage(body: string): string | undefined {
  try {
    const value: unknown = JSON.parse(body);
    if (!isObject(value) || value["kind"] !== "Status" || value["status"] === "Success") return undefined;
    return typeof value["message"] === "string" ? value["message"] : undefined;
  } catch {
    return undefined;
  }
}
