import { declare, type FunctionDeclaration, member, overload } from "#lib/cel/declarations.ts";
import { BOOL, type CelType, listOf, mapOf, STRING, structType } from "#lib/cel/types.ts";
import { ArrayList, EntryMap, Failure, type OpaqueValue, type Value } from "#lib/cel/values.ts";
import { type GoUrl, hostName, parseRequestUrl, parseUrl, portOf, queryOf, UrlError } from "./go-url.ts";
import { Held, method, ofText } from "./opaque.ts";

export const URL_TYPE = structType("kubernetes.URL");

class UrlValue extends Held<GoUrl> {
  override readonly type = URL_TYPE;

  override equals(other: OpaqueValue): boolean {
    return other instanceof UrlValue && (Object.keys(this.held) as (keyof GoUrl)[]).every((part) => this.held[part] === other.held[part]);
  }
}

export const URL_FUNCTIONS: readonly FunctionDeclaration[] = [
  declare("url", [overload("string_to_url", [STRING], URL_TYPE, ofText(toUrl))]),
  declare("isURL", [
    overload(
      "is_url_string",
      [STRING],
      BOOL,
      ofText((text) => requestFault(text) === undefined),
    ),
  ]),
  getter("getScheme", "scheme", ({ scheme }) => scheme),
  getter("getHost", "host", ({ host }) => host),
  getter("getHostname", "hostname", hostName),
  getter("getPort", "port", portOf),
  getter("getEscapedPath", "escaped_path", ({ escapedPath }) => escapedPath),
  getter("getQuery", "query", query, mapOf(STRING, listOf(STRING))),
];

function getter(name: string, id: string, read: (url: GoUrl) => Value, result: CelType = STRING): FunctionDeclaration {
  return declare(name, [member(`url_get_${id}`, [URL_TYPE], result, method(UrlValue, read))]);
}

function query(url: GoUrl): Value {
  return EntryMap.of([...queryOf(url)].map(([name, values]): [Value, Value] => [name, new ArrayList([...values])]));
}

/** Why a text cannot be the URL of a request. */
export function requestFault(text: string): string | undefined {
  return faultOf(() => parseRequestUrl(text));
}

function faultOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (!(error instanceof UrlError)) throw error;
    return error.message;
  }
}

function toUrl(text: string): Value {
  const fault = requestFault(text) ?? faultOf(() => parseUrl(text));
  return fault === undefined ? new UrlValue(parseUrl(text)) : new Failure(`URL parse error during conversion from string: ${fault}`);
}
