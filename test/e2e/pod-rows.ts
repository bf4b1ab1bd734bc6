import { type Row, row } from "#test/conformance/rows.ts";

const SHELL = "until [ -e /stop ]; do sleep 0.1; done";

/** Files of the rows, by name. */
export const podFiles: Readonly<Record<string, string>> = {
  "web.yaml": `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: web, image: "nginx:1.7.9", ports: [{name: http, containerPort: 80}]}
`,
  "talker.yaml": `
apiVersion: v1
kind: Pod
metadata: {name: talker, labels: {of: talk}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: "busybox:1.36", command: [sh, -c, 'echo one; echo two; echo three; ${SHELL}']}
  - {name: side, image: "busybox:1.36", command: [sh, -c, 'echo beside; ${SHELL}']}
---
apiVersion: v1
kind: Pod
metadata: {name: cat}
spec:
  restartPolicy: Never
  containers:
  - {name: cat, image: "busybox:1.36", command: [cat], stdin: true, stdinOnce: true}
`,
  "file.txt": "what is copied\n",
};

const METRICS = /Metrics API not available|the server could not find the requested resource|metrics not available/;

/** What a user does with pods that run, and what is said. */
export function podRows(ns: string, node: string): readonly Row[] {
  return [...rollouts(ns), ...talking(), ...running(ns), ...looking(ns, node)];
}

const rollouts = (ns: string): readonly Row[] => [
  row("create namespace", `create namespace ${ns}`, /created\n$/),
  row("create of pods that talk", "create -f talker.yaml", /^pod\/talker created\npod\/cat created\n$/),
  row("create", "create -f web.yaml", /^deployment\.apps\/web created\n$/),
  row("rollout status", "rollout status deploy/web --timeout=110s", /deployment "web" successfully rolled out\n$/),
  row("wait for a condition", "wait deploy/web --for=condition=Available --timeout=110s", /^deployment\.apps\/web condition met\n$/),
  row("wait for pods", "wait pod -l app=web --for=condition=Ready --timeout=110s", /^pod\/web-\S+ condition met\npod\/web-\S+ condition met\n$/),
  row("set image", "set image deploy/web web=nginx:1.9.1", /image updated/),
  row("annotate of the change", "annotate deploy/web kubernetes.io/change-cause=newer", /annotated/),
  row("rollout status follows", "rollout status deploy/web --timeout=110s", /successfully rolled out\n$/),
  row("rollout history", "rollout history deploy/web", /^deployment\.apps\/web \nREVISION +CHANGE-CAUSE\n1 +<none>\n2 +newer\n/, { again: true }),
  row(
    "rollout history of a revision",
    "rollout history deploy/web --revision=2",
    /revision #2\nPod Template:\n[^]*kubernetes\.io\/change-cause: newer\n[^]*Image:\s+nginx:1\.9\.1\n/,
  ),
  row("rollout pause", "rollout pause deploy/web", /^deployment\.apps\/web paused\n$/),
  row("rollout undo of what is paused", "rollout undo deploy/web", /^$/, { code: 1, stderr: /paused/ }),
  row("rollout resume", "rollout resume deploy/web", /^deployment\.apps\/web resumed\n$/),
  row("rollout undo", "rollout undo deploy/web", /^deployment\.apps\/web rolled back\n$/),
  row("rollout restart", "rollout restart deploy/web", /^deployment\.apps\/web restarted\n$/),
  row("rollout status at last", "rollout status deploy/web --timeout=110s", /successfully rolled out\n$/),
  row(
    "the image is that of the first",
    ["get", "deploy", "web", "-o", "jsonpath={..image} {.metadata.annotations['deployment\\.kubernetes\\.io/revision']}"],
    /^nginx:1\.7\.9 4$/,
  ),
];

const talking = (): readonly Row[] => [
  row("wait for those that talk", "wait pod/talker pod/cat --for=condition=Ready --timeout=110s", /condition met/),
  row("logs", "logs talker -c main", /^one\ntwo\nthree\n$/, { again: true }),
  row("logs --timestamps", "logs talker -c main --tail=1 --timestamps", /^\d{4}-\d\d-\d\dT\S+Z three\n$/),
  row(
    "logs of all containers, with their names",
    "logs talker --all-containers --prefix --tail=1",
    /^\[pod\/talker\/main\] three\n\[pod\/talker\/side\] beside\n$/,
    { again: true },
  ),
  row("logs of a run before", "logs talker -c main --previous", /^$/, {
    code: 1,
    stderr: /previous terminated container "main" in pod "talker" not found/,
  }),
  row("logs of a deployment", "logs deploy/web --tail=1", /^/, { stderr: /^Found \d pods, using pod\/web-/ }),
  row("exec", ["exec", "talker", "-c", "side", "--", "sh", "-c", "echo out; echo err >&2; exit 3"], /^out\n$/, {
    code: 3,
    stderr: /err\n[^]*command terminated with exit code 3/,
  }),
  row("exec with input", "exec -i talker -c side -- cat", /^said\n$/, { input: "said\n" }),
  row("exec of what is not there", "exec talker -c side -- nothing", /^$/, { code: 1, stderr: /exec: "nothing": executable file not found in \$PATH/ }),
  row("cp to a pod", "cp file.txt talker:/tmp/file.txt -c side", /^$/),
  row("cp from a pod", "cp talker:/tmp/file.txt back.txt -c side", /^/),
  row("what was copied", "create configmap copied --from-file=back.txt --dry-run=client -o yaml", /what is copied/),
  row("attach", "attach -i cat", /heard\n/, { input: "heard\n" }),
  row("top pods", "top pods", /^$/, { code: 1, stderr: METRICS }),
];

const RUN_IT = ["run", "shell", "--rm", "-i", "--restart=Never", "--image=busybox:1.36"];

const running = (ns: string): readonly Row[] => [
  row("run --rm -i", [...RUN_IT, "--", "sh", "-c", "read line; echo you said $line"], /you said this\n(pod "shell" deleted( from \S+ namespace)?\n)?$/, {
    input: "this\n",
    since: 24, // 1.22 does not end its watch for the pod's end before the server does
  }),
  row("run of what fails", "run fails --restart=Never --image=busybox:1.36 -- sh -c false", /^pod\/fails created\n$/),
  row("wait for a phase", ["wait", "pod/fails", "--for=jsonpath={.status.phase}=Failed", "--timeout=110s"], /condition met/, { since: 24 }),
  row("expose", "expose deploy web --port=8080 --target-port=http --name=front", /^service\/front exposed\n$/),
  row("describe of the service", "describe svc front", /^Name: +front\nNamespace: +\S+\n[^]*TargetPort: +http\/TCP\nEndpoints: +10\.\S+:80,10\.\S+:80\n/, {
    again: true,
  }),
  row("it answers by name", `exec talker -c side -- wget -qO- http://front.${ns}.svc.cluster.local:8080/`, /release 1\.7\.9/, { again: true }),
  row("debug of a copy", "debug talker --copy-to=talked --set-image=*=busybox:1.36 --container=main --attach=false -- sleep 60", /^/),
  row("debug of a pod that runs", "debug talker --image=busybox:1.36 --target=main --container=helper --attach=false -- sh -c exit", /^/, { since: 24 }),
  row(
    "the helper's end",
    ["get", "pod", "talker", "-o", "jsonpath={.status.ephemeralContainerStatuses[*]['name','state.terminated.reason']}"],
    /^helper Completed$/,
    { since: 24, again: true },
  ),
];

const looking = (ns: string, node: string): readonly Row[] => [
  row(
    "describe of a pod",
    "describe pod talker",
    /^Name: +talker\n[^]*Status: +Running\nIP: +10\.[^]*Container ID: +containerd:\/\/[^]*Ready +True\s[^]*Normal +Scheduled [^]*Normal +Started /,
  ),
  row("describe of the node", `describe node ${node}`, new RegExp(`^Name: +${node}\n[^]*Non-terminated Pods: [^]*\n +${ns} +talker +`)),
  row("events of a pod", `get events --field-selector involvedObject.name=talker,reason=Started`, /Container started\n/),
];
