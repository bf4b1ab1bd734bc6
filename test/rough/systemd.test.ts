/** A cluster under a real systemd, the first process of its own little world of namespaces. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { pathsOf } from "#cli/paths.ts";
import { childrenOf, clusterProcesses, type Role } from "#cli/processes.ts";
import { processIds, processText } from "#lib/process-files.ts";
import { eventually } from "#test/e2e/support/eventually.ts";
import { PrivateNetwork } from "#test/e2e/support/private-network.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const FOLDER = "/var/tmp/skiff-e2e-systemd";
const DATA_DIR = join(FOLDER, "data");
const INIT_FILE = join(FOLDER, "init");
const SYSTEMD = "/lib/systemd/systemd";
/** Two of them would share cgroups. */
const isTaken = existsSync("/run/systemd/system");
const skip = process.getuid?.() !== 0 ? "needs root" : !existsSync(SYSTEMD) ? "needs systemd" : isTaken ? "systemd runs on this machine already" : false;

/** What would look for hardware, or change the machine outside of the namespaces, is left out. */
const MASKED = `systemd-udevd systemd-udev-trigger systemd-networkd systemd-resolved systemd-timesyncd systemd-logind systemd-remount-fs systemd-random-seed
  systemd-sysctl systemd-modules-load systemd-tmpfiles-setup systemd-tmpfiles-setup-dev systemd-tmpfiles-clean systemd-sysusers systemd-update-utmp
  systemd-journal-flush systemd-binfmt console-getty getty@ e2scrub_reap`;
const INIT = `set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mount -t proc proc /proc
mkdir /run/lock /run/upper /run/work /run/cgroup
# Systemd makes folders in this file system and then locks it, for the whole machine: it gets one of its own, with the same hierarchies.
if [[ $(stat -f -c %T /sys/fs/cgroup) == tmpfs ]]; then
  mount --rbind /sys/fs/cgroup /run/cgroup
  mount -t tmpfs tmpfs /sys/fs/cgroup
  for folder in /run/cgroup/*; do
    mountpoint -q $folder || continue
    mkdir /sys/fs/cgroup/\${folder##*/}
    mount --move $folder /sys/fs/cgroup/\${folder##*/}
  done
fi
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/upper,workdir=/run/work /etc
rm -rf /etc/systemd/system/*.wants
ln -sf /lib/systemd/system/multi-user.target /etc/systemd/system/default.target
for unit in ${MASKED.split(/\s+/).join(" ")}; do ln -sf /dev/null /etc/systemd/system/$unit.service; done
for unit in sys-kernel-debug sys-kernel-tracing dev-hugepages dev-mqueue; do ln -sf /dev/null /etc/systemd/system/$unit.mount; done
ln -sf /dev/null /etc/systemd/system/proc-sys-fs-binfmt_misc.automount
exec env -i container=other PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ${SYSTEMD} --system --log-target=null --show-status=no
`;

let network: PrivateNetwork;
let unshare: ChildProcess;
/** The first process, as the machine numbers it. */
let init = 0;

const inside = (...words: string[]) =>
  execFileSync("nsenter", ["-t", String(init), "-p", "-m", "-n", "-i", "-u", ...words], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const skiff = (verb: string, ...words: string[]) =>
  inside("env", `KUBECONFIG=${FOLDER}/kubeconfig`, "HOME=/root", `PATH=${process.env["PATH"]}`, join(root, "skiff"), verb, "--data-dir", DATA_DIR, ...words);
const systemctl = (...words: string[]) => inside("sh", "-c", 'systemctl "$@" || true', "systemctl", ...words).trim();
const processes = (role: Role) => clusterProcesses(DATA_DIR).filter((info) => info.role === role);

/** Hierarchies and options of the machine's own cgroup file system. */
const cgroupMounts = () => [...readdirSync("/sys/fs/cgroup"), ...(readFileSync("/proc/mounts", "utf8").match(/^.* \/sys\/fs\/cgroup.*$/gm) ?? [])];
const mountsBefore = cgroupMounts();

before(async () => {
  if (skip !== false) return;
  clear();
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(INIT_FILE, INIT);
  network = new PrivateNetwork("skiff-e2e-systemd");
  const [nsenter = "", ...words] = network.words("unshare", "--pid", "--mount", "--fork", "--uts", "--ipc", "--cgroup", "/bin/bash", INIT_FILE);
  unshare = spawn(nsenter, words, { stdio: "ignore", detached: true });
  await eventually(() => {
    init = Number(readFileSync(`/proc/${unshare.pid}/task/${unshare.pid}/children`, "utf8").trim());
    assert.match(systemctl("is-system-running"), /^(running|degraded)$/);
  });
});
after(() => {
  if (skip !== false) return;
  clear();
  network?.remove();
});

/** The first process of the namespaces, of a killed run's, too: systemd, or the shell on its way to it. */
function firstProcesses(): number[] {
  const commands = processIds().map((pid) => [pid, processText(pid, "cmdline").split("\0")] as const);
  const starters = commands.filter(([, words]) => words[0] === "unshare" && words.includes(INIT_FILE)).map(([pid]) => pid);
  return childrenOf(new Set(starters)).map(({ pid }) => pid);
}

/** Ends systemd and all below it, which would start again what ends, and takes away the cgroups that it made beside ours. */
function clear(): void {
  const first = firstProcesses();
  for (const pid of first) process.kill(pid, "SIGKILL");
  execFileSync(join(root, "skiff"), ["down", "--purge", "--quiet", "--data-dir", DATA_DIR], { stdio: "ignore" });
  const ours = globSync("/sys/fs/cgroup/{*/,}{system.slice/{**/,},init.scope/}").sort((a, b) => b.length - a.length);
  for (const folder of first.length > 0 ? ours : []) {
    try {
      rmdirSync(folder);
    } catch {
      // The machine's own.
    }
  }
  rmSync(FOLDER, { recursive: true, force: true });
}

test("up starts units, which systemd knows as ready, and starts with the machine", { skip }, async () => {
  skiff("up", "--quiet");
  // The agent's word that it is ready may come to systemd a moment after the API shows it.
  const units = await eventually(() => {
    const lines = systemctl("list-units", "--plain", "--no-legend", "skiff-*").split("\n");
    assert.ok(!lines.some((line) => line.includes("activating")));
    return lines.map((line) => line.split(/\s+/).slice(0, 4).join(" "));
  });
  assert.deepEqual(
    units.map((unit) => unit.replace(/@skf[0-9a-f]{6}/, "")),
    ["skiff-agent.service loaded active running", "skiff-server.service loaded active running"],
  );
  for (const unit of units) assert.equal(systemctl("is-enabled", unit.split(" ")[0]!), "enabled");
});

test("a supervisor that is killed comes back with its program, and containerd does not notice", { skip }, async () => {
  const before = { supervisors: processes("supervisor"), containerd: processes("containerd")[0]!.pid };
  for (const { pid } of before.supervisors) process.kill(pid, "SIGKILL");
  await eventually(() => {
    const pids = processes("supervisor").map(({ pid }) => pid);
    assert.equal(pids.length, 2);
    assert.ok(!before.supervisors.some(({ pid }) => pids.includes(pid)));
    assert.match(skiff("status"), /^state +running$/m);
  });
  assert.equal(processes("containerd")[0]!.pid, before.containerd);
});

test("a program that is refused when the machine starts is tried again until it is not", { skip }, async () => {
  skiff("down", "--quiet");
  const key = pathsOf(DATA_DIR).serverTls.serviceAccountKey;
  const text = readFileSync(key);
  writeFileSync(key, "damaged");
  const units = systemctl("list-unit-files", "--plain", "--no-legend", "skiff-*").match(/skiff-\S+\.service/g) ?? [];
  assert.equal(units.length, 2);
  systemctl("start", "--no-block", ...units); // as at boot
  await eventually(() =>
    assert.match(inside("tail", "-n", "20", join(DATA_DIR, "logs/server.log")), /error\[SKF-1105\][^]*"msg":"process ended".*"code":11\}\n/),
  );
  writeFileSync(key, text);
  await eventually(() => assert.match(skiff("status"), /^state +running$/m));
});

test("down ends all within 15 s though systemd hangs, and says that it could not be told", { skip }, () => {
  process.kill(init, "SIGSTOP");
  const beganMs = performance.now();
  try {
    assert.throws(() => skiff("down", "--quiet"), /systemctl stop .* failed/);
    assert.ok(performance.now() - beganMs < 15_000, `${performance.now() - beganMs} ms`);
    assert.deepEqual(clusterProcesses(DATA_DIR), []);
  } finally {
    process.kill(init, "SIGCONT");
  }
  skiff("down", "--quiet");
  skiff("up", "--quiet");
});

test("down stops the units for good, and a purge removes them", { skip }, () => {
  skiff("down", "--quiet");
  assert.deepEqual(clusterProcesses(DATA_DIR), []);
  const [unit = ""] = inside("ls", "/etc/systemd/system").match(/skiff-agent@\S+/) ?? [];
  assert.equal(systemctl("is-enabled", unit), "disabled");
  assert.equal(systemctl("is-active", unit), "inactive");
  skiff("up", "--quiet");
  skiff("down", "--purge", "--quiet");
  assert.doesNotMatch(inside("ls", "-R", "/etc/systemd/system"), /skiff/);
  assert.equal(systemctl("list-units", "--all", "--plain", "--no-legend", "skiff-*"), "");
});

test("systemd has changed nothing of the machine's cgroup file system", { skip }, () => {
  assert.deepEqual(cgroupMounts(), mountsBefore);
});
