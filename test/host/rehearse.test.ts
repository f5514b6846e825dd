import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { rehearse } from '../support/rehearsed.js';

// A rehearsal that could not fail would show nothing. Labs of namespaces alone: no guest has to boot.

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rehearse-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function played(content: object) {
  const file = join(folder, 'lab.json');
  await writeFile(file, JSON.stringify({ version: 1, ...content }));
  return rehearse(file);
}

const pair = (sysctls: object) => ({
  name: 'pair',
  namespaces: { a: {}, b: { sysctls } },
  links: [
    {
      endpoints: [
        { namespace: 'a', name: 'eth1', address: '198.51.100.1/30' },
        { namespace: 'b', name: 'eth1', address: '198.51.100.2/30' },
      ],
    },
  ],
});

it('says who did not answer whom, and fails', async () => {
  const { code, json } = await played(pair({ 'net.ipv4.icmp_echo_ignore_all': 1 }));
  const { pings, faults, left } = json;
  expect(pings).toEqual([
    { from: 'a', who: 'b', address: '198.51.100.2', answers: true, sent: 3, received: 0 },
    { from: 'b', who: 'a', address: '198.51.100.1', answers: true, sent: 3, received: 3 },
  ]);
  expect({ code, faults, left }).toEqual({
    code: 3,
    faults: ['198.51.100.2 (b) did not answer a'],
    left: [],
  });
});

it('finds nothing to say against the same with all answering', async () => {
  const { code, json } = await played(pair({}));
  expect({ code, faults: json.faults }).toEqual({ code: 0, faults: [] });
});
