import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

import { type PodLookup, HttpError, runningContainer } from "#kubelet/server/pod-lookup.ts";

import type { StreamOptions } from "./command-streams.ts";
import { type ExecDeps, runExec } from "./exec.ts";
import { COMMAND_PROTOCOLS, type CommandProtocol, WebSocketCommand } from "./websocket-command.ts";
import { acceptWebSocket, offeredProtocols } from "./websocket.ts";

export interface CommandTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly query: URLSearchParams;
}

export interface CommandDeps extends ExecDeps {
  readonly pods: PodLookup;
}

/** /exec/{namespace}/{pod}/{container} */
export async function serveExec(target: CommandTarget, upgrade: UpgradeRequest, deps: CommandDeps): Promise<void> {
  const options = streamOptions(upgrade.query);
  const containerId = containerIdOf(target, deps.pods);
  const command = upgrade.query.getAll("command");
  if (command.length === 0) throw new HttpError(400, "you must specify at least 1 command");
  const streams = await openStreams(upgrade, options);
  await runExec({ ...options, containerId, command }, streams, deps);
}

/** @throws {HttpError} 404 without the pod, 500 when the container does not run */
export function containerIdOf({ namespace, pod, container }: CommandTarget, pods: PodLookup): string {
  const found = pods.podByName(namespace, pod);
  if (found === undefined) throw new HttpError(404, "pod does not exist");
  return runningContainer(pods, found, container).id;
}

export async function openStreams(upgrade: UpgradeRequest, options: StreamOptions): Promise<WebSocketCommand> {
  const protocol = chosenProtocol(upgrade.request);
  const socket = await acceptWebSocket(upgrade, protocol);
  return new WebSocketCommand(socket, protocol, options);
}

/** @throws {HttpError} 400 when the client speaks nothing that we do */
function chosenProtocol(request: IncomingMessage): CommandProtocol {
  const offered = offeredProtocols(request);
  const found = offered.length === 0 ? "" : COMMAND_PROTOCOLS.find((protocol) => offered.includes(protocol));
  if (found === undefined) throw new HttpError(400, `unable to upgrade: no subprotocol of ${offered.join(", ")} is supported`);
  return found;
}

/**
 * The streams that a query asks for, by the kubelet's names or the API's.
 *
 * @throws {HttpError} 400 when there are none
 */
export function streamOptions(query: URLSearchParams): StreamOptions {
  const isSet = (...names: readonly string[]) => names.some((name) => ["1", "true"].includes(query.get(name) ?? ""));
  const tty = isSet("tty");
  // A terminal has one output.
  const options = { stdin: isSet("input", "stdin"), stdout: isSet("output", "stdout"), stderr: isSet("error", "stderr") && !tty, tty };
  if (!options.stdin && !options.stdout && !options.stderr) throw new HttpError(400, "you must specify at least 1 of stdin, stdout, stderr");
  return options;
}
