/**
 * Replaces `$(NAME)` by the variable's value; `$$` stands for `$`, and names without a value stay as they are.
 *
 * @see third_party/forked/golang/expansion
 */
export function expand(text: string, valueOf: (name: string) => string | undefined): string {
  let result = "";
  let at = 0;
  for (let dollar = text.indexOf("$"); dollar >= 0 && dollar + 1 < text.length; dollar = text.indexOf("$", at)) {
    result += text.slice(at, dollar);
    const next = text[dollar + 1];
    const end = next === "(" ? text.indexOf(")", dollar) : -1;
    if (end > 0) {
      const name = text.slice(dollar + 2, end);
      result += valueOf(name) ?? `$(${name})`;
      at = end + 1;
    } else {
      result += next === "$" ? "$" : `$${next}`;
      at = dollar + 2;
    }
  }
  return result + text.slice(at);
}
