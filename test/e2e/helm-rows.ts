import { join } from "node:path";

import { helmRow, type Row, row } from "#test/conformance/rows.ts";

/** A chart with a deployment that is Ready by a probe, pods as hooks, and a test. */
export const SITE = join(import.meta.dirname, "charts/site");

const WAIT = "--wait --timeout 110s";
const helm = (name: string, words: string, stdout: RegExp, options: Parameters<typeof helmRow>[3] = {}): Row =>
  helmRow(name, words.replace("SITE", SITE).split(" "), stdout, options);

/** A release whose pods run, up to a second revision. */
export const growing: readonly Row[] = [
  helm("install --wait, with pods as hooks", `install site SITE --create-namespace ${WAIT}`, /STATUS: deployed\nREVISION: 1\n/),
  row("it waited", ["get", "deploy", "site", "-o", "jsonpath={.status.availableReplicas}"], /^2$/),
  row("hooks before it are done", "get pod site-first site-second --no-headers", /^site-first +0\/1 +Completed .*\nsite-second +0\/1 +Completed .*\n$/),
  row("the hook after it is gone", "get pod site-after", /^$/, { code: 1, stderr: /NotFound/ }),
  row("what a hook said", "logs site-second", /^second of 1\n$/),
  helm("test --logs", "test site --logs --timeout 110s", /TEST SUITE: +site-test\n[^]*Phase: +Succeeded\n[^]*POD LOGS: site-test\nrelease 1\.7\.9\n/),
  helm("upgrade --wait", `upgrade site SITE --set release=1.9.1 ${WAIT}`, /REVISION: 2\n/),
  helm("test of it", "test site --timeout 110s", /Phase: +Succeeded\n/),
];

/** What goes wrong with it, and its end. */
export const failing: readonly Row[] = [
  helm("an image that is not there, taken back", "upgrade site SITE --set release=none --wait --timeout 15s --rollback-on-failure", /^/, {
    code: 1,
    stderr: /context deadline exceeded/,
  }),
  row("all is as before", ["get", "deploy", "site", "-o", "jsonpath={..image} {.status.availableReplicas}"], /^nginx:1\.9\.1 2$/, { again: true }),
  helm("history", "history site -o json", /"description":"Rollback to \d"\}\]\n$/),
  helm("a hook that fails", "upgrade site SITE --set hookCode=3,release=1.7.9", /^/, { code: 1, stderr: /pre-upgrade hooks failed[^]*site-first/ }),
  row("nothing was changed", ["get", "deploy", "site", "-o", "jsonpath={..image}"], /^nginx:1\.9\.1$/),
  helm("a test that fails", "upgrade site SITE --set release=1.9.1,replicas=0 --wait --timeout 110s", /STATUS: deployed/),
  helm("says so", "test site --timeout 110s", /Phase: +Failed\n/, { code: 1, stderr: /1 error occurred|pod site-test failed|failed/ }),
  helm("rollback --wait", `rollback site 1 ${WAIT}`, /^Rollback was a success/),
  helm("test of what was before", "test site --timeout 110s", /Phase: +Succeeded\n/),
  helm("uninstall --wait", `uninstall site --cascade foreground ${WAIT}`, /release "site" uninstalled/),
  row("a hook ran before it", "logs site-farewell", /^farewell of \d+\n$/),
  row("no pod is left but hooks", "get pod -l app=site -o name", /^$/, { again: true }),
];
