import { SETTING_FLAGS } from "./settings.ts";

export interface VerbFlag {
  readonly name: string;
  readonly short?: string;
  /** The value's name; without one the flag is a switch. */
  readonly value?: string;
  readonly help: string;
}

export interface Verb {
  readonly name: string;
  readonly summary: string;
  readonly usage?: string;
  readonly flags?: readonly VerbFlag[];
  /** The cluster's settings are flags of this verb, too. */
  readonly settings?: boolean;
  /** Words that may follow, for completion. */
  readonly words?: readonly string[];
  readonly examples?: readonly string[];
}

const OUTPUT: VerbFlag = { name: "output", short: "o", value: "FORMAT", help: "json" };
const QUIET: VerbFlag = { name: "quiet", help: "no steps" };
const KUBECONFIG: VerbFlag = { name: "kubeconfig", value: "FILE", help: "file to change instead of $KUBECONFIG or ~/.kube/config" };

/** The command line, as a table: parsing, help and completion read it. `test`, `bench` and `simulate` are the launcher's. */
export const VERBS: readonly Verb[] = [
  {
    name: "up",
    summary: "set up and start a cluster on this machine",
    flags: [KUBECONFIG, { name: "no-switch", help: "leave the current context as it is" }, QUIET, OUTPUT],
    settings: true,
    examples: [
      "./skiff up",
      "./skiff up --data-dir /srv/second --https-listen-port 6444 --kubelet-port 10260 --cluster-cidr 10.44.0.0/16 --service-cidr 10.45.0.0/16 --service-node-port-range 28000-29999",
    ],
  },
  {
    name: "down",
    summary: "stop the cluster and its containers; its state stays",
    flags: [{ name: "purge", help: "also remove every file, mount, device and table that it made" }, KUBECONFIG, QUIET],
    settings: true,
    examples: ["./skiff down", "./skiff down --purge"],
  },
  { name: "restart", summary: "start server and agent anew; containers go on running", flags: [QUIET, KUBECONFIG], settings: true },
  { name: "status", summary: "say what runs, and how it is", flags: [OUTPUT], settings: true, examples: ["./skiff status", "./skiff status -o json"] },
  { name: "test", summary: "install what the tests need, and run them", usage: "test [PART…]" },
  { name: "bench", summary: "measure", usage: "bench [NAME…]" },
  {
    name: "simulate",
    summary: "play users and faults against a simulated cluster",
    usage: "simulate [--seeds N] [--from SEED] [--seed SEED] [--only STEPS] [--trace]",
  },
  { name: "server", summary: "run a server in the foreground", settings: true },
  { name: "agent", summary: "run an agent in the foreground", settings: true },
  { name: "kubectl", summary: "run kubectl on this cluster", usage: "kubectl ARGUMENTS…", examples: ["./skiff kubectl get pods -A"] },
  {
    name: "image",
    summary: "load images into the node, or list them",
    usage: "image load FILE|- | image ls",
    words: ["load", "ls"],
    flags: [
      { name: "as", value: "NAME", help: "the archive is a root file system: make it an image of this name" },
      { name: "cmd", value: "COMMAND", help: "with --as: what a container of it runs, words split at blanks" },
      OUTPUT,
    ],
    settings: true,
    examples: ["./skiff image load app.tar", "tar -C root -c . | ./skiff image load --as hello:1 --cmd '/bin/sh' -"],
  },
  {
    name: "secrets-encrypt",
    summary: "tell how Secrets are encrypted in the store, or change the key",
    usage: "secrets-encrypt status | rotate-keys",
    words: ["status", "rotate-keys"],
    flags: [OUTPUT],
    settings: true,
    examples: ["./skiff secrets-encrypt status", "./skiff secrets-encrypt rotate-keys"],
  },
  {
    name: "logs",
    summary: "show the logs of server and agent",
    usage: "logs [server|agent|containerd]",
    words: ["server", "agent", "containerd"],
    flags: [{ name: "follow", short: "f", help: "go on as lines come" }],
    settings: true,
  },
  {
    name: "datastore",
    summary: "copy the cluster's state between the embedded database and etcd",
    usage: "datastore migrate --from embedded|etcd|FILE --to embedded|etcd|FILE",
    words: ["migrate"],
    flags: [
      { name: "from", value: "STORE", help: "embedded (that of --data-dir), etcd (that of --datastore-endpoint), or a database's file" },
      { name: "to", value: "STORE", help: "likewise; it must be empty" },
      QUIET,
      OUTPUT,
    ],
    settings: true,
    examples: [
      "./skiff datastore migrate --from embedded --to etcd --datastore-endpoint https://a:2379,https://b:2379",
      "./skiff datastore migrate --from etcd --to embedded",
    ],
  },
  { name: "version", summary: "show versions", flags: [OUTPUT] },
  { name: "explain", summary: "tell more about an error", usage: "explain SKF-NNNN" },
  { name: "completion", summary: "print a completion script", usage: "completion bash|zsh|fish", words: ["bash", "zsh", "fish"] },
  { name: "help", summary: "show this" },
];

const COMMON: readonly VerbFlag[] = [{ name: "help", short: "h", help: "show help" }];
const CONFIG: VerbFlag = { name: "config", value: "FILE", help: "settings file (default /etc/skiff/config.yaml)" };

/** All flags of a verb: its own, the settings' and the common ones. */
export function flagsOf(verb: Verb): readonly VerbFlag[] {
  const settings = SETTING_FLAGS.map(({ flag, value, help, default: standard }) => ({
    name: flag,
    value,
    help: standard === undefined ? help : `${help} (default ${standard})`,
  }));
  return [...(verb.flags ?? []), ...(verb.settings === true ? [...settings, CONFIG] : []), ...COMMON];
}

export function overview(): string {
  const width = Math.max(...VERBS.map(({ name }) => name.length));
  const lines = VERBS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  const examples = "Examples:\n  ./skiff up\n  ./skiff kubectl get nodes\n  ./skiff down\n";
  return `Skiff runs containers behind the Kubernetes API.\n\n${examples}\nVerbs:\n${lines.join("\n")}\n\n./skiff VERB --help tells more.\n`;
}

export function helpOf(verb: Verb): string {
  const flags = flagsOf(verb).map(({ name, short, value, help }) => {
    const left = `  ${short === undefined ? "" : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
    return `${left.padEnd(34)}${help}`;
  });
  const examples = verb.examples === undefined ? "" : `\nExamples:\n${verb.examples.map((line) => `  ${line}\n`).join("")}`;
  return `./skiff ${verb.usage ?? verb.name}: ${verb.summary}\n${examples}\nFlags:\n${flags.join("\n")}\n`;
}
