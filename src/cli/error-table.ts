/** What `skiff explain` tells of an error. The exit codes are the project's (README, "Exit codes"). */
export interface ErrorEntry {
  readonly exitCode: number;
  readonly title: string;
  readonly remedy: string;
  readonly explanation: string;
}

export type ErrorId = keyof typeof ERRORS;

const entry = (exitCode: number, title: string, remedy: string, explanation: string): ErrorEntry => ({ exitCode, title, remedy, explanation });

/**
 * Every error a user may see, in one place. The second digit pair is the exit code. The bash launcher reports the
 * SKF-10xx ids before Node is there; a test compares its texts with this table.
 */
export const ERRORS = {
  "SKF-0101": entry(1, "something failed that has no id of its own", "./skiff logs", "The message is all that is known. The logs may tell more."),
  "SKF-0201": entry(2, "the command line is wrong", "./skiff --help", "A verb or flag is unknown, or a value is missing."),
  "SKF-0301": entry(3, "no cluster runs here", "./skiff up", "The command needs a running cluster in this data dir."),
  "SKF-1001": entry(
    10,
    "npm could not install the packages",
    "./skiff up",
    "The packages in package-lock.json come from the npm registry that `npm config get registry` names. Offline, copy node_modules from another clone of the same commit.",
  ),
  "SKF-1002": entry(
    10,
    "apt could not install a Debian package",
    "apt-get update && ./skiff up",
    "Skiff runs containers with Debian's containerd, runc, CNI plugins, nftables, conntrack and iproute2. Offline, install them beforehand.",
  ),
  "SKF-1003": entry(
    10,
    "the bundle could not be built",
    "./skiff test types",
    "esbuild makes dist/skiff.cjs from bin/ and src/. A syntax error in a changed file is the usual reason.",
  ),
  "SKF-1004": entry(
    10,
    "the machine's clock is outside the time of the cluster's certificates",
    "date --set=…",
    "Certificates hold from one moment to another. Before the cluster was made, or after its authority has ended, nobody would believe them.",
  ),
  "SKF-1005": entry(
    10,
    "there is no room on the disk",
    "df -h",
    "State, images and logs of a cluster lie below its data dir. Make room there, or move it: --data-dir. Nothing that was there is damaged.",
  ),
  "SKF-1101": entry(
    11,
    "a port is taken",
    "./skiff up --https-listen-port 6444",
    "The API listens on 6443, the kubelet on 10250. Another program, or another cluster of yours with its own --data-dir, has the port.",
  ),
  "SKF-1102": entry(11, "another skiff works on this data dir", "./skiff status", "A lock in the data dir keeps two commands from changing it at once."),
  "SKF-1103": entry(
    11,
    "the database is damaged, or not ours",
    "./skiff logs server",
    "server/db/state.db in the data dir, or its write-ahead log, was cut, overwritten, or has lost a bit. Nothing was changed. With a backup: put state.db in its place, and remove state.db-wal and state.db-shm. Without one: copy the three files away, and remove them to start with an empty cluster; containers go on running until then.",
  ),
  "SKF-1104": entry(
    11,
    "another cluster on this machine has these addresses",
    "./skiff up --cluster-cidr … --service-cidr … --service-node-port-range …",
    "Clusters side by side need pod addresses, service addresses and node ports of their own; otherwise one would answer for the other.",
  ),
  "SKF-1105": entry(
    11,
    "a file of the cluster is damaged",
    "restore it from a backup",
    "What can be made again, such as certificates, is made again without a word. A key that others trust is never replaced by a new one behind your back.",
  ),
  "SKF-1109": entry(
    11,
    "a migration of the datastore was cut off",
    "./skiff datastore migrate --help",
    "The target of `skiff datastore migrate` holds only a part of the state. The source is as it was. Run the same command again: it begins anew.",
  ),
  "SKF-1110": entry(
    11,
    "the datastore's state cannot be moved as things are",
    "./skiff datastore migrate --help",
    "A migration copies a state that nobody changes meanwhile into a place that is empty: stop the servers first, and name an etcd without objects, or a file that does not exist.",
  ),
  "SKF-1201": entry(12, "this needs root", "sudo ./skiff up", "containerd, network devices, mounts and nftables need root."),
  "SKF-1301": entry(
    13,
    "this machine is not supported",
    "use Debian 12 or later on x86-64",
    "Skiff is made for Debian 12 and later, on x86-64 Linux with glibc.",
  ),
  "SKF-1401": entry(14, "not found", "./skiff --help", "The thing that was named does not exist."),
  "SKF-1501": entry(15, "it took too long", "./skiff logs", "A process was started but did not become ready in time. Its log says why."),
  "SKF-1601": entry(
    16,
    "the datastore cannot be reached",
    "etcdctl --endpoints … endpoint health",
    "None of the etcd endpoints in --datastore-endpoint answers, or etcd has no leader. A server that runs waits for etcd and goes on by itself; reads are answered meanwhile.",
  ),
  "SKF-1602": entry(
    16,
    "the datastore's certificate, or ours, is not trusted",
    "openssl s_client -connect HOST:2379 -CAfile CA -cert CERT -key KEY",
    "--datastore-cafile must hold the authority that signed etcd's certificates, which must name the host of the endpoint; --datastore-certfile must be signed by the authority that etcd trusts.",
  ),
  "SKF-1701": entry(17, "a setting is wrong", "./skiff up --help", "Settings come from flags, SKIFF_* variables and /etc/skiff/config.yaml, in this order."),
  "SKF-1702": entry(
    17,
    "the keys for Secrets cannot be used",
    "./skiff logs server",
    "server/cred/encryption-config.json in the data dir holds the keys that Secrets are encrypted with in the store: an EncryptionConfiguration with the provider aesgcm. Put a copy of it in its place. Without the file a new key is made, and Secrets under the old one cannot be read.",
  ),
} as const satisfies Record<string, ErrorEntry>;
