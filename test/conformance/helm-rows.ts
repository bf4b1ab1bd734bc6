import { join } from "node:path";

import { helmRow, type Row, row } from "./rows.ts";

/** A chart with a definition and a resource of it, hooks, sub-charts and a schema of its values. */
const SHOP = join(import.meta.dirname, "charts/shop");

const helm = (name: string, words: string, stdout: RegExp, options: Parameters<typeof helmRow>[3] = {}): Row =>
  helmRow(name, words.replace("SHOP", SHOP).split(" "), stdout, options);
const refused = (name: string, words: string, stderr: RegExp): Row => helm(name, words, /^/, { code: 1, stderr });

const INVALID_PORT = /Service "\S+" is invalid: spec\.ports\[0\]\.protocol: Unsupported value: "NONE": supported values: "SCTP", "TCP", "UDP"/;

/** Before there is a release: what Helm says without a cluster, and the definition that comes with the chart. */
export const beginning: readonly Row[] = [
  helm("lint", "lint SHOP", /1 chart\(s\) linted, 0 chart\(s\) failed/),
  refused("lint of values that the chart does not take", "lint SHOP --set replicas=-1", /1 chart\(s\) failed/),
  helm(
    "template",
    "template one SHOP --set tags.background=true",
    /# Source: shop\/charts\/queue\/templates\/queue\.yaml[^]*kind: Widget\nmetadata: \{ name: one \}/,
  ),
  helm(
    "template --show-only",
    "template one SHOP --show-only charts/cache/templates/cache.yaml",
    /^---\n# Source: [^]*data: \{ size: "7", region: north \}\n$/,
  ),
  helm("list of nothing", "list -A -o json", /^\[\]\n$/),
  refused("install into a namespace that is not there", "install one SHOP", /INSTALLATION FAILED: create: failed to create: namespaces "life" not found/),
  row("the definition came all the same", "get crd widgets.shop.example -o name", /widgets/),
  row("and goes", "delete crd widgets.shop.example", /deleted/),
  helm(
    "install --create-namespace of a definition and a resource of it",
    "install one SHOP --create-namespace --wait --timeout 110s",
    /STATUS: deployed\nREVISION: 1\n[^]*The blue shop one is open, revision 1\.\n/,
  ),
  row(
    "the resource is there, with its defaults",
    ["get", "wd", "one", "-o", "jsonpath={.spec.size} {.spec.legs} {.metadata.labels}"],
    /^small 4 \{"app\.kubernetes\.io\/managed-by":"Helm"\}$/,
  ),
  row("the chart knew the kind", ["get", "cm", "one-settings", "-o", "jsonpath={.data.widgets} {.data.server}"], /^true v1\.35\./),
];

/** A release, in the namespace where `beginning` has installed it. */
export const life: readonly Row[] = [
  row(
    "a condition that holds, and values that come from below",
    ["get", "cm", "one-cache", "one-settings", "-o", "jsonpath={.items[*].data['size','port']}"],
    /^7 6379$/,
  ),
  row("conditions that do not hold", "get cm one-spare one-queue", /^$/, { code: 1, stderr: /"one-spare" not found[^]*"one-queue" not found/ }),
  helm("list", "list", /^NAME\s+NAMESPACE\s+REVISION[^]*one\s+life\s+1\s.*\sdeployed\s+shop-1\.0\.0\s+3\s*\n$/),
  helm("status", "status one", /RESOURCES:\n[^]*==> v1\/Widget\nNAME\s+SIZE\none\s+small\n/),
  helm("get manifest", "get manifest one", /kind: Deployment\nmetadata: \{ name: one-web \}/),
  helm("get hooks", "get hooks one", /name: one-early\n/),
  helm("get notes", "get notes one", /The blue shop one is open/),
  helm("get metadata", "get metadata one", /CHART: shop\n[^]*APPLY_METHOD: server-side apply\n/),
  refused("install under a name in use", "install one SHOP", /cannot reuse a name that is still in use/),
  helm(
    "upgrade",
    "upgrade one SHOP --set colour=green --set cache.enabled=false --set spare.enabled=true --set tags.background=true",
    /STATUS: deployed\nREVISION: 2\n[^]*The green shop/,
  ),
  row("parts have come", "get cm one-spare one-queue -o name", /^configmap\/one-spare\nconfigmap\/one-queue\n$/),
  row("and gone", "get cm one-cache", /^$/, { code: 1 }),
  row("lookup finds what is there", ["get", "cm", "one-settings", "-o", "jsonpath={.data.colour} {.data.namespace}"], /^green life$/),
  helm("get values", "get values one", /^USER-SUPPLIED VALUES:\ncache:\n  enabled: false\ncolour: green\n/),
  helm("get values --all, of a revision", "get values one --all --revision 1 -o json", /"colour":"blue"/),
  helm("upgrade --reuse-values", "upgrade one SHOP --reuse-values --set cache.enabled=true", /REVISION: 3\n/),
  row("values of before", ["get", "cm", "one-settings", "one-cache", "-o", "jsonpath={.items[*].data['colour','size']}"], /^green 7$/),
  refused("upgrade that the server refuses", "upgrade one SHOP --reuse-values --set broken=true", INVALID_PORT),
  helm("it stands as failed", "list --failed", /one\s+life\s+4\s.*\sfailed\s/),
  refused(
    "upgrade that the server refuses, taken back",
    "upgrade one SHOP --reuse-values --set colour=red --set broken=true --rollback-on-failure --timeout 110s",
    INVALID_PORT,
  ),
  helm("history", "history one", /^REVISION[^]*\n3\s[^\n]*superseded[^]*\n5\s[^\n]*failed[^]*\n6\s[^\n]*deployed[^\n]*Rollback to 3\s*\n$/),
  row("all is as before", ["get", "cm", "one-settings", "-o", "jsonpath={.data.colour}"], /^green$/),
  refused(
    "upgrade --wait of what never comes, taken back",
    "upgrade one SHOP --reuse-values --set replicas=1 --set colour=red --wait --timeout 8s --rollback-on-failure",
    /one-web not ready\. status: InProgress[^]*context deadline exceeded/,
  ),
  helm(
    "history of the failed",
    "history one -o json --max 2",
    /"revision":7,[^{]*"status":"failed"[^]*"revision":8,[^{]*"status":"deployed"[^{]*"description":"Rollback to 6"/,
  ),
  row("all is as before again", ["get", "deploy/one-web", "cm/one-settings", "-o", "jsonpath={.items[*]['spec.replicas','data.colour']}"], /^0 green$/),
  helm("rollback", "rollback one 1 --wait --timeout 110s", /^Rollback was a success/),
  row("what was then", ["get", "cm", "one-settings", "one-cache", "-o", "jsonpath={.items[*].data['colour','size']}"], /^blue 7$/),
  row("and nothing else", "get cm one-spare", /^$/, { code: 1 }),
  helm("upgrade --install of what is there", "upgrade --install one SHOP", /has been upgraded[^]*REVISION: 10\n/),
  helm(
    "upgrade --install of what is not, a second release",
    "upgrade --install two SHOP --set widget=large",
    /does not exist\. Installing it now\.[^]*NAME: two\n[^]*REVISION: 1\n/,
  ),
  row("both have their own", "get wd --no-headers", /^one\s+small\ntwo\s+large\n$/),
  helm("list of both", "list -q", /^one\ntwo\n$/),
  helm("uninstall --dry-run", "uninstall two --dry-run", /release "two" uninstalled/),
  helm("uninstall --keep-history", "uninstall two --keep-history", /release "two" uninstalled/),
  helm("status of what was", "status two -o json", /"status":"uninstalled"/),
  helm("it can be brought back", "rollback two 1", /^Rollback was a success/),
  helm("uninstall --wait, in the foreground", "uninstall two --wait --cascade foreground --timeout 110s", /release "two" uninstalled/),
  refused("status of what is not", "status two", /release: not found/),
  helm("uninstall", "uninstall one", /release "one" uninstalled/),
  row("nothing is left but hooks", "get deploy,rs,pod,svc,wd,secret,endpointslices -o name", /^$/),
  row("the definition stays", "get crd widgets.shop.example -o name", /widgets/),
];

/** Who owns which fields, and what is done when another has changed them. */
export const owners: readonly Row[] = [
  helm("install --server-side=false", "install three SHOP --create-namespace --server-side=false", /STATUS: deployed/),
  row("helm is an updater", ["get", "cm", "three-settings", "-o", "jsonpath={.metadata.managedFields[*]['manager','operation']}"], /^helm Update$/),
  helm("upgrade on the client", "upgrade three SHOP --set colour=green --server-side=false", /REVISION: 2\n/),
  row("somebody sets an image", "set image deploy three-web web=web:9", /image updated/),
  helm("on the client nobody else counts", "upgrade three SHOP --set colour=red --server-side=false", /REVISION: 3\n/),
  row("it is as the chart has it", ["get", "deploy", "three-web", "-o", "jsonpath={..image}"], /^web:1$/),
  row("somebody sets it again", "set image deploy three-web web=web:9", /image updated/),
  refused(
    "to the server it is a conflict",
    "upgrade three SHOP --server-side=true",
    /Apply failed with 1 conflict: conflict with "kubectl-set" using apps\/v1: \.spec\.template\.spec\.containers\[name="web"\]\.image/,
  ),
  helm("--force-conflicts", "upgrade three SHOP --server-side=true --force-conflicts", /STATUS: deployed/),
  row("it is the chart's again", ["get", "deploy", "three-web", "-o", "jsonpath={..image}"], /^web:1$/),
  row("helm is an applier", ["get", "cm", "three-settings", "-o", "jsonpath={.metadata.managedFields[*]['manager','operation']}"], /^helm Apply$/),
  row("a label of somebody's own", "label cm three-settings mine=yes", /labeled/),
  helm("stays through an upgrade", "upgrade three SHOP --set colour=green", /STATUS: deployed/),
  row("and is there", "get cm three-settings -L mine --no-headers", /yes\n$/),
  helm("--force-replace", "upgrade three SHOP --set colour=blue --server-side=false --force-replace", /STATUS: deployed/),
  row("takes it away", "get cm three-settings --show-labels --no-headers", /^(?!.*mine).*Helm.*\n$/),
  row("somebody deletes a part", "delete deploy three-web", /deleted/),
  helm("upgrade makes it again", "upgrade three SHOP --server-side=true", /STATUS: deployed/),
  row("as it was", ["get", "deploy", "three-web", "-o", "jsonpath={.spec.replicas}"], /^0$/),
  helm("uninstall", "uninstall three --wait --timeout 110s", /uninstalled/),
];

/** What people get wrong. */
export const mistakes: readonly Row[] = [
  row("a namespace", "create namespace odd", /created/),
  refused("a name that is none", "install Bad_Name SHOP", /invalid release name/),
  refused("values that the schema refuses", "install five SHOP --set colour=pink", /at '\/colour': value must be one of 'blue', 'green', 'red'/),
  refused("a chart that is not there", "install five SHOP-not", /path "\S+" not found/),
  refused("upgrade of what is not there", "upgrade five SHOP", /"five" has no deployed releases/),
  refused("rollback of what is not there", "rollback five 1", /release: not found/),
  refused("uninstall of what is not there", "uninstall five", /release: not found/),
  helm("uninstall --ignore-not-found", "uninstall five --ignore-not-found", /^/),
  helm("install --dry-run=server", "install five SHOP --dry-run=server", /DESCRIPTION: Dry run complete/),
  helm("install --dry-run=client", "install five SHOP --dry-run=client", /DESCRIPTION: Dry run complete/),
  row("left nothing", "get cm,wd,secret -o name", /^configmap\/kube-root-ca\.crt\n$/),
  refused(
    "a resource that its definition refuses",
    "install five SHOP --set widget=huge",
    /Widget\.shop\.example "five" is invalid: spec\.size: Unsupported value: "huge": supported values: "small", "large"/,
  ),
  helm("stands as failed", "list --all-namespaces --filter five -o json", /"status":"failed"/),
  refused("its name is in use", "install five SHOP", /cannot reuse a name that is still in use/),
  helm("upgrade heals it", "upgrade five SHOP --reset-values", /STATUS: deployed\nREVISION: 2\n/),
  refused(
    "--rollback-on-failure of a first install",
    "upgrade --install six SHOP --rollback-on-failure --timeout 110s --set widget=huge",
    /release six failed, and has been uninstalled due to rollback-on-failure being set/,
  ),
  row("took all away again", "get cm,wd,svc,deploy -l app.kubernetes.io/managed-by=Helm -o name", /^(?![^]*\/six)/),
  row("an object that is somebody's", "create cm eight-settings --from-literal=colour=mine", /created/),
  refused(
    "is not taken",
    "install eight SHOP",
    /ConfigMap "eight-settings" in namespace "odd" exists and cannot be imported into the current release: invalid ownership metadata/,
  ),
  helm("but with --take-ownership", "install eight SHOP --take-ownership --force-conflicts", /STATUS: deployed/),
  row("is", ["get", "cm", "eight-settings", "-o", "jsonpath={.data.colour}"], /^blue$/),
  helm("--generate-name, without hooks", "install SHOP --generate-name --no-hooks", /NAME: shop-\d+\n/),
  helm("test of a chart that has none", "test eight", /STATUS: deployed/),
  refused("a revision that is not there", "rollback eight 9", /release: not found|has no 9/),
  row("delete of the namespace takes the releases along", "delete namespace odd --timeout=60s", /deleted/),
  helm("they are gone", "list -o json", /^\[\]\n$/),
];
