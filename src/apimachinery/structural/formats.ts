import { isIPv6 } from "node:net";

import { parseDuration } from "#apimachinery/decode/go-duration.ts";
import { isDns1123Label, isDns1123Subdomain } from "#apimachinery/validation/names.ts";

/** By name without dashes: whether a text is of the format. @see kube-openapi pkg/validation/strfmt */
const formats: Readonly<Record<string, (text: string) => boolean>> = {
  bsonobjectid: (text) => /^[0-9a-fA-F]{24}$/.test(text),
  byte: (text) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/.test(text),
  cidr: isCidr,
  creditcard: isCreditCard,
  date: isDate,
  datetime: isDateTime,
  duration: isDuration,
  email: isEmail,
  hexcolor: (text) => /^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/.test(text),
  hostname: isHostname,
  ipv4: isIp4,
  ipv6: isIp6,
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  k8slongname: (text) => isDns1123Subdomain(text).length === 0,
  k8sshortname: (text) => isDns1123Label(text).length === 0,
  mac: isMac,
  password: () => true,
  rgbcolor: isRgbColor,
  ssn: (text) => text.length === 11 && /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(text),
  uri: isRequestUri,
  uuid: uuid("[0-9a-f]{4}", "[0-9a-f]{4}"),
  uuid3: uuid("3[0-9a-f]{3}", "[0-9a-f]{4}"),
  uuid4: uuid("4[0-9a-f]{3}", "[89ab][0-9a-f]{3}"),
  uuid5: uuid("5[0-9a-f]{3}", "[89ab][0-9a-f]{3}"),
};

/** @returns `undefined` for a format that nobody checks */
export function formatCheck(format: string): ((text: string) => boolean) | undefined {
  const name = format.replaceAll("-", "");
  return Object.hasOwn(formats, name) ? formats[name] : undefined;
}

function uuid(third: string, fourth: string): (text: string) => boolean {
  const pattern = new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${third}-?${fourth}-?[0-9a-f]{12}$`, "i");
  return (text) => pattern.test(text);
}

/** Numbers may begin with zeros, as old versions of Go had it. */
function isIp4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^[0-9]+$/.test(part) && part.replace(/^0+/, "").length <= 3 && Number(part) <= 255);
}

function isIp6(text: string): boolean {
  return isIPv6(text) && !text.includes("%");
}

function isCidr(text: string): boolean {
  const slash = text.indexOf("/");
  const bits = text.slice(slash + 1);
  if (slash < 0 || !/^[0-9]{1,3}$/.test(bits)) return false;
  const address = text.slice(0, slash);
  return (isIp4(address) && Number(bits) <= 32) || (isIp6(address) && Number(bits) <= 128);
}

function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (match === null) return false;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (month < 1 || month > 12 || day < 1) return false;
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return day <= [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]!;
}

function isDateTime(text: string): boolean {
  const [date = "", time] = text.toLowerCase().split("t");
  if (time === undefined || !isDate(date)) return false;
  const match = /^([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$/.exec(time);
  return match !== null && match[1]! <= "23" && match[2]! <= "59" && match[3]! <= "59";
}

const UNITS: readonly (readonly string[])[] = [
  ["ns", "nano"],
  ["us", "µs", "micro"],
  ["ms", "milli"],
  ["s", "sec"],
  ["m", "min"],
  ["h", "hr", "hour"],
  ["d", "day"],
  ["w", "wk", "week"],
];

/** As Go writes durations, or numbers with units in words. */
function isDuration(text: string): boolean {
  try {
    parseDuration(text);
    return true;
  } catch {
    return [...text.matchAll(/\d+\s*([A-Za-zµ]+)/g)].some(([, unit]) => isUnit(unit!.toLowerCase()));
  }
}

const isUnit = (unit: string) => UNITS.some((names) => names.includes(unit) || unit.startsWith(names.at(-1)!));

/** An address as it stands in a mail's header: alone, or in angle brackets behind a name. */
function isEmail(text: string): boolean {
  const bracketed = /^\s*(?:[^<>@",;:\\()[\]]*|"(?:[^"\\]|\\.)*"\s*)<([^<>]+)>\s*$/.exec(text);
  const address = (bracketed?.[1] ?? text).trim();
  const local = String.raw`(?:[\w!#$%&'*+/=?^{|}~\`\u0080-\uffff-]+(?:\.[\w!#$%&'*+/=?^{|}~\`\u0080-\uffff-]+)*|"(?:[^"\\\r\n]|\\.)*")`;
  const domain = String.raw`(?:[\w!#$%&'*+/=?^{|}~\`\u0080-\uffff-]+(?:\.[\w!#$%&'*+/=?^{|}~\`\u0080-\uffff-]+)*|\[[^\[\]\\]*\])`;
  return new RegExp(`^${local}@${domain}$`).test(address);
}

/** A name of a host, or of a domain; letters and symbols of all scripts count. */
function isHostname(text: string): boolean {
  if (Buffer.byteLength(text) > 255 || text.split(".").some((label) => Buffer.byteLength(label) > 63)) return false;
  const sign = String.raw`[a-zA-Z0-9\p{S}\p{L}]`;
  const single = new RegExp(`^${sign}(-?${sign}{0,62})?`, "u");
  const dotted = new RegExp(String.raw`^(?:${sign}(?:[a-zA-Z0-9\-\p{S}\p{L}]{0,61}${sign})?\.)+[a-zA-Z\p{L}]{2,63}$`, "u");
  return dotted.test(text) || single.exec(text)?.[0] === text;
}

function isMac(text: string): boolean {
  return /^(?:[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}(?:(?:[0-9a-f]{2}\1){2}|(?:[0-9a-f]{2}\1){14})?[0-9a-f]{2}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}(?:\.[0-9a-f]{4})?|[0-9a-f]{4}(?:\.[0-9a-f]{4}){9})$/i.test(
    text,
  );
}

function isRgbColor(text: string): boolean {
  const part = String.raw`(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])`;
  return new RegExp(String.raw`^rgb\(\s*${part}\s*,\s*${part}\s*,\s*${part}\s*\)$`).test(text);
}

function isCreditCard(text: string): boolean {
  const digits = text.replace(/[^0-9]+/g, "");
  const known =
    /^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\d{3})\d{11})$/;
  if (!known.test(digits)) return false;
  let sum = 0;
  for (let i = digits.length - 1, doubled = false; i >= 0; i--, doubled = !doubled) {
    const digit = Number(digits[i]) * (doubled ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 === 0;
}

function isIsbn10(text: string): boolean {
  const digits = text.replace(/[\s-]+/g, "");
  if (!/^(?:[0-9]{9}X|[0-9]{10})$/.test(digits)) return false;
  let sum = digits[9] === "X" ? 100 : 10 * Number(digits[9]);
  for (let i = 0; i < 9; i++) sum += (i + 1) * Number(digits[i]);
  return sum % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const digits = text.replace(/[\s-]+/g, "");
  if (!/^[0-9]{13}$/.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < 12; i++) sum += (i % 2 === 0 ? 1 : 3) * Number(digits[i]);
  return (10 - (sum % 10)) % 10 === Number(digits[12]);
}

/** As a request names it: absolute, or a path from the root. */
function isRequestUri(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  if (text === "" || /[\u0000-\u001f\u007f]/.test(text)) return false;
  if (/%(?![0-9a-fA-F]{2})/.test(text.split("?", 1)[0]!)) return false;
  if (text === "*" || text.startsWith("/")) return true;
  const match = /^[a-zA-Z][a-zA-Z0-9+.-]*:(.*)$/.exec(text);
  if (match === null) return false;
  const rest = match[1]!;
  if (!rest.startsWith("//")) return true;
  const host = rest.slice(2).split(/[/?#]/, 1)[0]!.replace(/^.*@/, "");
  return /^(?:\[[^\]]*\]|[^\s<>"[\]{}|\\^`:]*)(?::[0-9]*)?$/.test(host);
}
