import { createHash } from "node:crypto";
import { join } from "node:path";

/**
 * Where the shim of a sandbox listens. It removes the socket itself when it ends, but not when it is killed.
 *
 * @see containerd pkg/shim/util_unix.go SocketAddress
 */
export function shimSocket(containerdSocket: string, sandboxId: string): string {
  const name = createHash("sha256")
    .update(join(containerdSocket, "k8s.io", sandboxId))
    .digest("hex");
  return join("/run/containerd/s", name);
}
