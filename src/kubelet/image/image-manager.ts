import type { Client } from "#client/client.ts";
import { SECRETS } from "#api/builtin.ts";
import type { Container, Pod, Secret } from "#api/core-v1/types.ts";
import type { Runtime } from "#kubelet/cri/runtime.ts";
import type { Image, SandboxConfig } from "#kubelet/cri/types.ts";
import { Backoff } from "#kubelet/pod/backoff.ts";
import type { Clock } from "#lib/clock.ts";
import { fullImageName, type ImageName, parseImageName } from "#lib/image-name.ts";

import { pullPolicyOf } from "./pull-policy.ts";
import { registryAuths } from "./pull-secrets.ts";

/** An image that a container cannot have; `reason` becomes the container's waiting reason. */
export class ImageError extends Error {
  override readonly name = "ImageError";
  readonly reason: string;
  /** When a further attempt makes sense, in milliseconds from now. */
  readonly retryAfterMs: number | undefined;

  constructor(reason: string, message: string, retryAfterMs?: number) {
    super(message);
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

export type Tell = (type: "Normal" | "Warning", reason: string, message: string) => void;

export interface ImageRequest {
  readonly pod: Pod;
  readonly container: Container;
  readonly sandboxConfig: SandboxConfig;
  /** Records an event about the container. */
  readonly tell: Tell;
}

export interface ImageManagerDeps {
  readonly runtime: Runtime;
  readonly client: Client;
  readonly clock: Clock;
}

/** Brings images to the node by each container's pull policy, one pull at a time, with back-off. */
export class ImageManager {
  readonly #deps: ImageManagerDeps;
  readonly #backoff = new Backoff();
  readonly #failures = new Map<string, { readonly atMs: number; readonly text: string }>();
  #pulls: Promise<unknown> = Promise.resolve();

  constructor(deps: ImageManagerDeps) {
    this.#deps = deps;
  }

  /**
   * @returns the image, on the node
   * @throws {ImageError} when it is not and cannot be
   * @see pkg/kubelet/images/image_manager.go EnsureImageExists
   */
  async ensure(request: ImageRequest): Promise<Image> {
    const requested = request.container.image ?? "";
    const name = parseImageName(requested);
    if (name === undefined) {
      const message = `Failed to apply default image tag "${requested}": couldn't parse image name "${requested}": invalid reference format`;
      request.tell("Warning", "InspectFailed", message);
      throw new ImageError("InvalidImageName", message);
    }
    const policy = pullPolicyOf(request.container.imagePullPolicy, name);
    if (policy === "Always") return this.#pull(name, request);
    const present = await this.#inspect(name, request);
    if (present !== undefined) {
      request.tell("Normal", "Pulled", `Container image "${requested}" already present on machine and can be accessed by the pod`);
      return present;
    }
    if (policy !== "Never") return this.#pull(name, request);
    const message = `Container image "${requested}" is not present with pull policy of Never`;
    request.tell("Warning", "ErrImageNeverPull", message);
    throw new ImageError("ErrImageNeverPull", message);
  }

  forget(podUid: string): void {
    this.#backoff.forget(`${podUid}_`);
    for (const key of this.#failures.keys()) if (key.startsWith(`${podUid}_`)) this.#failures.delete(key);
  }

  async #inspect(name: ImageName, { container, tell }: ImageRequest): Promise<Image | undefined> {
    try {
      return await this.#deps.runtime.imageStatus(fullImageName(name));
    } catch (error) {
      const message = `Failed to inspect image "${container.image}": ${textOf(error)}`;
      tell("Warning", "InspectFailed", message);
      throw new ImageError("ImageInspectError", message);
    }
  }

  async #pull(name: ImageName, request: ImageRequest): Promise<Image> {
    const { pod, container, tell } = request;
    const image = container.image ?? "";
    const key = `${pod.metadata.uid}_${image}`;
    const { clock } = this.#deps;
    const failed = this.#failures.get(key);
    const waitMs = failed === undefined ? 0 : this.#backoff.remainingSince(key, failed.atMs, clock.now());
    if (failed !== undefined && waitMs > 0) {
      const message = `Back-off pulling image "${image}"`;
      tell("Normal", "BackOff", message);
      throw new ImageError("ImagePullBackOff", `${message}: ${failed.text}`, waitMs);
    }
    tell("Normal", "Pulling", `Pulling image "${image}"`);
    const askedMs = clock.monotonic();
    try {
      const { found, pullMs } = await this.#inTurn(() => this.#attempt(name, request));
      const whole = clock.monotonic() - askedMs;
      tell(
        "Normal",
        "Pulled",
        `Successfully pulled image "${image}" in ${goSeconds(pullMs)} (${goSeconds(whole)} including waiting). Image size: ${found.size} bytes.`,
      );
      this.#failures.delete(key);
      return found;
    } catch (error) {
      const text = textOf(error);
      tell("Warning", "Failed", `Failed to pull image "${image}": ${text}`);
      this.#backoff.next(key, clock.now(), clock.now());
      this.#failures.set(key, { atMs: clock.now(), text: `ErrImagePull: ${text}` });
      throw new ImageError("ErrImagePull", text, this.#backoff.get(key));
    }
  }

  #inTurn<T>(pull: () => Promise<T>): Promise<T> {
    const turn = this.#pulls.then(pull, pull);
    this.#pulls = turn.catch(() => undefined);
    return turn;
  }

  async #attempt(name: ImageName, request: ImageRequest): Promise<{ found: Image; pullMs: number }> {
    const { runtime, clock } = this.#deps;
    const startedMs = clock.monotonic();
    const auths = registryAuths(await this.#secrets(request), name);
    let failure: unknown;
    for (const auth of auths.length > 0 ? auths : [undefined]) {
      try {
        const reference = await runtime.pullImage(fullImageName(name), auth, request.sandboxConfig);
        const found = (await runtime.imageStatus(fullImageName(name))) ?? (await runtime.imageStatus(reference));
        if (found === undefined) throw new Error(`image ${reference} is gone right after its pull`);
        return { found, pullMs: clock.monotonic() - startedMs };
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** The pod's pull secrets; one that cannot be read is told of and passed over. */
  async #secrets({ pod, tell }: ImageRequest): Promise<Secret[]> {
    const { namespace } = pod.metadata;
    const names = (pod.spec.imagePullSecrets ?? []).flatMap(({ name }) => (name ? [name] : []));
    const answers = await Promise.allSettled(names.map((name) => this.#deps.client.get(SECRETS, { namespace, name })));
    const missing = names.filter((_, i) => answers[i]?.status === "rejected");
    if (missing.length > 0) {
      const list = missing.join(", ");
      tell("Warning", "FailedToRetrieveImagePullSecret", `Unable to retrieve some image pull secrets (${list}); attempting to pull the image may not succeed.`);
    }
    return answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whole milliseconds, as Go prints a duration: `350ms`, `1.234s`. */
function goSeconds(durationMs: number): string {
  const ms = Math.floor(durationMs);
  return ms < 1000 ? (ms === 0 ? "0s" : `${ms}ms`) : `${ms / 1000}s`;
}
