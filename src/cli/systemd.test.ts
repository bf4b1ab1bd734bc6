import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { unitName, unitText } from "./systemd.ts";

const dir = mkdtempSync(join(tmpdir(), "skiff-systemd-"));
after(() => rmSync(dir, { recursive: true }));

const options = {
  dataDir: "/srv/a b%c",
  command: ["/bin/sh", "/opt/skiff/bin/supervise", "/srv/a b%c/logs/agent.log", "/opt/node", "main.cjs", "agent", "--tls-san", 'a"b$HOME\\'],
  env: { PATH: "/usr/bin", HOME: "/root", SKIFF_CLUSTER: "/srv/a b%c", SECRET: "no", HTTPS_PROXY: "http://proxy:3128", SSH_AUTH_SOCK: "/x" },
  log: "/srv/a b%c/logs/agent.log",
} as const;

test("unitName() has an instance for a data dir of its own", () => {
  assert.equal(unitName("server", "/var/lib/skiff"), "skiff-server.service");
  assert.match(unitName("agent", "/srv/second"), /^skiff-agent@skf[0-9a-f]{6}\.service$/);
});

test("unitText() hands on what a program needs of the environment, and escapes what systemd would expand", () => {
  const text = unitText({ ...options, program: "agent" });
  assert.deepEqual(
    text.split("\n").filter((line) => line.startsWith("Environment=")),
    ['Environment="PATH=/usr/bin"', 'Environment="HOME=/root"', 'Environment="SKIFF_CLUSTER=/srv/a b%%c"', 'Environment="HTTPS_PROXY=http://proxy:3128"'],
  );
  assert.match(text, /^ExecStart="\/bin\/sh" .* "\/srv\/a b%%c\/logs\/agent\.log" .* "--tls-san" "a\\"b\$\$HOME\\\\"$/m);
  assert.match(text, /^Restart=always$/m);
  assert.doesNotMatch(text, /RestartPreventExitStatus/); // at boot nobody looks who would start it again
  assert.match(text, /^Type=notify\nNotifyAccess=all\nDelegate=yes$/m);
});

const verifier = spawnSync("systemd-analyze", ["--version"]).status === 0;
for (const program of ["server", "agent"] as const) {
  test(`systemd finds nothing wrong with the unit of the ${program}`, { skip: verifier ? false : "needs systemd-analyze" }, () => {
    const file = join(dir, `skiff-${program}.service`);
    writeFileSync(file, unitText({ ...options, program, command: ["/bin/sh", ...options.command.slice(1)] }));
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", file], { encoding: "utf8" });
    assert.doesNotMatch(stderr, new RegExp(`skiff-${program}`));
    assert.equal(status, 0, stderr);
  });
}
