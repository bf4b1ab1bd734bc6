import { get } from "node:http";

/** What a client that never stopped asking has seen. */
export interface Seen {
  readonly answers: number;
  /** How often each was seen. */
  readonly failures: Readonly<Record<string, number>>;
}

const CLIENTS = 4;
const TIMEOUT_MS = 2000;

/** One request on a connection of its own. @returns the body @throws for anything but a 200 */
export function request(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const answer = get(url, { agent: false, timeout: TIMEOUT_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`status ${response.statusCode}: ${text}`));
      });
    });
    answer.on("timeout", () => answer.destroy(new Error(`no answer in ${TIMEOUT_MS} ms`)));
    answer.on("error", reject);
  });
}

/** Requests `url` without a pause, a connection each, until told to stop. */
export function startSteadyClient(url: string): { stop(): Promise<Seen> } {
  let isStopped = false;
  let answers = 0;
  const failures: Record<string, number> = {};
  const ask = async () => {
    while (!isStopped) {
      try {
        await request(url);
        answers++;
      } catch (error) {
        failures[String(error)] = (failures[String(error)] ?? 0) + 1;
      }
    }
  };
  const running = Promise.all(Array.from({ length: CLIENTS }, ask));
  return {
    stop: async () => {
      isStopped = true;
      await running;
      return { answers, failures };
    },
  };
}
