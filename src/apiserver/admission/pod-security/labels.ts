import { FieldPath, fieldError, type FieldError } from "#apimachinery/field-error.ts";
import { isStricter, type Level, type Policy } from "#apiserver/admission/pod-security/checks.ts";

/** Of labels and of audit annotations. */
export const PREFIX = "pod-security.kubernetes.io/";
const LEVELS: readonly Level[] = ["privileged", "baseline", "restricted"];

export interface Policies {
  readonly enforce: Policy;
  readonly audit: Policy;
  readonly warn: Policy;
}

type Labels = Readonly<Record<string, string>> | undefined;

const known = new WeakMap<object, Policies>();

/** What a namespace's labels ask for; what they say wrongly counts as the strictest, or the newest. Remembered: every pod asks. */
export function policiesOf(labels: Labels): Policies {
  let policies = labels && known.get(labels);
  if (policies !== undefined) return policies;
  policies = readPolicies(labels);
  if (labels !== undefined && Object.isFrozen(labels)) known.set(labels, policies); // others may still change
  return policies;
}

function readPolicies(labels: Labels): Policies {
  const enforce = policyOf(labels, "enforce");
  const warn = policyOf(labels, "warn");
  // Who is held to a level is told of it where it only comes to pass later: in the templates of pods.
  return { enforce, audit: policyOf(labels, "audit"), warn: labels?.[`${PREFIX}warn`] === undefined && isStricter(enforce.level, warn.level) ? enforce : warn };
}

function policyOf(labels: Labels, mode: string): Policy {
  const level = labels?.[PREFIX + mode];
  const version = labels?.[`${PREFIX}${mode}-version`] ?? "latest";
  const known = level === undefined ? "privileged" : LEVELS.includes(level as Level) ? (level as Level) : "restricted";
  return { level: known, version: /^v1\.\d+$/.test(version) ? (version as Policy["version"]) : "latest" };
}

export function labelErrors(labels: Labels): FieldError[] {
  const path = new FieldPath("metadata.labels");
  return ["enforce", "audit", "warn"].flatMap((mode) => {
    const level = labels?.[PREFIX + mode];
    const version = labels?.[`${PREFIX}${mode}-version`];
    return [
      ...(level !== undefined && !LEVELS.includes(level as Level)
        ? [fieldError.invalid(path.key(PREFIX + mode), level, `must be one of ${LEVELS.join(", ")}`)]
        : []),
      ...(version !== undefined && version !== "latest" && !/^v1\.(0|[1-9]\d*)$/.test(version)
        ? [fieldError.invalid(path.key(`${PREFIX}${mode}-version`), version, 'must be "latest" or "v1.x"')]
        : []),
    ];
  });
}
