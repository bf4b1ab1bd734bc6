/** Ends the program as `skiff` itself does when it is called in a wrong way. */
export function refuse(what: string, cause: string, example: string): never {
  process.stderr.write(`error[SKF-0201]: ${what}\ncause: ${cause}\ntry: ${example}\nmore: skiff explain SKF-0201\n`);
  process.exit(2);
}

/** What `parse` makes of the command line, if it can. */
export function parsedOr<T>(parse: () => T, example: string): T {
  try {
    return parse();
  } catch (error) {
    const [sentence = ""] = (error as Error).message.split(". ");
    return refuse("these options are not right", sentence, example);
  }
}
