import type { IncomingMessage } from "node:http";

import type { Container, Pod } from "#api/core-v1/types.ts";
import type { Runtime } from "#kubelet/cri/runtime.ts";
import { HttpError, type PodLookup, runningContainer } from "#kubelet/server/pod-lookup.ts";
import type { Clock } from "#lib/clock.ts";
import { isWebSocket, loadWebSockets, offeredProtocols } from "#lib/websocket.ts";

import { runAttach } from "./attach.ts";
import type { CommandStreams, StreamOptions } from "./command-streams.ts";
import { type ExecDeps, runExec } from "./exec.ts";
import { SPDY_COMMAND_PROTOCOLS, SpdyCommand } from "./spdy-command.ts";
import { chosenSpdyProtocol } from "./spdy-upgrade.ts";
import type { CommandTarget, UpgradeRequest } from "./upgrade-request.ts";
import { COMMAND_PROTOCOLS, type CommandProtocol, WebSocketCommand } from "./websocket-command.ts";

export interface CommandDeps extends ExecDeps {
  readonly pods: PodLookup;
  readonly runtime: Runtime;
}

/** /exec/{namespace}/{pod}/{container} */
export async function serveExec(target: CommandTarget, upgrade: UpgradeRequest, deps: CommandDeps): Promise<void> {
  const options = streamOptions(upgrade.query);
  const containerId = runningContainer(deps.pods, podOf(target, deps.pods), target.container).id;
  const command = upgrade.query.getAll("command");
  if (command.length === 0) throw new HttpError(400, "you must specify at least 1 command");
  const streams = await openStreams(upgrade, { asked: options, used: options }, deps.clock);
  if (streams !== undefined) await runExec({ ...options, containerId, command }, streams, deps);
}

/** /attach/{namespace}/{pod}/{container} */
export async function serveAttach(target: CommandTarget, upgrade: UpgradeRequest, deps: CommandDeps): Promise<void> {
  const asked = streamOptions(upgrade.query);
  const pod = podOf(target, deps.pods);
  const containerId = runningContainer(deps.pods, pod, target.container).id;
  const { tty = false, stdin = false, stdinOnce = false } = specOf(pod, target.container) ?? {};
  // The streams are what the container was made with, whatever the client believes.
  const options = { stdin: asked.stdin && stdin, stdout: asked.stdout, stderr: asked.stderr && !tty, tty };
  const streams = await openStreams(upgrade, { asked, used: options }, deps.clock);
  if (streams !== undefined) await runAttach({ ...options, containerId, stdinOnce }, streams, deps);
}

/** @throws {HttpError} 404 */
function podOf({ namespace, pod }: CommandTarget, pods: PodLookup): Pod {
  const found = pods.podByName(namespace, pod);
  if (found === undefined) throw new HttpError(404, "pod does not exist");
  return found;
}

const specOf = ({ spec }: Pod, name: string): Container | undefined =>
  [...spec.containers, ...(spec.initContainers ?? []), ...((spec.ephemeralContainers ?? []) as unknown as Container[])].find(
    (container) => container.name === name,
  );

/** @returns `undefined` for a client that went away before it had opened its streams */
async function openStreams(
  upgrade: UpgradeRequest,
  options: { readonly asked: StreamOptions; readonly used: StreamOptions },
  clock: Clock,
): Promise<CommandStreams | undefined> {
  if (!isWebSocket(upgrade.request)) {
    return SpdyCommand.open(upgrade, chosenSpdyProtocol(upgrade.request, SPDY_COMMAND_PROTOCOLS), options, clock);
  }
  const protocol = chosenProtocol(upgrade.request);
  const socket = (await loadWebSockets())(upgrade, protocol);
  return new WebSocketCommand(socket, protocol, options.used);
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
function streamOptions(query: URLSearchParams): StreamOptions {
  const isSet = (...names: readonly string[]) => names.some((name) => ["1", "true"].includes(query.get(name) ?? ""));
  const tty = isSet("tty");
  // A terminal has one output.
  const options = { stdin: isSet("input", "stdin"), stdout: isSet("output", "stdout"), stderr: isSet("error", "stderr") && !tty, tty };
  if (!options.stdin && !options.stdout && !options.stderr) throw new HttpError(400, "you must specify at least 1 of stdin, stdout, stderr");
  return options;
}
