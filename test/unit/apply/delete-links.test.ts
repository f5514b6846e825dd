import { expect, test } from 'vitest';
import { execute } from '../../../src/apply/execute.js';
import type { Drivers } from '../../../src/drivers/drivers.js';
import { VmnetError } from '../../../src/errors.js';

const refs = ['vmnet.l.a.0', 'vmnet.l.b.0'].map(altname => ({ altname, createdAs: null }));

/** A host that has the second of two taps, and refuses to delete what is not there, or fails otherwise. */
function host(code: 'command-failed' | 'state' = 'command-failed') {
  const asked: (readonly string[])[] = [];
  const ip = {
    links: async () => [{ ifname: 'tap1', ifindex: 7, altnames: ['vmnet.l.b.0'] }],
    async deleteLinks(names: readonly string[]) {
      asked.push(names);
      if (names.includes('vmnet.l.a.0')) throw new VmnetError(code, 'no');
    },
  };
  const go = (undoing: boolean) =>
    execute({ kind: 'delete-links', links: refs }, { ip } as unknown as Drivers, {
      undoing,
      signal: null,
      tell: () => {},
    });
  return { asked, go };
}

test('links are deleted as they were seen; where one is gone since, those that are still there', async () => {
  const { asked, go } = host();
  await go(false);
  expect(asked).toEqual([['vmnet.l.a.0', 'vmnet.l.b.0'], ['vmnet.l.b.0']]);
});

test('an undo looks first', async () => {
  const { asked, go } = host();
  await go(true);
  expect(asked).toEqual([['vmnet.l.b.0']]);
});

test('any other failure is one', async () => {
  await expect(host('state').go(false)).rejects.toThrow('no');
});
