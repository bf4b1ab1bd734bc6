import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { canonicalIP } from "#apimachinery/validation/ip.ts";

import type { Errors } from "../pod-spec/checks.ts";

/** Addresses that no endpoint may have: those that mean something else on every machine. */
export function checkEndpointIP(errors: Errors, value: string, path: FieldPath): void {
  const ip = canonicalIP(value);
  if (ip === undefined) {
    errors.push(fieldError.invalid(path, value, "must be a valid IP address"));
    return;
  }
  for (const [isSpecial, message] of SPECIAL) if (isSpecial.test(ip)) errors.push(fieldError.invalid(path, value, message(value)));
}

const SPECIAL: readonly (readonly [RegExp, (value: string) => string])[] = [
  [/^(0\.0\.0\.0|::)$/, (value) => `may not be unspecified (${value})`],
  [/^(127\..*|::1)$/, () => "may not be in the loopback range (127.0.0.0/8, ::1/128)"],
  [/^(169\.254\..*|fe[89ab][0-9a-f]:.*)$/, () => "may not be in the link-local range (169.254.0.0/16, fe80::/10)"],
  [/^(224\.0\.0\..*|ff[0-9a-f]2:.*)$/, () => "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"],
];
