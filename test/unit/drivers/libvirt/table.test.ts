import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseStringPromise } from 'xml2js';
import { ERROR_CODES } from '../../../../src/drivers/libvirt/codes.js';
import { FUNCTIONS, KINDS, type Kind, QEMU_FUNCTIONS } from '../../../../src/drivers/libvirt/table.js';

/** libvirt's description of its own API, in Debian's libvirt-dev. */
const API = '/usr/share/libvirt/api/libvirt-api.xml';
const QEMU_API = '/usr/share/libvirt/api/libvirt-qemu-api.xml';

interface Described {
  $: { name: string };
  return: [{ $: { type: string } }];
  arg?: { $: { type: string } }[];
}

interface EnumValue {
  $: { name: string; type: string; value: string };
}

async function readApi(path = API): Promise<{ functions: Described[]; enums: EnumValue[] }> {
  const { api } = await parseStringPromise(readFileSync(path, 'utf8'));
  return { functions: api.symbols[0].function, enums: api.symbols[0].enum };
}

const present = existsSync(API);
if (!present && !process.env.CI)
  console.warn(`not compared with libvirt's own description: no ${API} (libvirt-dev)`);

describe.skipIf(!present && !process.env.CI)("the table, against libvirt's own description", () => {
  it('has the result and the arguments of every function right', async () => {
    const [{ functions }, qemu] = await Promise.all([readApi(), readApi(QEMU_API)]);
    const theirs = new Map([...functions, ...qemu.functions].map(it => [it.$.name, signature(it)]));
    const wrong = Object.entries({ ...FUNCTIONS, ...QEMU_FUNCTIONS })
      .map(([name, kinds]) => ({ name, ours: kinds.map(cType).join(', '), theirs: theirs.get(name) }))
      .filter(({ ours, theirs }) => ours !== theirs);
    expect(wrong).toEqual([]);
  });

  it('has the number of every error code right', async () => {
    const { enums } = await readApi();
    const theirs = new Map(
      enums.filter(it => it.$.type === 'virErrorNumber').map(it => [it.$.name, Number(it.$.value)]),
    );
    const wrong = Object.entries(ERROR_CODES).filter(
      ([name, code]) => theirs.get(`VIR_ERR_${name}`) !== code,
    );
    expect(wrong).toEqual([]);
  });
});

const cType = (kind: Kind): string => KINDS[kind].c;

const signature = (it: Described): string =>
  [it.return[0].$.type, ...(it.arg ?? []).map(arg => arg.$.type)].join(', ');
