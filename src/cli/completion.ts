import { SkiffError } from "./errors.ts";
import { flagsOf, VERBS } from "./verbs.ts";

/** A script that completes verbs, their words and their flags. */
export function completion(shell: string | undefined): string {
  if (shell === "bash") return bash();
  if (shell === "zsh") return `autoload -U +X bashcompinit && bashcompinit\n${bash()}`;
  if (shell === "fish") return fish();
  throw new SkiffError("SKF-0201", `completion: ${shell === undefined ? "a shell is missing" : `unknown shell ${JSON.stringify(shell)}`}`, {
    remedy: "./skiff completion bash",
  });
}

function bash(): string {
  const cases = VERBS.map((verb) => {
    const words = [...(verb.words ?? []), ...flagsOf(verb).map(({ name }) => `--${name}`)].join(" ");
    return `    ${verb.name}) words="${words}" ;;`;
  });
  return `_skiff() {
  local words="${VERBS.map(({ name }) => name).join(" ")}"
  if (( COMP_CWORD > 1 )); then
    case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _skiff skiff ./skiff
`;
}

function fish(): string {
  const quote = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const lines = VERBS.flatMap((verb) => [
    `complete -c skiff -n __fish_use_subcommand -a ${verb.name} -d ${quote(verb.summary)}`,
    ...(verb.words ?? []).map((word) => `complete -c skiff -n '__fish_seen_subcommand_from ${verb.name}' -a ${word}`),
    ...flagsOf(verb).map(({ name, help }) => `complete -c skiff -n '__fish_seen_subcommand_from ${verb.name}' -l ${name} -d ${quote(help)}`),
  ]);
  return `${lines.join("\n")}\n`;
}
