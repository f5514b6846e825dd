import { basename } from 'node:path';
import type { Lab, Vm } from '../lab/model.js';
import { loginName } from '../lab/user-data.js';

/** Whom images of the cloud let in, by a word of their names. */
const USERS: readonly (readonly [RegExp, string])[] = [
  [/debian/i, 'debian'],
  [/ubuntu|-server-cloudimg/i, 'ubuntu'],
  [/fedora/i, 'fedora'],
  [/alma/i, 'almalinux'],
  [/rocky/i, 'rocky'],
  [/centos|rhel/i, 'cloud-user'],
  [/alpine/i, 'alpine'],
  [/arch/i, 'arch'],
  [/suse|sles/i, 'opensuse'],
  [/freebsd/i, 'freebsd'],
];

/** The names of users that do no harm in a command line; useradd(8) takes these. */
export const USER_NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?$/;

/** Whom cloud-init makes in a VM: the first user that its user data names, else the image's own; null where nobody can tell. */
export function userOf(vm: Vm, userData: string | null): string | null {
  const named = userData === null ? null : loginName(userData);
  if (named !== null && USER_NAME.test(named)) return named;
  const image = vm.boot.kind === 'image' ? vm.boot.image : (vm.disks[0]?.image ?? null);
  if (vm.cloudInit === null || image === null) return null;
  return USERS.find(([word]) => word.test(basename(image)))?.[1] ?? null;
}

/** The user data of a VM; null without, and where only its digest is left, as in a record. */
export function userDataOf(lab: Lab, name: string): string | null {
  const { cloudInit } = lab.vms.find(vm => vm.name === name) ?? {};
  return cloudInit?.userData && 'open' in cloudInit.userData ? cloudInit.userData.open() : null;
}

/** Is the key of this .pub file, by type and body, one of those that the VM lets in? */
export function isOneOf(pub: string, keys: readonly string[]): boolean {
  const body = keyIn(pub);
  return body !== null && keys.some(key => keyIn(key) === body);
}

/** `ssh-ed25519 AAAA…`, without options and comment. */
const keyIn = (line: string) =>
  /\b((?:sk-)?(?:ssh|ecdsa)-[\w@.-]+ AAAA[A-Za-z0-9+/=]+)/.exec(line)?.[1] ?? null;
