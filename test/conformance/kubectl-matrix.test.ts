import { after, before, describe, test } from "node:test";

import { KUBECTL_MINORS, type KubectlMinor } from "#test/e2e/support/kubectl.ts";
import { type ControlPlane, startControlPlane } from "#test/golden-controllers/control-plane.ts";

import { filesFor, rowsFor } from "./kubectl-rows.ts";
import { KubectlUser } from "./kubectl-user.ts";
import { checkRow } from "./rows.ts";

/** As many at once as the machine has processors, on the smallest that we ask for. */
const AT_ONCE = 2;

describe("kubectl against a control plane without nodes", { concurrency: AT_ONCE }, () => {
  let plane: ControlPlane;
  before(async () => void (plane = await startControlPlane()));
  after(() => plane?.close());

  for (const minor of KUBECTL_MINORS) describe(`kubectl 1.${minor}`, { concurrency: 1 }, () => matrixOf(minor, () => plane));
});

function matrixOf(minor: KubectlMinor, plane: () => ControlPlane): void {
  let user: KubectlUser;
  before(() => {
    user = new KubectlUser(plane(), minor);
    const { cert, key } = plane().admin;
    for (const [name, content] of Object.entries({ ...filesFor(user.namespace), "tls.crt": cert, "tls.key": key })) user.write(name, content);
  });
  after(() => user?.close());

  for (const row of rowsFor(`k${minor}`)) {
    if ((row.since ?? 0) <= minor) test(`kubectl 1.${minor}: ${row.name}`, () => checkRow(row, user));
  }
}
