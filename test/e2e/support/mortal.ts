/** The words of a command that is killed when this process ends, however that ends. */
export function mortal(...command: string[]): [file: string, words: string[]] {
  return ["setpriv", ["--pdeathsig", "KILL", ...command]];
}
