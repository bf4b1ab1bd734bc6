import type { Clock } from "#lib/clock.ts";
import { Problems } from "./problems.ts";
import { clusterProcesses, endAll, killAll, type ProcessInfo, waitUntilGone } from "./processes.ts";
import { BOTH, type Program, stopUnits } from "./systemd.ts";

/** Together with what it takes to kill, and to stop containers, this stays below the 15 s that `down` may take. */
const PROGRAM_GRACE_MS = 3500;

/**
 * Supervisors hand the signal on; they end first, so that nothing comes back. Containers are left alone.
 *
 * @throws {SkiffError} SKF-0101 when all have ended, and systemd could not be told so: it may start them again
 */
export async function stopPrograms(dataDir: string, clock: Clock, programs: readonly Program[] = BOTH): Promise<void> {
  const problems = new Problems();
  let isTold = false;
  await problems.catch(() => void (isTold = stopUnits(dataDir, programs)));
  const find = () => clusterProcesses(dataDir).filter((info) => programs.some((program) => belongsTo(info, program)));
  const found = find();
  const supervisors = new Set(found.filter(({ role }) => role === "supervisor").map(({ pid }) => pid));
  const asked = found.filter(({ pid, parent }) => supervisors.has(pid) || !supervisors.has(parent));
  // A program that is told twice ends at once: either systemd tells it, or we do.
  if (isTold) await waitUntilGone(asked, PROGRAM_GRACE_MS, clock);
  else await endAll(asked, PROGRAM_GRACE_MS, clock);
  // A supervisor that had to be killed was waiting for one of these.
  await killAll(find(), clock);
  problems.throwFirst();
}

function belongsTo(info: ProcessInfo, program: Program): boolean {
  return info.role === program || supervises(info, program);
}

/** Settings, which may have its name for a value, come after the program. */
export function supervises({ role, command }: ProcessInfo, program: Program): boolean {
  return role === "supervisor" && command.find((word) => word === "server" || word === "agent") === program;
}
