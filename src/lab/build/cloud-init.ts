import { resolve } from 'node:path';
import type { RawLab } from '../file.js';
import type { CloudInit } from '../model.js';
import { Sealed } from '../sealed.js';
import { plainAddress } from './address.js';

type RawVm = NonNullable<RawLab['vms']>[string];
type RawCloudInit = NonNullable<RawVm['cloudInit']>;
type RawUserData = NonNullable<RawCloudInit['userData']>;

/** Reads a file of user data; null where nobody needs it. */
export type ReadText = (path: string) => string | null;

export function buildCloudInit(raw: RawCloudInit, vm: string, folder: string, read: ReadText): CloudInit {
  const hostname = raw.hostname ?? hostnameFor(vm);
  const sshKeys = (raw.sshKeys ?? []).map(key => key.trim());
  const file = userDataFile(raw.userData);
  const text = file === null ? userDataText(raw.userData) : read(resolve(folder, file));
  return {
    hostname,
    sshKeys,
    dns: (raw.dns ?? []).map(plainAddress),
    file: file === null ? null : resolve(folder, file),
    userData: text === null ? null : new Sealed(text),
  };
}

/** A name of a VM may have what a host name may not. */
const hostnameFor = (vm: string) => vm.replace(/_/g, '-').replace(/-+$/, '') || 'vm';

/** The path in `{ "file": … }`: no key of cloud-config is called so. */
export function userDataFile(data: unknown): string | null {
  const keys = typeof data === 'object' && data !== null ? Object.keys(data) : [];
  const { file } = (data ?? {}) as { file?: unknown };
  return keys.length === 1 && typeof file === 'string' ? file : null;
}

const userDataText = (data: RawUserData | undefined): string | null =>
  data === undefined || typeof data === 'string'
    ? (data ?? null)
    : `#cloud-config\n${JSON.stringify(data, null, 2)}\n`;
