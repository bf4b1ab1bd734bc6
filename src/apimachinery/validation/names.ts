/**
 * The forms that names must have. Each check gives messages without a path, none when the value is fine.
 *
 * @see apimachinery pkg/util/validation/validation.go and pkg/api/validate/content for the texts
 */
type Messages = string[];

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const LABEL_UNDERSCORE = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const SUBDOMAIN_UNDERSCORE = `${LABEL_UNDERSCORE}(\\.${LABEL_UNDERSCORE})*`;
const WILDCARD = `\\*\\.${SUBDOMAIN}`;
const LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
const QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_VALUE = `(${QUALIFIED})?`;
const CONFIG_KEY = "[-._a-zA-Z0-9]+";
const HEADER = "[-A-Za-z0-9]+";
const PERCENT = "[0-9]+%";
const CONDITION_REASON = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?";

const MAX_LABEL = 63;
const MAX_SUBDOMAIN = 253;

const whole = (pattern: string) => new RegExp(`^(?:${pattern})$`);
const LABEL_RE = whole(LABEL);
const SUBDOMAIN_RE = whole(SUBDOMAIN);
const SUBDOMAIN_UNDERSCORE_RE = whole(SUBDOMAIN_UNDERSCORE);
const WILDCARD_RE = whole(WILDCARD);
const LABEL_1035_RE = whole(LABEL_1035);
const QUALIFIED_RE = whole(QUALIFIED);
const LABEL_VALUE_RE = whole(LABEL_VALUE);
const CONFIG_KEY_RE = whole(CONFIG_KEY);
const HEADER_RE = whole(HEADER);
const PERCENT_RE = whole(PERCENT);
const CONDITION_REASON_RE = whole(CONDITION_REASON);

/** Upstream counts bytes and mostly calls them characters. */
const tooLong = (value: string, max: number, unit: "bytes" | "characters" = "characters"): Messages =>
  value.length > max || Buffer.byteLength(value) > max ? [`must be no more than ${max} ${unit}`] : [];

/** Of most values nothing is to be told. What a pattern matches has a byte for each character. */
const fits = (value: string, pattern: RegExp, max: number): boolean => value.length <= max && pattern.test(value);

/** The text about a value that does not match a pattern. */
export function regexMessage(what: string, pattern: string, ...examples: readonly string[]): string {
  if (examples.length === 0) return `${what} (regex used for validation is '${pattern}')`;
  return `${what} (e.g. ${examples.map((example) => `'${example}', `).join(" or ")}regex used for validation is '${pattern}')`;
}

export function isDns1123Label(value: string): Messages {
  if (fits(value, LABEL_RE, MAX_LABEL)) return [];
  const messages = tooLong(value, MAX_LABEL);
  if (LABEL_RE.test(value)) return messages;
  const what = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
  return [...messages, SUBDOMAIN_RE.test(value) ? "must not contain dots" : regexMessage(what, LABEL, "my-name", "123-abc")];
}

export function isDns1123Subdomain(value: string): Messages {
  if (fits(value, SUBDOMAIN_RE, MAX_SUBDOMAIN)) return [];
  const messages = tooLong(value, MAX_SUBDOMAIN);
  if (SUBDOMAIN_RE.test(value)) return messages;
  const what =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
  return [...messages, regexMessage(what, SUBDOMAIN, "example.com")];
}

export function isDns1123SubdomainWithUnderscore(value: string): Messages {
  const messages = tooLong(value, MAX_SUBDOMAIN);
  if (SUBDOMAIN_UNDERSCORE_RE.test(value)) return messages;
  const what =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character";
  return [...messages, regexMessage(what, SUBDOMAIN_UNDERSCORE, "example.com")];
}

export function isWildcardDns1123Subdomain(value: string): Messages {
  const messages = tooLong(value, MAX_SUBDOMAIN);
  if (WILDCARD_RE.test(value)) return messages;
  const what =
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
  return [...messages, regexMessage(what, WILDCARD, "*.example.com")];
}

export function isDns1035Label(value: string): Messages {
  const messages = tooLong(value, MAX_LABEL);
  if (LABEL_1035_RE.test(value)) return messages;
  const what =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
  return [...messages, regexMessage(what, LABEL_1035, "my-name", "abc-123")];
}

/** A name that is to get a suffix may end with a dash. */
const maskTrailingDash = (name: string) => (name.length > 1 && name.endsWith("-") ? `${name.slice(0, -2)}a` : name);

/** Checks for `Strategy.validateName`; `isPrefix` for a `generateName`. */
export const nameIsDnsSubdomain = (name: string, isPrefix: boolean): Messages => isDns1123Subdomain(isPrefix ? maskTrailingDash(name) : name);
export const nameIsDnsLabel = (name: string, isPrefix: boolean): Messages => isDns1123Label(isPrefix ? maskTrailingDash(name) : name);
export const nameIsDns1035Label = (name: string, isPrefix: boolean): Messages => isDns1035Label(isPrefix ? maskTrailingDash(name) : name);
export const isDns1123SubdomainPrefix = (name: string): Messages => nameIsDnsSubdomain(name, true);

/** A name that may stand in a URL as one segment: what RBAC's kinds ask for. */
export function nameIsPathSegment(name: string, isPrefix = false): Messages {
  if (!isPrefix && name === ".") return ["may not be '.'"];
  if (!isPrefix && name === "..") return ["may not be '..'"];
  return ["/", "%"].filter((char) => name.includes(char)).map((char) => `may not contain '${char}'`);
}

const QUALIFIED_TEXT = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/** A label key: a name, with a DNS subdomain before it if it likes. */
export function isQualifiedName(value: string): Messages {
  const slash = value.indexOf("/");
  const isPrefixed = slash >= 0;
  if (fits(isPrefixed ? value.slice(slash + 1) : value, QUALIFIED_RE, MAX_LABEL)) {
    if (!isPrefixed || fits(value.slice(0, slash), SUBDOMAIN_RE, MAX_SUBDOMAIN)) return [];
  }
  const about = regexMessage(QUALIFIED_TEXT, QUALIFIED, "MyName", "my.name", "123-abc");
  const parts = value.split("/");
  if (parts.length > 2) return [`a valid label key ${about} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  const name = parts.at(-1)!;
  const messages = parts.length === 2 ? prefixMessages(parts[0]!) : [];
  if (name === "") messages.push("name part must be non-empty");
  else messages.push(...tooLong(name, MAX_LABEL, "bytes").map((message) => `name part ${message}`));
  if (!QUALIFIED_RE.test(name)) messages.push(`name part ${about}`);
  return messages;
}

function prefixMessages(prefix: string): Messages {
  if (prefix === "") return ["prefix part must be non-empty"];
  return isDns1123Subdomain(prefix).map((message) => `prefix part ${message.replace(/characters$/, "bytes")}`);
}

export function isLabelValue(value: string): Messages {
  if (fits(value, LABEL_VALUE_RE, MAX_LABEL)) return [];
  const messages = tooLong(value, MAX_LABEL, "bytes");
  if (LABEL_VALUE_RE.test(value)) return messages;
  const what =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  return [...messages, regexMessage(what, LABEL_VALUE, "MyValue", "my_value", "12345")];
}

export function isRelaxedEnvVarName(value: string): Messages {
  if (value === "") return ["environment variable name must be non-empty"];
  const printable = /^[ -<>-~]*$/.test(value);
  return printable ? [] : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

export function isConfigMapKey(value: string): Messages {
  const what = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
  const messages = tooLong(value, MAX_SUBDOMAIN);
  if (!CONFIG_KEY_RE.test(value)) messages.push(regexMessage(what, CONFIG_KEY, "key.name", "KEY_NAME", "key-name"));
  return [...messages, ...dotMessages(value)];
}

function dotMessages(value: string): Messages {
  if (value === ".") return ["must not be '.'"];
  if (value === "..") return ["must not be '..'"];
  return value.startsWith("..") ? ["must not start with '..'"] : [];
}

export function isHttpHeaderName(value: string): Messages {
  const what = "a valid HTTP header must consist of alphanumeric characters or '-'";
  return HEADER_RE.test(value) ? [] : [regexMessage(what, HEADER, "X-Header-Name")];
}

export function isPercent(value: string): Messages {
  const what = "a valid percent string must be a numeric string followed by an ending '%'";
  return PERCENT_RE.test(value) ? [] : [regexMessage(what, PERCENT, "1%", "93%")];
}

export function isConditionReason(value: string): Messages {
  const what =
    "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'";
  const examples = ["my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB"];
  return CONDITION_REASON_RE.test(value) ? [] : [regexMessage(what, CONDITION_REASON, ...examples)];
}

function isInRange(value: number, min: number, max: number): Messages {
  return value >= min && value <= max ? [] : [`must be between ${min} and ${max}, inclusive`];
}

export const isPortNumber = (port: number): Messages => isInRange(port, 1, 65_535);

export function isPortName(value: string): Messages {
  const messages = tooLong(value, 15);
  if (!/^[-a-z0-9]+$/.test(value)) messages.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(value)) messages.push("must contain at least one letter (a-z)");
  if (value.includes("--")) messages.push("must not contain consecutive hyphens");
  if (value.startsWith("-") || value.endsWith("-")) messages.push("must not begin or end with a hyphen");
  return messages;
}
