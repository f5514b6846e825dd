import type { Drivers } from '../drivers/drivers.js';
import type { Lab } from '../lab/model.js';
import type { Accounts } from './model.js';

/** The users and groups that a lab names, as the host knows them: a process for each, and none where it names nobody. */
export async function accountsFor(lab: Lab | null, { run }: Drivers): Promise<Accounts> {
  const look = async (database: 'passwd' | 'group', keys: readonly (string | null)[]) => {
    const names = [...new Set(keys.filter(key => key !== null))];
    const found = await Promise.all(
      names.map(async name => {
        const { stdout } = await run('getent', [database, name], { allowFailure: true });
        const account = parseAccount(stdout);
        return account === null ? [] : [{ asked: name, ...account }];
      }),
    );
    return found.flat();
  };
  const tuns = lab?.tuns ?? [];
  const [users, groups] = await Promise.all([
    look(
      'passwd',
      tuns.map(({ owner }) => owner),
    ),
    look(
      'group',
      tuns.map(({ group }) => group),
    ),
  ]);
  return { users, groups };
}

/** A line of passwd(5) or group(5): the name comes first, the number third. */
export function parseAccount(line: string): { name: string; id: number } | null {
  const [name = '', , id = ''] = line.trim().split(':');
  return name !== '' && /^\d+$/.test(id) ? { name, id: Number(id) } : null;
}
