import type { Errors } from "#api/core-v1/pod-spec/checks.ts";
import type { LimitedPriorityLevelConfiguration, LimitResponse, PriorityLevelConfiguration, QueuingConfiguration } from "#api/flowcontrol-v1/types.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";

import { checkMandatoryLevel } from "./mandatory.ts";

const SPEC = new FieldPath("spec");
const MAX_QUEUES = 10_000_000;
const MAX_HASH_BITS = 60;

/** @see kubernetes pkg/apis/flowcontrol/validation/validation.go ValidatePriorityLevelConfigurationSpec */
export function validatePriorityLevel(level: PriorityLevelConfiguration): FieldError[] {
  const errors: Errors = [];
  const { metadata, spec } = level;
  const { type = "", limited, exempt } = spec;
  if ((metadata.name === "exempt") !== (type === "Exempt")) {
    errors.push(fieldError.invalid(SPEC.child("type"), type, "must be 'Exempt' if and only if `name` is 'exempt'"));
  }
  if (type === "Exempt") {
    if (limited) errors.push(fieldError.forbidden(SPEC.child("limited"), "must be nil if the type is not Limited"));
    if (exempt) checkShares(errors, exempt, SPEC.child("exempt"));
  } else if (type === "Limited") {
    if (exempt) errors.push(fieldError.forbidden(SPEC.child("exempt"), "must be nil if the type is Limited"));
    if (limited) validateLimited(errors, limited, SPEC.child("limited"));
    else errors.push(fieldError.required(SPEC.child("limited"), "must not be empty when type is Limited"));
  } else errors.push(fieldError.notSupported(SPEC.child("type"), type, ["Exempt", "Limited"]));
  checkMandatoryLevel(errors, level);
  return errors;
}

interface Shares {
  readonly nominalConcurrencyShares?: number | undefined;
  readonly lendablePercent?: number | undefined;
}

function checkShares(errors: Errors, { nominalConcurrencyShares: shares, lendablePercent }: Shares, path: FieldPath, between = () => {}): void {
  if (shares !== undefined && shares < 0) errors.push(fieldError.invalid(path.child("nominalConcurrencyShares"), shares, "must be a non-negative integer"));
  between();
  if (lendablePercent !== undefined && (lendablePercent < 0 || lendablePercent > 100)) {
    errors.push(fieldError.invalid(path.child("lendablePercent"), lendablePercent, "must be between 0 and 100, inclusive"));
  }
}

function validateLimited(errors: Errors, limited: LimitedPriorityLevelConfiguration, path: FieldPath): void {
  checkShares(errors, limited, path, () => validateResponse(errors, limited.limitResponse, path.child("limitResponse")));
  const borrowing = limited.borrowingLimitPercent;
  if (borrowing !== undefined && borrowing < 0) {
    errors.push(fieldError.invalid(path.child("borrowingLimitPercent"), borrowing, "if specified, must be a non-negative integer"));
  }
}

function validateResponse(errors: Errors, response: LimitResponse | undefined, path: FieldPath): void {
  const { type = "", queuing } = response ?? { type: "" };
  const at = path.child("queuing");
  if (type === "Reject") {
    if (queuing) errors.push(fieldError.forbidden(at, "must be nil if limited.limitResponse.type is not Limited"));
  } else if (type === "Queue") {
    if (queuing) validateQueuing(errors, queuing, at);
    else errors.push(fieldError.required(at, "must not be empty if limited.limitResponse.type is Limited"));
  } else errors.push(fieldError.notSupported(path.child("type"), type, ["Queue", "Reject"]));
}

function validateQueuing(errors: Errors, { queueLengthLimit = 0, queues = 0, handSize = 0 }: QueuingConfiguration, path: FieldPath): void {
  const refuse = (field: string, value: number, why: string) => errors.push(fieldError.invalid(path.child(field), value, why));
  if (queueLengthLimit <= 0) refuse("queueLengthLimit", queueLengthLimit, "must be positive");
  if (queues <= 0) refuse("queues", queues, "must be positive");
  else if (queues > MAX_QUEUES) refuse("queues", queues, `must not be greater than ${MAX_QUEUES}`);
  if (handSize <= 0) refuse("handSize", handSize, "must be positive");
  else if (handSize > queues) refuse("handSize", handSize, `should not be greater than queues (${queues})`);
  else if (Math.ceil(Math.log2(queues) * handSize) > MAX_HASH_BITS) {
    refuse("handSize", handSize, `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${MAX_HASH_BITS}`);
  }
}
