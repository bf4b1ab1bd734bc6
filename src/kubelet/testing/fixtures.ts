import type { Container, Pod, PodSpec } from "#api/core-v1/types.ts";
import { containerHash } from "#kubelet/pod/containers.ts";
import type { RuntimeContainer, RuntimePod, RuntimeSandbox } from "#kubelet/pod/runtime-pod.ts";

/** A pod for tests; `spec` is laid over one main container `c`. */
export function podOf(spec: Partial<PodSpec> = {}, metadata: Partial<Pod["metadata"]> = {}): Pod {
  return {
    metadata: { name: "web", namespace: "default", uid: "uid-1", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z", ...metadata },
    spec: { containers: [containerOf("c")], restartPolicy: "Always", ...spec },
    status: {},
  } as Pod;
}

export function containerOf(name: string, more: Partial<Container> = {}): Container {
  return { name, image: "example.test/app:1", resources: {}, ...more };
}

/** A run of `container`; ids are `name-attempt`. */
export function runOf(container: Container, state: RuntimeContainer["state"], more: Partial<RuntimeContainer> = {}): RuntimeContainer {
  const restartCount = more.restartCount ?? 0;
  return {
    id: `${container.name}-${restartCount}`,
    name: container.name,
    restartCount,
    state,
    createdMs: 1000 + restartCount,
    startedMs: 2000,
    finishedMs: state === "exited" ? 3000 : 0,
    exitCode: 0,
    reason: state === "exited" ? "Completed" : "",
    message: "",
    image: container.image ?? "",
    imageRef: "sha256:1",
    hash: containerHash(container),
    logPath: "",
    ...more,
  };
}

export const READY_SANDBOX: RuntimeSandbox = { id: "sandbox-0", ready: true, attempt: 0, createdMs: 500, ips: ["10.42.0.5"] };

/** What runs of a pod: a ready sandbox and these containers, the newest first. */
export function runtimeOf(containers: readonly RuntimeContainer[], sandboxes: readonly RuntimeSandbox[] = [READY_SANDBOX]): RuntimePod {
  return { sandboxes, containers };
}
