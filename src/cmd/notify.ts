import { spawn } from "node:child_process";

/** Assignments that a service manager understands. @see sd_notify(3) */
export type State = "READY=1" | "STOPPING=1" | `STATUS=${string}`;

/**
 * Tells the service manager that started us how we are; without one, nobody. Node has no datagram sockets of the machine's
 * own, so systemd's tool speaks for us.
 */
export function serviceNotifier(env: NodeJS.ProcessEnv): (...states: readonly State[]) => void {
  const { NOTIFY_SOCKET, PATH } = env;
  if (NOTIFY_SOCKET === undefined) return () => {};
  return (...states) => {
    const child = spawn("systemd-notify", states, { env: { NOTIFY_SOCKET, PATH }, stdio: "ignore" });
    child.on("error", () => {}); // not installed: the manager waits for nothing that it needs
    child.unref();
  };
}

/** What children get: one that finds the socket, as containerd does, would speak for us. */
export function withoutNotifier({ NOTIFY_SOCKET: _, ...env }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return env;
}
