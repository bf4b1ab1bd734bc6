import { type Row, row } from "./rows.ts";

/** Files of the rows, by name. */
export const filesFor = (ns: string): Readonly<Record<string, string>> => ({
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
      containers:
      - {name: web, image: "nginx:1", ports: [{containerPort: 80}], resources: {requests: {cpu: 100m, memory: 64Mi}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
`,
  "settings.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, labels: {set: one}}\ndata: {colour: blue, size: large}\n",
  "settings-2.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, labels: {set: one}}\ndata: {colour: green}\n",
  "served.yaml": 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: served}\ndata: {a: "1"}\n',
  "served-2.yaml": 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: served}\ndata: {a: "2"}\n',
  "wrong.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: wrong}\ndatum: {a: b}\n",
  "pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: alone}\nspec: {containers: [{name: main, image: busybox}]}\n",
  "node.yaml": `apiVersion: v1\nkind: Node\nmetadata: {name: node-${ns}, labels: {of: ${ns}}}\nspec: {unschedulable: false}\n`,
  "rbac.yaml": `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: ${ns}}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
`,
  "kustomization.yaml": "resources: [kustomized.yaml]\nnamePrefix: my-\n",
  "kustomized.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kustomized}\ndata: {a: b}\n",
  "settings.env": "A=1\nB=2\n",
});

const DELETED = (what: string) => new RegExp(`^${what} (force )?deleted( from \\S+ namespace)?\\n$`);

/** What a user does with kubectl, in this order, and what it says. The same for every version, but for words that kubectl itself has changed. */
export function rowsFor(ns: string): readonly Row[] {
  return [...reading(ns), ...applying(), ...changing(), ...workloads(ns), ...generators(ns), ...nodes(ns), ...access(ns), ...deleting(ns)];
}

const reading = (ns: string): readonly Row[] => [
  row("version", "version -o json", /"gitVersion": "v1\.35\./),
  row("create namespace", `create namespace ${ns}`, new RegExp(`^namespace/${ns} created\n$`)),
  row("api-versions", "api-versions", /^apps\/v1\n[^]*^v1\n/m),
  row("api-resources", "api-resources", /^deployments +deploy +apps\/v1 +true +Deployment$/m),
  row("api-resources by verb and scope", "api-resources --namespaced=false --verbs=list -o name", /^nodes\n/m),
  row("cluster-info", "cluster-info", /control plane.* is running at .*https:\/\/127/),
  row("get --raw", "get --raw /readyz", /^ok$/),
  row("explain", "explain pod.spec.containers.image", /^KIND: +Pod\nVERSION: +v1\n\nFIELD: +image <string>\n/),
  row("explain --recursive", "explain deployment.spec.strategy --recursive", /rollingUpdate\s+<[^]*maxSurge\s+</),
  row("explain of a group's version", "explain --api-version=autoscaling/v2 horizontalpodautoscaler.spec.maxReplicas", /FIELD: +maxReplicas <integer>/),
];

const applying = (): readonly Row[] => [
  row("apply creates", "apply -f settings.yaml", /^configmap\/settings created\n$/),
  row("apply changes nothing twice", "apply -f settings.yaml", /^configmap\/settings unchanged\n$/),
  row("diff", "diff -f settings-2.yaml", /-  colour: blue\n-  size: large\n\+  colour: green\n/, { code: 1 }),
  row("diff --server-side", "diff --server-side --force-conflicts -f settings-2.yaml", /\+  colour: green\n/, { code: 1 }),
  row("apply --dry-run=server", "apply --dry-run=server -f settings-2.yaml", /^configmap\/settings configured \(server dry run\)\n$/),
  row("apply --dry-run=client", "apply --dry-run=client -f settings-2.yaml", /^configmap\/settings configured \(dry run\)\n$/),
  row("apply removes what is left out", "apply -f settings-2.yaml", /^configmap\/settings configured\n$/),
  row("get -o jsonpath", ["get", "cm", "settings", "-o", "jsonpath={.data}"], /^\{"colour":"green"\}$/),
  row("diff of what is so", "diff -f settings-2.yaml", /^$/),
  row("apply view-last-applied", "apply view-last-applied cm/settings", /colour: green/),
  row("apply set-last-applied", "apply set-last-applied -f settings-2.yaml", /^configmap\/settings configured\n$/),
  row("apply refuses unknown fields", "apply -f wrong.yaml", /^$/, { code: 1, stderr: /datum/ }),
  row("apply --validate=false", "apply --validate=false -f wrong.yaml", /^configmap\/wrong created\n$/),
  row("apply --server-side creates", "apply --server-side -f served.yaml", /^configmap\/served serverside-applied\n$/),
  row("patch takes a field", ["patch", "cm", "served", "--type=merge", "-p", '{"data":{"a":"3"}}'], /^configmap\/served patched\n$/),
  row("apply --server-side conflicts", "apply --server-side -f served-2.yaml", /^$/, {
    code: 1,
    stderr: /Apply failed with 1 conflict: conflict with "kubectl-patch"[^]*\.data\.a/,
  }),
  row("apply --server-side --force-conflicts", "apply --server-side --force-conflicts -f served-2.yaml", /^configmap\/served serverside-applied\n$/),
  row("get --show-managed-fields", "get cm served -o yaml --show-managed-fields", /f:a: \{\}[^]*manager: kubectl\n +operation: Apply/),
  row("apply -k", "apply -k .", /^configmap\/my-kustomized created\n$/),
  row("apply --prune", "apply --prune -l set=one -f settings-2.yaml", /^configmap\/settings (unchanged|configured)\n$/),
];

const changing = (): readonly Row[] => [
  row("label", "label cm settings tier=front", /^configmap\/settings labeled\n$/),
  row("label does not overwrite by itself", "label cm settings tier=back", /^$/, { code: 1, stderr: /already has a value \(front\)/ }),
  row("label --overwrite", "label cm settings tier=back --overwrite", /^configmap\/settings labeled\n$/),
  row("label removes", "label cm settings tier-", /^configmap\/settings (un)?labeled\n$/),
  row("annotate", "annotate cm settings note=x", /^configmap\/settings annotated\n$/),
  row("patch, strategic", ["patch", "cm", "settings", "-p", '{"data":{"b":"2"}}'], /^configmap\/settings patched\n$/),
  row("patch, merge", ["patch", "cm", "settings", "--type=merge", "-p", '{"data":{"b":null}}'], /^configmap\/settings patched\n$/),
  row(
    "patch, json",
    ["patch", "cm", "settings", "--type=json", "-p", '[{"op":"replace","path":"/data/colour","value":"red"}]'],
    /^configmap\/settings patched\n$/,
  ),
  row(
    "patch that changes nothing",
    ["patch", "cm", "settings", "--type=merge", "-p", '{"data":{"colour":"red"}}'],
    /^configmap\/settings patched \(no change\)\n$/,
  ),
  row("edit", "edit cm settings", /^configmap\/settings edited\n$/, { env: { KUBE_EDITOR: "sed -i s/red/black/" } }),
  row("edit that changes nothing", "edit cm settings", /^$/, { env: { KUBE_EDITOR: "true" }, stderr: /Edit cancelled, no changes made/ }),
  row("edit that is refused", "edit cm settings", /^$/, {
    env: { KUBE_EDITOR: "sed -i s/^data:/datum:/" },
    code: 1,
    stderr: /A copy of your changes has been stored[^]*Edit cancelled, no valid changes were saved/,
  }),
  row("replace", "replace -f -", /^configmap\/settings replaced\n$/, {
    input: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, labels: {set: one}}\ndata: {colour: white}\n",
  }),
  row("get, a table", "get cm settings served", /^NAME +DATA +AGE\nsettings +1 +\d+m?\d*s?\nserved +1 +\d+m?\d*s?\n$/),
  row("get -o wide --show-labels", "get cm settings --show-labels -o wide", /^NAME +DATA +AGE +LABELS\nsettings +1 +\S+ +set=one\n$/),
  row("get -L and --no-headers", "get cm -l set=one -L set --no-headers", /^settings +1 +\S+ +one\n$/),
  row("get -o custom-columns", ["get", "cm", "settings", "-o", "custom-columns=N:.metadata.name,C:.data.colour"], /^N +C\nsettings +white\n$/),
  row("get -o go-template", ["get", "cm", "settings", "-o", "go-template={{.data.colour}}"], /^white$/),
  row("get -o name", "get cm -l set=one -o name", /^configmap\/settings\n$/),
  row("get --field-selector, of all namespaces", "get cm -A --field-selector metadata.name=settings --sort-by=.metadata.name", /^NAMESPACE +NAME[^]*settings/),
  row("get --chunk-size", "get cm --chunk-size=1 -o name", /^configmap\/kube-root-ca\.crt\n[^]*configmap\/wrong\n$/),
  row("get of nothing", "get secrets", /^$/, { stderr: /^No resources found in \S+ namespace\.\n$/ }),
  row("get of what is not there", "get cm absent", /^$/, { code: 1, stderr: /^Error from server \(NotFound\): configmaps "absent" not found\n$/ }),
  row("get of a kind that is not there", "get absents", /^$/, { code: 1, stderr: /the server doesn't have a resource type "absents"/ }),
  row("describe", "describe cm settings", /^Name: +settings\n[^]*Data\n====\ncolour:\n----\nwhite\n/),
];

const workloads = (ns: string): readonly Row[] => [
  row("create -f", "create -f web.yaml", /^deployment\.apps\/web created\nservice\/web created\n$/),
  row("wait for a field", ["wait", "deploy/web", "--for=jsonpath={.status.replicas}=2", "--timeout=30s"], /^deployment\.apps\/web condition met\n$/, {
    since: 24,
  }),
  row("wait for a condition", "wait deploy/web --for=condition=Progressing --timeout=30s", /^deployment\.apps\/web condition met\n$/),
  row("wait that is in vain", "wait deploy/web --for=condition=Available --timeout=1s", /^$/, { code: 1, stderr: /timed out waiting for the condition/ }),
  row("get of several kinds", "get deploy,rs,svc", /^deployment\.apps\/web +0\/2 +2 +0[^]*replicaset\.apps\/web-\w+ +2 +2 +0[^]*service\/web +ClusterIP/m),
  row("get all", "get all", /^pod\/web-\S+ +0\/1 +Pending[^]*service\/web[^]*deployment\.apps\/web[^]*replicaset\.apps\/web-/m),
  row("describe of a deployment", "describe deploy web", /Replicas: +2 desired \| 2 updated \| 2 total \| 0 available \| 2 unavailable[^]*ScalingReplicaSet/),
  row("describe of a pod", "describe pod -l app=web", /Status: +Pending[^]*Requests:\n +cpu: +100m\n +memory: +64Mi[^]*FailedScheduling/),
  row("describe of a service", "describe svc web", /^Name: +web\n[^]*Selector: +app=web\nType: +ClusterIP\n/),
  row("scale", "scale deploy web --replicas=3 --current-replicas=2", /^deployment\.apps\/web scaled\n$/),
  row("set image", "set image deploy web web=nginx:2", /^deployment\.apps\/web image updated\n$/),
  row("set env", "set env deploy web A=b", /^deployment\.apps\/web env updated\n$/),
  row("set resources", "set resources deploy web --limits=cpu=1", /^deployment\.apps\/web resource requirements updated\n$/),
  row("rollout pause", "rollout pause deploy web", /^deployment\.apps\/web paused\n$/),
  row("rollout resume", "rollout resume deploy web", /^deployment\.apps\/web resumed\n$/),
  row("rollout restart", "rollout restart deploy web", /^deployment\.apps\/web restarted\n$/),
  row("wait until the controller saw it", ["wait", "deploy/web", "--for=jsonpath={.status.observedGeneration}=8", "--timeout=30s"], /condition met/, {
    since: 24,
  }),
  row("rollout history", "rollout history deploy web", /^deployment\.apps\/web \nREVISION +CHANGE-CAUSE\n1 +<none>\n/),
  row("rollout history of a revision", "rollout history deploy web --revision=1", /Image:\s+nginx:1\n/),
  row("rollout undo", "rollout undo deploy web --to-revision=1", /^deployment\.apps\/web rolled back\n$/),
  row("rollout status", "rollout status deploy web --watch=false", /^Waiting for deployment/),
  row("expose", "expose deploy web --name=again --port=81 --target-port=80", /^service\/again exposed\n$/),
  row("autoscale", "autoscale deploy web --min=1 --max=4 --cpu-percent=50", /^horizontalpodautoscaler\.autoscaling\/web autoscaled\n$/),
  row("run", "run single --image=busybox --restart=Never --labels=a=b -- sleep 1", /^pod\/single created\n$/),
  row("run --dry-run=client", "run dry --image=busybox --dry-run=client -o yaml", /^apiVersion: v1\nkind: Pod\n/),
  row("get --watch-only ends by its time", "get pods --watch-only --request-timeout=1s", /^$/),
  row("debug adds a container", "debug single --image=busybox --attach=false -c helper -- sleep 1", /^$/, { since: 24 }),
  row("debug's container is there", ["get", "pod", "single", "-o", "jsonpath={.spec.ephemeralContainers[*].name}"], /^helper$/, { since: 24 }),
  row("exec without a node", "exec single -- true", /^$/, { code: 1, stderr: /pod single does not have a host assigned/ }),
  row("logs without a node", "logs single", /^$/),
  row("events", `get events --field-selector involvedObject.name=web -n ${ns}`, /ScalingReplicaSet +deployment\/web/),
  row("events, the verb", "events --for deployment/web", /ScalingReplicaSet +Deployment\/web/, { since: 26 }),
];

const generators = (ns: string): readonly Row[] => [
  row(
    "create clusterrole",
    `create clusterrole ${ns} --verb=get,list --resource=pods`,
    new RegExp(`^clusterrole\\.rbac\\.authorization\\.k8s\\.io/${ns} created\n$`),
  ),
  row(
    "create clusterrolebinding",
    `create clusterrolebinding ${ns} --clusterrole=${ns} --user=jane-${ns}`,
    new RegExp(`^clusterrolebinding\\.rbac\\.authorization\\.k8s\\.io/${ns} created\n$`),
  ),
  row("create configmap", "create configmap made --from-literal=a=b --from-file=web.yaml --from-env-file=settings.env", /^$/, {
    code: 1,
    stderr: /from-env-file/,
  }),
  row("create configmap of files and words", "create configmap made --from-literal=a=b --from-file=web.yaml", /^configmap\/made created\n$/),
  row("create configmap of an env file", "create configmap made-env --from-env-file=settings.env", /^configmap\/made-env created\n$/),
  row("create cronjob", ["create", "cronjob", "made", "--image=busybox", "--schedule=*/5 * * * *", "--", "date"], /^cronjob\.batch\/made created\n$/),
  row("create job", "create job made --image=busybox -- date", /^job\.batch\/made created\n$/),
  row("create job --from", "create job made-from --from=cronjob/made", /^job\.batch\/made-from created\n$/),
  row("create deployment", "create deployment made --image=nginx --replicas=2 --port=80", /^deployment\.apps\/made created\n$/),
  row("create ingress", "create ingress made --rule=a.example/x*=web:http --class=c", /^ingress\.networking\.k8s\.io\/made created\n$/),
  row("create poddisruptionbudget", "create pdb made --selector=app=web --min-available=1", /^poddisruptionbudget\.policy\/made created\n$/),
  row("create priorityclass", `create priorityclass ${ns} --value=7 --description=x`, new RegExp(`^priorityclass\\.scheduling\\.k8s\\.io/${ns} created\n$`)),
  row("create quota", "create quota made --hard=pods=50,services=9", /^resourcequota\/made created\n$/),
  row("create role", "create role made --verb=get --resource=deployments.apps,pods --resource-name=a", /^role\.rbac\.authorization\.k8s\.io\/made created\n$/),
  row("create rolebinding", `create rolebinding made --role=made --serviceaccount=${ns}:made`, /^rolebinding\.rbac\.authorization\.k8s\.io\/made created\n$/),
  row("create secret generic", "create secret generic made --from-literal=a=b", /^secret\/made created\n$/),
  row("create secret docker-registry", "create secret docker-registry made-reg --docker-username=u --docker-password=p", /^secret\/made-reg created\n$/),
  row("create secret tls", "create secret tls made-tls --cert=tls.crt --key=tls.key", /^secret\/made-tls created\n$/),
  row("create service clusterip", "create service clusterip made --tcp=80:8080", /^service\/made created\n$/),
  row("create service externalname", "create service externalname made-en --external-name=a.example", /^service\/made-en created\n$/),
  row("create service loadbalancer", "create service loadbalancer made-lb --tcp=80", /^service\/made-lb created\n$/),
  row("create service nodeport", "create service nodeport made-np --tcp=80", /^service\/made-np created\n$/),
  row("create serviceaccount", "create serviceaccount made", /^serviceaccount\/made created\n$/),
  row("create token", "create token made --duration=10m", /^ey[\w-]+\.[\w-]+\.[\w-]+\n?$/, { since: 24 }),
  row("create --raw", ["create", "--raw", `/api/v1/namespaces/${ns}/configmaps`, "-f", "-"], /"name":"raw"/, {
    input: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"raw"}}',
  }),
  row("describe of a secret", "describe secret made", /^Name: +made\n[^]*Type: +Opaque\n\nData\n====\na: +1 bytes\n/),
  row("describe of a quota", "describe quota made", /^Name: +made\n[^]*Resource +Used +Hard\n[^]*pods +\d+ +50\n *services +[1-9] +9\n/),
  row("get of everything that was made", "get cj,job,ing,pdb,quota,role,rolebinding,sa,secret,svc -o name", /cronjob\.batch\/made\n[^]*service\/made-np\n/),
];

const nodes = (ns: string): readonly Row[] => [
  row("create of a node", "create -f node.yaml", new RegExp(`^node/node-${ns} created\n$`)),
  row("get nodes", `get nodes -l of=${ns}`, new RegExp(`^NAME +STATUS +ROLES +AGE +VERSION\nnode-${ns} +\\S+ +<none> +\\S+ *\n$`)),
  row("taint", `taint nodes node-${ns} a=b:NoSchedule`, new RegExp(`^node/node-${ns} tainted\n$`)),
  row("taint does not overwrite by itself", `taint nodes node-${ns} a=c:NoSchedule`, /^$/, { code: 1, stderr: /already has/ }),
  row("taint removes", `taint nodes node-${ns} a-`, new RegExp(`^node/node-${ns} untainted\n$`)),
  row("cordon", `cordon node-${ns}`, new RegExp(`^node/node-${ns} cordoned\n$`)),
  row("uncordon", `uncordon node-${ns}`, new RegExp(`^node/node-${ns} uncordoned\n$`)),
  row(
    "drain --dry-run=server",
    `drain node-${ns} --dry-run=server`,
    new RegExp(`^node/node-${ns} cordoned \\(server dry run\\)\n[^]*node/node-${ns} drained \\(server dry run\\)\n$`),
  ),
  row("drain", `drain node-${ns} --ignore-daemonsets`, new RegExp(`^node/node-${ns} cordoned\n[^]*node/node-${ns} (drained|evicted)\n$`)),
  row("describe of a node", `describe node node-${ns}`, new RegExp(`^Name: +node-${ns}\n[^]*Unschedulable: +true\n`)),
];

const access = (ns: string): readonly Row[] => [
  row("auth can-i", "auth can-i create pods", /^yes\n$/),
  row("auth can-i, of somebody", `auth can-i list pods -A --as=jane-${ns} --as-group=system:masters`, /^yes\n$/),
  row("auth can-i, no", `auth can-i delete pods --as=jane-${ns}`, /^no\n$/, { code: 1 }),
  row("auth can-i --list", "auth can-i --list", /^\*\.\* +\[\] +\[\] +\[\*\]$/m),
  row("auth can-i of a URL", "auth can-i get /healthz", /^yes\n$/),
  row("auth whoami", "auth whoami", /Username +kubernetes-admin|Username +admin/, { since: 28 }),
  row("auth reconcile", "auth reconcile -f rbac.yaml", /^role\.rbac\.authorization\.k8s\.io\/reader reconciled\n/),
  row("get --as is refused", `get secrets --as=jane-${ns}`, /^$/, {
    code: 1,
    stderr: /User "jane-\w+" cannot list resource "secrets" in API group "" in the namespace/,
  }),
];

const deleting = (ns: string): readonly Row[] => [
  row("delete of what is not there", "delete cm absent", /^$/, { code: 1, stderr: /\(NotFound\): configmaps "absent" not found/ }),
  row("delete --ignore-not-found", "delete cm absent --ignore-not-found", /^$/),
  row("delete --dry-run=server", "delete cm served --dry-run=server", /^configmap "served" deleted .*\(server dry run\)\n$/),
  row("delete", "delete cm served", DELETED('configmap "served"')),
  row("delete by labels", "delete cm -l set=one", DELETED('configmap "settings"')),
  row("delete --now", "delete pod single --now", DELETED('pod "single"')),
  row("create of a lone pod", "create -f pod.yaml", /^pod\/alone created\n$/),
  row("delete --force", "delete pod alone --force --grace-period=0", DELETED('pod "alone"')),
  row("delete --cascade=orphan", "delete deploy made --cascade=orphan", DELETED('deployment\\.apps "made"')),
  row("the orphan is there", "get rs -l app=made -o name", /^replicaset\.apps\/made-\w+\n$/),
  row("delete --cascade=foreground", "delete deploy web --cascade=foreground", DELETED('deployment\\.apps "web"')),
  row("wait for the end", "wait pods -l app=web --for=delete --timeout=30s", /^/),
  row("delete -f", "delete -f rbac.yaml -f wrong.yaml", /^role\.rbac\.authorization\.k8s\.io "reader" deleted[^]*configmap "wrong" deleted/),
  row("delete --raw", ["delete", "--raw", `/api/v1/namespaces/${ns}/configmaps/raw`], /"status":"Success"/),
  row("delete of a node", `delete node node-${ns}`, DELETED(`node "node-${ns}"`)),
  row("delete of a namespace, with all that is in it", `delete namespace ${ns} --timeout=60s`, DELETED(`namespace "${ns}"`)),
  row("the namespace is gone", `get namespace ${ns}`, /^$/, { code: 1, stderr: /NotFound/ }),
];
