import type * as core from "#api/core-v1/types.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { isHttpHeaderName, isPortName, isPortNumber } from "#apimachinery/validation/names.ts";

import { checkAllowed, checkNonNegative, type Errors, pushInvalid } from "./checks.ts";

type Handler = core.ProbeHandler & core.LifecycleHandler;

/** The three probes of a container, and its hooks. */
export function validateProbesAndHooks(errors: Errors, container: core.Container, grace: number | undefined, path: FieldPath): void {
  const { lifecycle, livenessProbe, readinessProbe, startupProbe } = container;
  if (lifecycle) validateLifecycle(errors, lifecycle, grace, path.child("lifecycle"));
  if (livenessProbe) {
    const at = path.child("livenessProbe");
    validateProbe(errors, livenessProbe, grace, at);
    checkOneSuccess(errors, livenessProbe, at);
  }
  if (readinessProbe) {
    const at = path.child("readinessProbe");
    validateProbe(errors, readinessProbe, grace, at);
    const seconds = readinessProbe.terminationGracePeriodSeconds;
    if (seconds !== undefined) {
      errors.push(fieldError.invalid(at.child("terminationGracePeriodSeconds"), seconds, "must not be set for readinessProbes"));
    }
  }
  if (startupProbe) {
    const at = path.child("startupProbe");
    validateProbe(errors, startupProbe, grace, at);
    checkOneSuccess(errors, startupProbe, at);
  }
}

function checkOneSuccess(errors: Errors, { successThreshold = 0 }: core.Probe, path: FieldPath): void {
  if (successThreshold !== 1) errors.push(fieldError.invalid(path.child("successThreshold"), successThreshold, "must be 1"));
}

function validateProbe(errors: Errors, probe: core.Probe, grace: number | undefined, path: FieldPath): void {
  validateHandler(errors, probe, grace, path);
  checkNonNegative(errors, probe.initialDelaySeconds, path, "initialDelaySeconds");
  checkNonNegative(errors, probe.timeoutSeconds, path, "timeoutSeconds");
  checkNonNegative(errors, probe.periodSeconds, path, "periodSeconds");
  checkNonNegative(errors, probe.successThreshold, path, "successThreshold");
  checkNonNegative(errors, probe.failureThreshold, path, "failureThreshold");
  const seconds = probe.terminationGracePeriodSeconds;
  if (seconds !== undefined && seconds <= 0) {
    errors.push(fieldError.invalid(path.child("terminationGracePeriodSeconds"), seconds, "must be greater than 0"));
  }
}

function validateLifecycle(errors: Errors, lifecycle: core.Lifecycle, grace: number | undefined, path: FieldPath): void {
  if (lifecycle.postStart) validateHandler(errors, lifecycle.postStart, grace, path.child("postStart"));
  if (lifecycle.preStop) validateHandler(errors, lifecycle.preStop, grace, path.child("preStop"));
}

function validateHandler(errors: Errors, handler: Handler, grace: number | undefined, path: FieldPath): void {
  let handlers = 0;
  const isFirst = (name: string): boolean => {
    if (handlers++ === 0) return true;
    handlers--;
    errors.push(fieldError.forbidden(path.child(name), "may not specify more than 1 handler type"));
    return false;
  };
  if (handler.exec && isFirst("exec") && !handler.exec.command?.length) errors.push(fieldError.required(path.child("exec", "command")));
  if (handler.httpGet && isFirst("httpGet")) validateHttpGet(errors, handler.httpGet, path.child("httpGet"));
  if (handler.tcpSocket && isFirst("tcpSocket")) checkPort(errors, handler.tcpSocket.port, path.child("tcpSocket", "port"));
  if (handler.grpc && isFirst("grpc")) checkPort(errors, handler.grpc.port ?? 0, path.child("grpc", "port"));
  if (handler.sleep && isFirst("sleep")) validateSleep(errors, handler.sleep, grace, path.child("sleep"));
  if (handlers === 0) errors.push(fieldError.required(path, "must specify a handler type"));
}

function validateHttpGet(errors: Errors, action: core.HTTPGetAction, path: FieldPath): void {
  if (!action.path) errors.push(fieldError.required(path.child("path")));
  checkPort(errors, action.port, path.child("port"));
  checkAllowed(errors, action.scheme ?? "", ["HTTP", "HTTPS"], path.child("scheme"));
  for (const { name } of action.httpHeaders ?? []) pushInvalid(errors, path.child("httpHeaders"), name ?? "", isHttpHeaderName(name ?? ""));
}

/** A port's number or name. */
export function checkPort(errors: Errors, port: number | string | undefined, path: FieldPath): void {
  if (typeof port === "string") pushInvalid(errors, path, port, isPortName(port));
  else pushInvalid(errors, path, port ?? 0, isPortNumber(port ?? 0));
}

function validateSleep(errors: Errors, { seconds = 0 }: core.SleepAction, grace: number | undefined, path: FieldPath): void {
  if (grace === undefined || (seconds >= 0 && seconds <= grace)) return;
  errors.push(fieldError.invalid(path, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${grace})`));
}
