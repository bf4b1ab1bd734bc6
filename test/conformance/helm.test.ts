import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { CONFIG_MAPS } from "#api/builtin.ts";
import type { ConfigMap } from "#api/core-v1/types.ts";
import { Client } from "#client/client.ts";
import { HttpTransport } from "#client/http-transport.ts";
import { systemClock } from "#lib/system-clock.ts";
import { eventually } from "#test/e2e/support/eventually.ts";
import { type ControlPlane, startControlPlane } from "#test/golden-controllers/control-plane.ts";

import { beginning, life, mistakes, owners } from "./helm-rows.ts";
import { KubectlUser } from "./kubectl-user.ts";
import { checkRow, type Row } from "./rows.ts";

/** As many at once as the machine has processors, on the smallest that we ask for. */
const AT_ONCE = 2;

describe("Helm 4 against a control plane without nodes", { concurrency: 1 }, () => {
  let plane: ControlPlane;
  let hooks: ReturnType<typeof watchHooks>;
  before(async () => {
    plane = await startControlPlane();
    hooks = watchHooks(plane);
  });
  after(async () => {
    hooks?.stop();
    await plane?.close();
  });

  rowsIn("life", beginning, () => plane);
  describe("releases in three namespaces", { concurrency: AT_ONCE }, () => {
    for (const [namespace, rows] of Object.entries({ life, owners, odd: mistakes })) rowsIn(namespace, rows, () => plane);
  });

  test("hooks came and went by their events, weights and policies", async () => {
    const again = ["- early", "+ early", "- late", "+ late"];
    const expected = [
      ["+ early", "+ late", "+ brief", "- brief"], // install
      [...again, "+ after"], // upgrade
      [...again, "- after", "+ after"], // upgrade --reuse-values
      [...again], // refused
      [...again, "+ back", "+ was-back"], // refused, and taken back
      [...again, "- back", "+ back", "- was-back", "+ was-back"], // never came, and was taken back
      ["- back", "+ back", "- was-back", "+ was-back"], // rollback
      [...again, "- after", "+ after"], // upgrade --install
      ["+ farewell", "+ gone", "- gone"], // uninstall
    ];
    await eventually(() => assert.deepEqual(hooks.of("one"), expected.flat()));
  });
});

function rowsIn(namespace: string, rows: readonly Row[], plane: () => ControlPlane): void {
  describe(`in ${namespace}`, { concurrency: 1 }, () => {
    let user: KubectlUser;
    before(() => void (user = new KubectlUser(plane(), 35, namespace)));
    after(() => user?.close());
    for (const row of rows) test(`${row.program}: ${row.name}`, () => checkRow(row, user));
  });
}

/** Tells when ConfigMaps that are hooks come and go. */
function watchHooks({ url, ca, admin }: ControlPlane): { of(release: string): readonly string[]; stop(): void } {
  const transport = new HttpTransport({ server: url, ca, cert: admin.cert, key: admin.key, clock: systemClock });
  const seen: string[] = [];
  const onEvent = ({ type, object }: { type: string; object: unknown }) => {
    const { metadata } = object as ConfigMap;
    if (metadata?.annotations?.["helm.sh/hook"] === undefined || type === "MODIFIED") return;
    seen.push(`${type === "ADDED" ? "+" : "-"} ${metadata.name}`);
  };
  const watch = new Client(transport, "test").watch({ resource: CONFIG_MAPS, resourceVersion: "0" }, { onEvent, onEnd: () => undefined });
  return {
    of: (release) => seen.filter((line) => line.startsWith(`${release}-`, 2)).map((line) => line.replace(`${release}-`, "")),
    stop: () => {
      watch.stop();
      transport.close();
    },
  };
}
