import { imageArchive, imageBlobs } from "#lib/oci-image.ts";
import { tarArchive } from "#lib/tar.ts";

export type PauseArch = "amd64" | "arm64";

const PAGE = 0x400000;
const ELF_HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const CODE_ADDRESS = PAGE + ELF_HEADER_BYTES + PROGRAM_HEADER_BYTES;
const SIGCHLD = 17;
const SIGTERM = 15;
const SA_RESTORER = 0x0400_0000;

/** An OCI archive of the image that holds a pod's namespaces; made from the bytes below, so no registry is asked. */
export function pauseArchive(image: string, arch: PauseArch): Buffer {
  const layer = tarArchive([{ path: "pause", mode: 0o755, data: pauseProgram(arch) }]);
  return imageArchive(image, imageBlobs({ layer, arch, config: { Entrypoint: ["/pause"], User: "65535:65535", Env: ["PATH=/"] } }));
}

/**
 * A static ELF program that ignores SIGCHLD, so that the kernel reaps its children when it is process 1 of a shared
 * namespace, exits on SIGTERM, and otherwise sleeps.
 */
export function pauseProgram(arch: PauseArch): Buffer {
  return elf(arch === "amd64" ? 62 : 183, arch === "amd64" ? amd64Code() : arm64Code());
}

/** A little-endian 64-bit executable of one readable and executable segment. */
function elf(machine: number, code: Buffer): Buffer {
  const header = Buffer.alloc(ELF_HEADER_BYTES + PROGRAM_HEADER_BYTES);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(machine, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(CODE_ADDRESS), 24);
  header.writeBigUInt64LE(BigInt(ELF_HEADER_BYTES), 32);
  header.writeUInt16LE(ELF_HEADER_BYTES, 52);
  header.writeUInt16LE(PROGRAM_HEADER_BYTES, 54);
  header.writeUInt16LE(1, 56);
  const size = BigInt(header.length + code.length);
  header.writeUInt32LE(1, 64);
  header.writeUInt32LE(5, 68);
  header.writeBigUInt64LE(BigInt(PAGE), 80);
  header.writeBigUInt64LE(BigInt(PAGE), 88);
  header.writeBigUInt64LE(size, 96);
  header.writeBigUInt64LE(size, 104);
  header.writeBigUInt64LE(0x1000n, 112);
  return Buffer.concat([header, code]);
}

/** A kernel sigaction: handler, flags, restorer, mask. */
function sigaction(handler: number, flags: number, restorer: number): Buffer {
  const action = Buffer.alloc(32);
  action.writeBigUInt64LE(BigInt(handler), 0);
  action.writeBigUInt64LE(BigInt(flags), 8);
  action.writeBigUInt64LE(BigInt(restorer), 16);
  return action;
}

function amd64Code(): Buffer {
  const u32 = (value: number) => [value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >> 24) & 255];
  const setAction = (signal: number, action: number) => [
    ...[0xbf, ...u32(signal)], // mov edi, signal
    ...[0xbe, ...u32(action)], // mov esi, action
    ...[0x31, 0xd2], // xor edx, edx
    ...[0x41, 0xba, ...u32(8)], // mov r10d, 8
    ...[0xb8, ...u32(13)], // mov eax, rt_sigaction
    ...[0x0f, 0x05], // syscall
  ];
  const sleep = [0xb8, ...u32(34), 0x0f, 0x05, 0xeb, 0xf7]; // pause, again and again
  const exit = [0x31, 0xff, 0xb8, ...u32(231), 0x0f, 0x05]; // exit_group(0)
  const exitAt = CODE_ADDRESS + 2 * setAction(0, 0).length + sleep.length;
  const dataAt = exitAt + exit.length;
  const code = [...setAction(SIGCHLD, dataAt), ...setAction(SIGTERM, dataAt + 32), ...sleep, ...exit];
  return Buffer.concat([Buffer.from(code), sigaction(1, 0, 0), sigaction(exitAt, SA_RESTORER, exitAt)]);
}

function arm64Code(): Buffer {
  const move = (register: number, value: number) => 0xd2800000 + value * 32 + register;
  const address = (register: number, distance: number) => 0x10000000 + (distance % 4) * 0x2000_0000 + Math.floor(distance / 4) * 32 + register;
  const call = 0xd4000001;
  const setAction = (signal: number, distance: number) => [move(0, signal), address(1, distance), move(2, 0), move(3, 8), move(8, 134), call];
  const sleep = [move(0, 0), move(1, 0), move(2, 0), move(3, 0), move(4, 0), move(8, 73), call, 0x17fffff9]; // ppoll for ever
  const exit = [move(0, 0), move(8, 94), call];
  const length = 4 * (12 + sleep.length + exit.length);
  const words = [...setAction(SIGCHLD, length - 4), ...setAction(SIGTERM, length - 4 * 7 + 32), ...sleep, ...exit];
  const code = Buffer.alloc(length);
  words.forEach((word, i) => code.writeUInt32LE(word >>> 0, i * 4));
  const exitAt = CODE_ADDRESS + 4 * (12 + sleep.length);
  return Buffer.concat([code, sigaction(1, 0, 0), sigaction(exitAt, 0, 0)]);
}
