import { existsSync, globSync, readFileSync } from "node:fs";
import { nearest } from "./command-line.ts";
import { SkiffError } from "./errors.ts";
import { SETTING_FLAGS, type SettingTexts } from "./settings.ts";

export const DEFAULT_CONFIG_FILE = "/etc/skiff/config.yaml";

/**
 * Reads a settings file and its drop-ins (`config.yaml.d/*.yaml`, in order). Keys are flag names; `key+` appends.
 *
 * @throws {SkiffError} SKF-1701 for an unknown key or text that is not YAML
 */
export async function readConfigFile(path: string, required: boolean): Promise<SettingTexts> {
  const files = [path, ...globSync(`${path}.d/*.yaml`).sort()].filter(existsSync);
  if (required && !existsSync(path)) throw new SkiffError("SKF-1701", `${path} does not exist`);
  if (files.length === 0) return {};
  const { parse } = await import("yaml");
  let merged: SettingTexts = {};
  for (const file of files) merged = mergeConfig(merged, parseYaml(file, parse), file);
  return merged;
}

/** Later values replace earlier ones; those of `key+` are added, comma-separated. */
export function mergeConfig(base: SettingTexts, values: unknown, file: string): SettingTexts {
  if (values === null || values === undefined) return base;
  if (typeof values !== "object" || Array.isArray(values)) throw new SkiffError("SKF-1701", `${file}: not a list of settings`);
  const merged: Record<string, string | undefined> = { ...base };
  for (const [key, value] of Object.entries(values)) {
    const flag = key.replace(/\+$/, "");
    const known = SETTING_FLAGS.map((setting) => setting.flag);
    if (!known.includes(flag)) {
      const near = nearest(flag, known);
      throw new SkiffError("SKF-1701", `${file}: unknown key ${JSON.stringify(flag)}`, near === undefined ? {} : { reason: `did you mean ${near}?` });
    }
    const text = Array.isArray(value) ? value.join(",") : String(value);
    const old = merged[flag];
    merged[flag] = key.endsWith("+") && old !== undefined ? `${old},${text}` : text;
  }
  return merged;
}

function parseYaml(file: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new SkiffError("SKF-1701", `${file} is not YAML`, { reason: (error as Error).message });
  }
}
