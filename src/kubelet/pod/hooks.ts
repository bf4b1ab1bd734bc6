import type { Container, LifecycleHandler } from "#api/core-v1/types.ts";
import type { Runtime } from "#kubelet/cri/runtime.ts";
import { headersOf, httpGet, httpUrl } from "#kubelet/probe/probe-once.ts";
import { type Clock, sleep } from "#lib/clock.ts";

export interface HookContext {
  readonly container: Container;
  readonly containerId: string;
  readonly podIp: string;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Carries out a postStart or preStop handler; throws when it fails. @see pkg/kubelet/lifecycle/handlers.go */
export async function runHook(handler: LifecycleHandler, { container, containerId, podIp, runtime, clock, signal }: HookContext): Promise<void> {
  if (handler.exec !== undefined) {
    const command = handler.exec.command ?? [];
    const { exitCode, stdout, stderr } = await runtime.execSync(containerId, command, 0);
    if (exitCode !== 0) {
      const output = Buffer.concat([stdout, stderr]).toString();
      throw new Error(
        `Exec lifecycle hook ([${command.join(" ")}]) for Container "${container.name}" failed - error: command '${command.join(" ")}' exited with ${exitCode}: ${output}`,
      );
    }
  } else if (handler.httpGet !== undefined) {
    const { status } = await httpGet(httpUrl(handler.httpGet, { container, podIp }), headersOf(handler.httpGet), signal);
    if (status >= 400)
      throw new Error(`HTTP lifecycle hook (${handler.httpGet.path ?? "/"}) for Container "${container.name}" failed - error: status ${status}`);
  } else if (handler.sleep !== undefined) {
    await sleep(clock, handler.sleep.seconds * 1000, signal);
  }
}
