import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import type { Deployment, ReplicaSet } from "#api/apps-v1/types.ts";
import { DEPLOYMENTS, NODES, PODS, REPLICA_SETS } from "#api/builtin.ts";
import { isPodActive, isPodReady } from "#api/core-v1/pod/status.ts";
import type { Pod } from "#api/core-v1/types.ts";
import type { Draft } from "#apimachinery/object.ts";
import { statusError } from "#apimachinery/status-error.ts";
import { unavailable } from "#client/testing/fake-transport.ts";
import type { ApiCall } from "#client/transport.ts";
import { controllerOf } from "#controllers/common/owners.ts";
import { startDeployments } from "#controllers/deployment/controller.ts";
import { fencepostsOf } from "#controllers/deployment/fenceposts.ts";
import { startGarbageCollector } from "#controllers/garbagecollector/controller.ts";
import { startPodGc } from "#controllers/podgc/controller.ts";
import { startReplicaSets } from "#controllers/replicaset/controller.ts";
import { testCluster, type Cluster } from "#controllers/testing/cluster.ts";
import { seededRng, type Rng } from "#lib/rng.ts";

const KEY = { namespace: "default", name: "web" };
const BROKEN = "app:broken";
const IMAGES = ["app:1", "app:2", "app:3", BROKEN];

type Step =
  | { readonly do: "scale"; readonly replicas: number }
  | { readonly do: "image"; readonly image: string }
  | { readonly do: "pause" | "resume" | "rollback" | "deletePod" | "unready" | "loseNode" | "cutWatches" | "forgetHistory" | "rest" };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.nat(6).map((replicas): Step => ({ do: "scale", replicas })),
  fc.constantFrom(...IMAGES).map((image): Step => ({ do: "image", image })),
  fc
    .constantFrom("pause", "resume", "rollback", "deletePod", "unready", "loseNode", "cutWatches", "forgetHistory", "rest")
    .map((what): Step => ({ do: what }) as Step),
);

const anyWorld = fc.record({
  seed: fc.integer(),
  replicas: fc.nat(5),
  maxSurge: fc.constantFrom(0, 1, 2, "25%", "100%"),
  maxUnavailable: fc.constantFrom(0, 1, 2, "25%", "50%"),
  /** Of a hundred requests of the controllers, so many go wrong. */
  failing: fc.constantFrom(0, 0, 10, 30),
  steps: fc.array(anyStep, { minLength: 1, maxLength: 8 }),
});
type World = typeof anyWorld extends fc.Arbitrary<infer T> ? T : never;

function draft({ replicas, maxSurge, maxUnavailable }: World): Draft<Deployment> {
  const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "main", image: "app:1" }] } };
  const strategy = { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } };
  return {
    metadata: KEY,
    spec: { replicas, selector: { matchLabels: { app: "web" } }, template, strategy, revisionHistoryLimit: 2, progressDeadlineSeconds: 600 },
  };
}

/** One deployment whose user, nodes and API behave as `world` says. */
class Play {
  readonly cluster: Cluster;
  readonly #rng: Rng;
  readonly #world: World;
  /** All versions of the deployment since things last stood still: a controller may act on any of them. */
  #versions: Deployment[] = [];
  /** Whether pods have failed or been taken since: then the controllers know later than we. */
  #isHurt = false;
  #nodes = 3;

  constructor(world: World) {
    this.#world = world;
    this.#rng = seededRng(world.seed);
    const isUp = ({ spec }: Pod) => this.cluster.transport.objects(NODES).some(({ metadata }) => metadata.name === spec.nodeName);
    const becomeOf = (pod: Pod) => (!isUp(pod) ? undefined : pod.spec.containers[0]?.image === BROKEN ? "unready" : "ready");
    const nodeFor = () => this.#pick(this.cluster.transport.objects(NODES))?.metadata.name ?? "none";
    const start = (deps: Cluster["deps"]) => {
      startReplicaSets(deps);
      startDeployments(deps);
      startPodGc(deps);
      startGarbageCollector(deps, () => [DEPLOYMENTS, REPLICA_SETS, PODS]);
    };
    this.cluster = testCluster(start, becomeOf, nodeFor);
    this.cluster.transport.intercept = (call) => this.#meet(call);
    this.cluster.losesAnswer = ({ verb }) => verb !== "get" && verb !== "list" && this.#fails(4) && (this.#isHurt = true);
  }

  async begin(): Promise<void> {
    for (let i = 0; i < this.#nodes; i++) await this.cluster.client.create(NODES, { metadata: { name: `n${i}` } });
    await this.cluster.client.create(DEPLOYMENTS, draft(this.#world));
    this.#noteVersion();
  }

  async act(step: Step): Promise<void> {
    const { client, transport } = this.cluster;
    const patch = async (body: object) => {
      await client.patch(DEPLOYMENTS, KEY, "merge", body);
      this.#noteVersion();
    };
    switch (step.do) {
      case "scale":
        await patch({ spec: { replicas: step.replicas } });
        break;
      case "image":
        await patch({ spec: { template: { spec: { containers: [{ name: "main", image: step.image }] } } } });
        break;
      case "pause":
      case "resume":
        await patch({ spec: { paused: step.do === "pause" ? true : null } });
        break;
      case "rollback":
        await patch({ metadata: { annotations: { "deprecated.deployment.rollback.to": "0" } } });
        break;
      case "deletePod":
      case "unready":
        await this.#hurt(step.do);
        break;
      case "loseNode":
        await this.#replaceNode();
        break;
      case "forgetHistory":
      case "cutWatches":
        if (step.do === "forgetHistory") transport.compact();
        transport.cutWatches();
        break;
      case "rest":
        await this.rest(60);
    }
    // Sometimes the next step comes at once, sometimes in the midst of what this one has begun.
    const waits = Math.floor(this.#rng() * 4);
    for (let i = 0; i < waits; i++) await new Promise((resolve) => setImmediate(resolve));
    if (this.#rng() < 0.3) await this.cluster.pass(1);
  }

  /** Lets time pass; when nothing happens any more, earlier versions are forgotten. */
  async rest(seconds: number): Promise<void> {
    const { transport } = this.cluster;
    await this.cluster.pass(seconds);
    const { revision } = transport;
    await this.cluster.pass(5);
    if (transport.revision !== revision) return;
    this.#versions = [];
    this.#isHurt = false;
    this.#noteVersion();
  }

  /** What it has to come to: a rollback that is still to be done would be done after it. */
  async declareLast(): Promise<void> {
    const template = { spec: { containers: [{ name: "main", image: "app:last" }] } };
    const annotations = { "deprecated.deployment.rollback.to": null };
    await this.cluster.client.patch(DEPLOYMENTS, KEY, "merge", { metadata: { annotations }, spec: { paused: null, template } });
    this.#noteVersion();
  }

  endDisturbance(): void {
    this.cluster.transport.intercept = (call) => this.#check(call);
    this.cluster.losesAnswer = () => false;
  }

  #noteVersion(): void {
    this.#versions.push(...this.cluster.transport.objects(DEPLOYMENTS));
  }

  async #hurt(how: "deletePod" | "unready"): Promise<void> {
    const { client, transport } = this.cluster;
    const pod = this.#pick(transport.objects(PODS));
    if (pod === undefined) return;
    this.#isHurt = true;
    if (how === "deletePod") return client.delete(PODS, pod.metadata);
    await client.patch(PODS, pod.metadata, "merge", { status: { conditions: [{ type: "Ready", status: "False" }] } }, { subresource: "status" });
  }

  async #replaceNode(): Promise<void> {
    const { client, transport } = this.cluster;
    const node = this.#pick(transport.objects(NODES));
    this.#isHurt = true;
    await client.create(NODES, { metadata: { name: `n${this.#nodes++}` } });
    if (node !== undefined) await client.delete(NODES, node.metadata);
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#rng() * items.length)];
  }

  #fails(share: number): boolean {
    return this.#rng() * 100 * share < this.#world.failing;
  }

  #meet(call: ApiCall): void {
    if (!this.cluster.isControllers(call)) return;
    this.#check(call);
    if (this.#fails(1))
      throw this.#rng() < 0.5
        ? unavailable()
        : statusError.conflict({ group: call.resource.group, resource: call.resource.plural }, call.name ?? "", "injected");
  }

  /** What no controller may ever do, whatever else goes on. */
  #check(call: ApiCall): void {
    if (!this.cluster.isControllers(call)) return;
    this.requests.push(`${call.verb} ${call.resource.plural} ${call.name}`);
    if (call.resource === REPLICA_SETS && call.subresource === undefined && (call.verb === "create" || call.verb === "update"))
      this.#checkSurge(call.body as ReplicaSet);
    if (call.resource === PODS && call.verb === "delete") this.#checkAvailability(call.name ?? "");
  }

  #checkSurge(next: ReplicaSet): void {
    const sets = this.cluster.transport.objects(REPLICA_SETS);
    const before = sets.find(({ metadata }) => metadata.name === next.metadata.name)?.spec.replicas ?? 0;
    const { replicas = 0 } = next.spec;
    if (replicas <= before) return;
    const total = sets.reduce((sum, { spec }) => sum + (spec.replicas ?? 0), 0) - before + replicas;
    const most = Math.max(...this.#versions.map((version) => (version.spec.replicas ?? 0) + fencepostsOf(version).maxSurge));
    this.#claim(total <= most, `${total} replicas where ${most} may be`);
  }

  #checkAvailability(name: string): void {
    const pods = this.cluster.transport.objects(PODS).filter(isPodActive);
    const victim = pods.find(({ metadata }) => metadata.name === name);
    if (this.#isHurt || victim === undefined || !isPodReady(victim) || controllerOf(victim) === undefined) return;
    const left = pods.filter(isPodReady).length - 1;
    const least = Math.min(...this.#versions.map((version) => (version.spec.replicas ?? 0) - fencepostsOf(version).maxUnavailable));
    this.#claim(left >= least, `${left} available where ${least} must be`);
  }

  /** A throw here would only be one more failure for the controllers to get over. */
  readonly broken: string[] = [];
  /** All that controllers have asked the API for, whether it changed anything or not. */
  readonly requests: string[] = [];
  #claim(holds: boolean, words: string): void {
    if (!holds) this.broken.push(words);
  }
}

test("a deployment comes to what is declared through any disturbance, within its bounds, and then writes nothing", async () => {
  await fc.assert(
    fc.asyncProperty(anyWorld, async (world) => {
      const play = new Play(world);
      const { cluster } = play;
      await play.begin();
      for (const step of world.steps) await play.act(step);
      play.endDisturbance();
      await play.declareLast();
      await cluster.pass(120);
      const [deployment] = cluster.transport.objects(DEPLOYMENTS);
      const pods = cluster.transport.objects(PODS);
      const { replicas = 0 } = deployment!.spec;
      assert.deepEqual(play.broken, []);
      assert.deepEqual(
        pods.map((pod) => [pod.spec.containers[0]?.image, isPodReady(pod)]),
        pods.map(() => ["app:last", true]),
      );
      assert.equal(pods.length, replicas);
      const sets = cluster.transport.objects(REPLICA_SETS);
      assert.ok(sets.length <= 3, `${sets.length} sets, where the history holds two`);
      const { observedGeneration, updatedReplicas = 0, availableReplicas = 0, unavailableReplicas = 0 } = deployment!.status;
      assert.deepEqual([observedGeneration, updatedReplicas, availableReplicas, unavailableReplicas], [deployment!.metadata.generation, replicas, replicas, 0]);
      assert.equal(deployment!.status.terminatingReplicas ?? 0, 0);
      const { length } = play.requests;
      await cluster.pass(700);
      assert.deepEqual(play.requests.slice(length), []);
      cluster.stop();
    }),
    { numRuns: 40, endOnFailure: true },
  );
});
