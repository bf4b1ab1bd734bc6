import { posix } from "node:path";

/** Where a page stands that came through a proxy. */
export interface ProxiedPage {
  /** What the proxy puts before its backend's paths. */
  readonly prefix: string;
  /** As the backend is reached: `10.42.0.7:80`. */
  readonly backend: string;
  /** As the client reaches the proxy. */
  readonly host: string;
}

const URL_PARTS = /^(?:([a-z][a-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)([\s\S]*)$/i;

/**
 * A link of the page's own server, so that it leads through the proxy; others stay as they are.
 *
 * @see kubernetes apimachinery pkg/util/proxy/transport.go
 */
export function rewrittenUrl(url: string, { prefix, backend, host }: ProxiedPage): string {
  const [, scheme, authority = "", path = "", rest = ""] = URL_PARTS.exec(url)!;
  const isElsewhere = authority !== "" && authority !== backend && authority !== host;
  if (isElsewhere || !path.startsWith("/")) return url;
  const origin = authority !== "" && authority === host ? `${scheme === undefined ? "" : `${scheme}:`}//${authority}` : "";
  return `${origin}${path.startsWith(prefix) ? path : posix.join(prefix, path)}${rest}`;
}

/** Attributes that hold links, by element. */
const LINKS: Readonly<Record<string, readonly string[]>> = {
  a: ["href"],
  applet: ["codebase"],
  area: ["href"],
  audio: ["src"],
  base: ["href"],
  blockquote: ["cite"],
  body: ["background"],
  button: ["formaction"],
  command: ["icon"],
  del: ["cite"],
  embed: ["src"],
  form: ["action"],
  frame: ["longdesc", "src"],
  head: ["profile"],
  html: ["manifest"],
  iframe: ["longdesc", "src"],
  img: ["longdesc", "src", "usemap"],
  input: ["src", "usemap", "formaction"],
  ins: ["cite"],
  link: ["href"],
  object: ["classid", "codebase", "data", "usemap"],
  q: ["cite"],
  script: ["src"],
  source: ["src"],
  video: ["poster", "src"],
};

/** Comments, and elements whose content is no markup, are passed over whole. */
const MARKUP = /<!--|<([a-z][^\s/>]*)/gi;
const ATTRIBUTE = /([^\s"'<>/=]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'=<>`]+)/g;
const RAW = new Set(["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "noscript"]);

/** @param html as bytes are letters (Latin 1): whatever its letters are, its markup is ASCII */
export function rewrittenHtml(html: string, page: ProxiedPage): string {
  const markup = new RegExp(MARKUP);
  let out = "";
  let at = 0;
  for (let match = markup.exec(html); match !== null; match = markup.exec(html)) {
    const [begin, name] = match;
    const inside = match.index + begin.length;
    const end = name === undefined ? html.indexOf("-->", inside) : endOfTag(html, inside);
    if (end < 0) break; // what does not end is left as it is
    markup.lastIndex = end + 1;
    if (name === undefined) continue;
    const element = name.toLowerCase();
    const links = Object.hasOwn(LINKS, element) ? LINKS[element]! : [];
    out += html.slice(at, inside) + rewrittenAttributes(html.slice(inside, end), links, page);
    at = end;
    if (RAW.has(element)) markup.lastIndex = endOfRaw(html, element, end);
  }
  return out + html.slice(at);
}

/** Where the tag's `>` is, which may stand in quotes before. */
function endOfTag(html: string, from: number): number {
  for (let i = from; i >= 0 && i < html.length; i++) {
    const letter = html[i];
    if (letter === ">") return i;
    if (letter !== '"' && letter !== "'") continue;
    i = html.indexOf(letter, i + 1);
    if (i < 0) return -1;
  }
  return -1;
}

function endOfRaw(html: string, element: string, from: number): number {
  const end = new RegExp(`</${element}`, "gi");
  end.lastIndex = from;
  return end.exec(html)?.index ?? html.length;
}

function rewrittenAttributes(text: string, links: readonly string[], page: ProxiedPage): string {
  if (links.length === 0) return text;
  return text.replace(ATTRIBUTE, (whole: string, name: string, equals: string, quoted: string) => {
    if (!links.includes(name.toLowerCase())) return whole;
    const value = unescaped(/^["']/.test(quoted) ? quoted.slice(1, -1) : quoted);
    const changed = rewrittenUrl(value, page);
    return changed === value ? whole : `${name}${equals}"${escaped(changed)}"`;
  });
}

const NAMED: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescaped(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(amp|lt|gt|quot|apos));/gi, (whole: string, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return NAMED[name.toLowerCase()]!;
    const code = Number.parseInt(decimal ?? hex!, decimal === undefined ? 16 : 10);
    return code < 256 ? String.fromCharCode(code) : whole;
  });
}

const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll('"', "&#34;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("'", "&#39;");
