import type { Files } from '../drivers/files.js';

/** A user of this host. */
export interface HomeAccount {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** By passwd(5); null for a user that it does not know. */
export async function accountOf(user: string | undefined, files: Files): Promise<HomeAccount | null> {
  if (user === undefined) return null;
  const lines = ((await files.read('/etc/passwd')) ?? '').split('\n').map(line => line.split(':'));
  const [, , uid = '', gid = '', , home = ''] = lines.find(([name]) => name === user) ?? [];
  return /^\d+$/.test(uid) && /^\d+$/.test(gid) && home.startsWith('/')
    ? { uid: Number(uid), gid: Number(gid), home }
    : null;
}
