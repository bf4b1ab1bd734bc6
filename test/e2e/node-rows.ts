import { type Row, row } from "#test/conformance/rows.ts";

const PAUSE = 'containers: [{name: c, image: "busybox:1.36", command: [sleep, "3600"]}]';

/** Files of the rows, by name. */
export const nodeFiles = (ns: string): Readonly<Record<string, string>> => ({
  "app.yaml": `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {terminationGracePeriodSeconds: 0, volumes: [{name: v, emptyDir: {}}], ${PAUSE}}
---
apiVersion: v1
kind: Pod
metadata: {name: loose}
spec: {terminationGracePeriodSeconds: 0, ${PAUSE}}
---
apiVersion: v1
kind: Pod
metadata: {name: tolerant}
spec: {terminationGracePeriodSeconds: 0, tolerations: [{key: of, value: ${ns}, effect: NoExecute}], ${PAUSE}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: daemon}
spec:
  selector: {matchLabels: {app: daemon}}
  template:
    metadata: {labels: {app: daemon}}
    spec: {nodeSelector: {of: nobody}, ${PAUSE}}
`,
});

/** A pod of the daemon set, as its controller would make it. */
export const daemonPod = (uid: string): string => `
apiVersion: v1
kind: Pod
metadata:
  name: daemon-1
  labels: {app: daemon}
  ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, name: daemon, uid: ${uid}, controller: true}]
spec: {terminationGracePeriodSeconds: 0, ${PAUSE}}
`;

/** What its controller would say of a budget for all of `web`; one that nobody has looked at yet makes clients wait. */
export const BUDGET_STATUS = { observedGeneration: 1, disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 2, expectedPods: 2 };

/** Takes the node away from new pods and gives it back. */
export const cordoning = (ns: string, node: string): readonly Row[] => [
  row("create namespace", `create namespace ${ns}`, /created\n$/),
  row("cordon", `cordon ${node}`, new RegExp(`^node/${node} cordoned\n$`)),
  row("cordon again", `cordon ${node}`, new RegExp(`^node/${node} already cordoned\n$`)),
  row("get tells", "get nodes --no-headers", new RegExp(`^${node} +Ready,SchedulingDisabled `)),
  row("create", "create -f app.yaml", /^deployment\.apps\/web created\npod\/loose created\npod\/tolerant created\ndaemonset\.apps\/daemon created\n$/),
  row("pods wait, and say why", "describe pod loose", /FailedScheduling[^]*0\/1 nodes are available: 1 node\(s\) were unschedulable/, { again: true }),
  row("uncordon", `uncordon ${node}`, new RegExp(`^node/${node} uncordoned\n$`)),
  row("uncordon again", `uncordon ${node}`, new RegExp(`^node/${node} already uncordoned\n$`)),
  row("pods come", "wait pod loose tolerant --for=condition=Ready --timeout=110s", /^pod\/loose condition met\npod\/tolerant condition met\n$/),
  row("all of them", "rollout status deploy/web --timeout=110s", /successfully rolled out\n$/),
];

/** With `daemonPod()`. */
export const creating: readonly Row[] = [
  row("create of the daemon's pod", "create -f daemon.yaml", /created/),
  row("the daemon's pod runs", "wait pod daemon-1 --for=condition=Ready --timeout=110s", /condition met/),
];

/** Tries to empty the node, with `daemonPod()` there, and a budget. */
export const refusing = (ns: string, node: string): readonly Row[] => [
  row("drain refuses", `drain ${node}`, /^/, {
    code: 1,
    stderr: new RegExp(
      `(?=[^]*DaemonSet-managed Pods \\(use --ignore-daemonsets to ignore\\): ${ns}/daemon-1)(?=[^]*\\(use --force to override\\): ${ns}/loose)`,
    ),
  }),
  row("drain refuses to lose files", `drain ${node} --ignore-daemonsets --force`, /^/, {
    code: 1,
    stderr: new RegExp(`Pods with local storage \\(use --delete-emptydir-data to override\\): ${ns}/web-`),
  }),
  row("drain respects the budget", `drain ${node} --ignore-daemonsets --force --delete-emptydir-data --timeout=4s`, /evicting pod/, {
    code: 1,
    again: true, // a slow machine may not come to the answer in this time
    stderr: /error when evicting pods?\/"web-[^]*Cannot evict pod as it would violate the pod's disruption budget\./,
  }),
  row("delete poddisruptionbudget", "delete pdb web", /deleted/),
];

/** Empties the node, with `daemonPod()` there, and fills it again. */
export const draining = (ns: string, node: string): readonly Row[] => [
  row(
    "drain",
    `drain ${node} --ignore-daemonsets --force --delete-emptydir-data --timeout=110s`,
    new RegExp(`evicting pod ${ns}/web-[^]*\nnode/${node} (drained|evicted)\n$`),
    {
      stderr: new RegExp(`(?=[^]*ignoring DaemonSet-managed Pods: ${ns}/daemon-1)`, "i"),
    },
  ),
  row("what has no controller is gone", "get pod loose tolerant", /^$/, { code: 1, stderr: /"loose" not found[^]*"tolerant" not found/ }),
  row("the daemon's pod stays", "get pod daemon-1 --no-headers", /^daemon-1 +1\/1 +Running /),
  row("the others wait", "get pod -l app=web --no-headers", /^(web-\S+ +0\/1 +Pending .*\n){2}$/, { again: true }),
  row("uncordon after it", `uncordon ${node}`, /uncordoned\n$/),
  row("pods come back", "rollout status deploy/web --timeout=110s", /successfully rolled out\n$/),
];

/** Taints the node so that pods must leave it. */
export const tainting = (ns: string, node: string): readonly Row[] => [
  row("create of what tolerates", `create -f app.yaml`, /^pod\/loose created\npod\/tolerant created\n$/, { code: 1, stderr: /AlreadyExists/ }),
  row("they run", "wait pod loose tolerant --for=condition=Ready --timeout=110s", /condition met/),
  row("taint", `taint nodes ${node} of=${ns}:NoExecute`, new RegExp(`^node/${node} tainted\n$`)),
  row("who does not tolerate it leaves", "get pod loose daemon-1", /^$/, { code: 1, stderr: /"loose" not found[^]*"daemon-1" not found/, again: true }),
  row("the others are made again, and wait", "get pod -l app=web --no-headers", /^(web-\S+ +0\/1 +Pending .*\n){2}$/, { again: true }),
  row("events tell", "get events --field-selector reason=TaintManagerEviction", /pod\/loose +Marking for deletion Pod/),
  row("who tolerates it stays", "get pod tolerant --no-headers", /^tolerant +1\/1 +Running +0 /),
  row("taint goes", `taint nodes ${node} of=${ns}:NoExecute-`, new RegExp(`^node/${node} untainted\n$`)),
  row("pods come back", "rollout status deploy/web --timeout=110s", /successfully rolled out\n$/),
];
