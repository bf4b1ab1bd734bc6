import type { ResourceInfo } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { AdmissionAttributes } from "#apiserver/admission/admission.ts";
import type { Hook } from "#apiserver/admission/webhooks/hook.ts";

/** What match conditions look at. */
export interface ConditionInput {
  readonly attributes: AdmissionAttributes;
  /** The resource as which the webhook sees the request. */
  readonly as: ResourceInfo;
  readonly object: KubeObject | undefined;
  readonly oldObject: KubeObject | undefined;
}

export interface HookConditions {
  /**
   * Whether all of a webhook's match conditions hold.
   *
   * @throws {StatusError} 403 when one fails to be evaluated, none is false, and the webhook's failure policy is Fail
   */
  hold(hook: Hook, input: ConditionInput): boolean;
}
