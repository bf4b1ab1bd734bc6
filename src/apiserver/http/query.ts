import { DecodeError } from "#apimachinery/decode/decode-error.ts";
import { parseDuration } from "#apimachinery/decode/go-duration.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { DeleteOptions, ListOptions, RawWriteOptions } from "#apiserver/registry/options.ts";

const MAX_INT64 = 9_223_372_036_854_775_807n;
const NO_QUERY: ListOptions = {
  watch: false,
  labelSelector: "",
  fieldSelector: "",
  resourceVersion: "",
  resourceVersionMatch: "",
  limit: 0,
  continue: "",
  timeoutSeconds: undefined,
  allowWatchBookmarks: false,
  sendInitialEvents: undefined,
};

/**
 * The parameters of a query, without those that Go does not read: with a semicolon, or a `%` that begins no escape.
 *
 * @param text what follows the question mark
 */
export function parseQuery(text: string): URLSearchParams {
  if (!text.includes(";") && !text.includes("%")) return new URLSearchParams(text);
  const read = text.split("&").filter((part) => !part.includes(";") && !/%(?![0-9a-fA-F]{2})/.test(part));
  return new URLSearchParams(read.join("&"));
}

/** @throws {StatusError} 400 for a `timeout` that is no duration */
export function checkTimeout(query: URLSearchParams): void {
  const timeout = query.get("timeout") ?? "";
  if (timeout === "") return;
  try {
    parseDuration(timeout);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw statusError.badRequest(`invalid timeout specified in the request URL - ${error.message}`);
  }
}

/** @throws {StatusError} 400 for what is not a number */
export function listQuery(query: URLSearchParams): ListOptions {
  if (query.size === 0) return NO_QUERY;
  return {
    watch: flag(query, "watch") ?? false,
    labelSelector: query.get("labelSelector") ?? "",
    fieldSelector: query.get("fieldSelector") ?? "",
    resourceVersion: query.get("resourceVersion") ?? "",
    resourceVersionMatch: query.get("resourceVersionMatch") ?? "",
    limit: integer(query, "limit") ?? 0,
    continue: query.get("continue") ?? "",
    timeoutSeconds: integer(query, "timeoutSeconds"),
    allowWatchBookmarks: flag(query, "allowWatchBookmarks") ?? false,
    sendInitialEvents: flag(query, "sendInitialEvents"),
  };
}

export function writeQuery(query: URLSearchParams): RawWriteOptions {
  if (query.size === 0) return {};
  return {
    dryRun: query.getAll("dryRun"),
    fieldManager: query.get("fieldManager") ?? undefined,
    fieldValidation: query.get("fieldValidation") ?? undefined,
    force: flag(query, "force"),
  };
}

/** DeleteOptions from the query, as a DELETE without a body has them. */
export function deleteQuery(query: URLSearchParams): DeleteOptions {
  if (query.size === 0) return {};
  const dryRun = query.getAll("dryRun");
  return {
    gracePeriodSeconds: integer(query, "gracePeriodSeconds"),
    propagationPolicy: query.get("propagationPolicy") ?? undefined,
    orphanDependents: flag(query, "orphanDependents"),
    ...(dryRun.length > 0 && { dryRun }),
  };
}

/** Anything but `0` and `false` is true, as upstream's conversion has it. */
function flag(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  return value !== "0" && value.toLowerCase() !== "false";
}

function integer(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  if (!/^[+-]?\d+$/.test(value)) throw statusError.badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  const wide = BigInt(value);
  if (wide > MAX_INT64 || wide < -MAX_INT64 - 1n) throw statusError.badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: value out of range`);
  return Number(wide);
}
