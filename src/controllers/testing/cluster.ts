import { NODES, PODS } from "#api/builtin.ts";
import { isPodFinished } from "#api/core-v1/pod/status.ts";
import type { Pod } from "#api/core-v1/types.ts";
import type { Resource } from "#api/resources.ts";
import { Client } from "#client/client.ts";
import { ApiEventRecorder } from "#client/event-recorder.ts";
import { SharedInformerFactory } from "#client/informer-factory.ts";
import { OwnWritesTransport } from "#client/own-writes.ts";
import { FakeTransport, unavailable } from "#client/testing/fake-transport.ts";
import type { ApiCall } from "#client/transport.ts";
import type { ControllerDeps } from "#controllers/common/deps.ts";
import { formatTime } from "#lib/clock.ts";
import { silentLogger, type Logger } from "#lib/logger.ts";
import { seededRng } from "#lib/rng.ts";
import { SimClock } from "#lib/sim-clock.ts";

export interface Cluster {
  readonly clock: SimClock;
  readonly transport: FakeTransport;
  readonly client: Client;
  readonly deps: ControllerDeps;
  /** Whether a request is a controller's own: not a list of an informer, an event, or the doing of the nodes or the test. */
  isControllers(call: ApiCall): boolean;
  /** Asked after each request of a controller was carried out; `true`: the answer is lost on the way. */
  losesAnswer: (call: ApiCall) => boolean;
  /** Errors and warnings that were logged. */
  readonly complaints: string[];
  /** Lets everything that is due now run to its end; time stands still. */
  settle(): Promise<void>;
  /** Moves time on in steps of a second, settling at each. */
  pass(seconds: number): Promise<void>;
  stop(): void;
}

/** A few dozen are usual. */
const MAX_ROUNDS = 2_000;

/**
 * Controllers on an API in memory and a clock that stands still.
 *
 * @param start starts what is tested
 * @param becomeOf what a node makes of a pod: by default it runs, ready; `undefined` leaves it alone
 * @param nodeFor the node that a pod is bound to: `n1` by default
 */
export function testCluster(start: (deps: ControllerDeps) => void, becomeOf: BecomeOf = () => "ready", nodeFor: (pod: Pod) => string = () => "n1"): Cluster {
  const clock = new SimClock();
  const rng = seededRng(7);
  const transport = new FakeTransport(clock, rng);
  const client = new Client(transport);
  const complaints: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (message, fields) => complaints.push(`${message} ${String(fields?.["error"])}`),
    error: (message, fields) => complaints.push(`${message} ${String(fields?.["error"])}`),
  };
  const informers = new SharedInformerFactory({ client, clock, rng, logger });
  const abort = new AbortController();
  const recorderFor = (component: string) => new ApiEventRecorder({ client, clock, logger, component });
  const ready = Promise.withResolvers<void>();
  const own = new WeakSet<ApiCall>();
  const perform = async (call: ApiCall, signal?: AbortSignal) => {
    own.add(call);
    const answer = await transport.perform(call, signal);
    if (cluster.losesAnswer(call)) throw unavailable();
    return answer;
  };
  const lossy = { perform, watch: transport.watch.bind(transport) };
  const controllersClient = new Client(new OwnWritesTransport({ transport: lossy, informers, clock, rng, logger, signal: abort.signal }));
  const deps: ControllerDeps = { client: controllersClient, informers, clock, rng, logger, recorderFor, ready: ready.promise, signal: abort.signal };
  start(deps);
  playNode(client, clock, informers, becomeOf, nodeFor);
  void informers.synced().then(ready.resolve);
  const settle = async () => {
    for (let quiet = 0, before = -1, rounds = 0; quiet < 3; quiet = transport.revision === before ? quiet + 1 : 0) {
      // Controllers that undo each other's work would go on like this for ever, and no time limit could say who they are.
      if (++rounds > MAX_ROUNDS) throw new Error(`no rest after ${MAX_ROUNDS} rounds, last written was ${transport.writes.slice(-6).join(", ")}`);
      before = transport.revision;
      for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
      clock.advance(0);
    }
  };
  const pass = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      clock.advance(1_000);
      await settle();
    }
  };
  const stop = () => {
    abort.abort();
    informers.stop();
  };
  const cluster: Cluster = { clock, transport, client, deps, isControllers: (call) => own.has(call), losesAnswer: () => false, complaints, settle, pass, stop };
  return cluster;
}

type BecomeOf = (pod: Pod) => "ready" | "unready" | undefined;

/** Binds pods that name no scheduler and reports for the kubelets; a deleted pod is gone at once. */
function playNode(client: Client, clock: SimClock, informers: SharedInformerFactory, becomeOf: BecomeOf, nodeFor: (pod: Pod) => string): void {
  const act = async (pod: Pod) => {
    const { metadata, spec, status } = pod;
    if (!spec.nodeName && (spec.schedulerName !== undefined || metadata.deletionTimestamp !== undefined)) return;
    if (!spec.nodeName) return client.createSubresource(PODS, metadata, "binding", { target: { name: nodeFor(pod) } });
    const fate = becomeOf(pod);
    if (fate === undefined) return;
    if (metadata.deletionTimestamp !== undefined) return client.delete(PODS, metadata, { gracePeriodSeconds: 0 });
    if (isPodFinished(pod)) return;
    const isReady = status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;
    if (status.phase === "Running" && isReady === (fate === "ready")) return;
    const condition = { type: "Ready", status: fate === "ready" ? "True" : "False", lastTransitionTime: formatTime(clock.now()) };
    return client.patch(PODS, metadata, "merge", { status: { phase: "Running", podIP: "10.42.0.7", conditions: [condition] } }, { subresource: "status" });
  };
  const later = (pod: Pod) => queueMicrotask(() => void act(pod).catch(() => {}));
  informers.informer(PODS).onChange({ added: later, updated: later });
}

/** Names of a resource's objects, in order. */
export function namesOf({ transport }: Cluster, resource: Resource): readonly string[] {
  return transport.objects(resource).map(({ metadata }) => metadata.name);
}

export { NODES, PODS };
