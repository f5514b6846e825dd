import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, it } from 'vitest';
import { Box } from '../support/box.js';
import { median, ratio } from './measure.js';
import { ROUNDS, report } from './report.js';
import { guestsUp, NICS, type Peer } from './traffic/guests.js';

// What a guest gains by a bridge: the same traffic with a host on the LAN, by way of the host's NAT, and of QEMU's.

const ECHOED = fileURLToPath(new URL('traffic/echoed.mjs', import.meta.url));
const SECONDS = 2;

/** What traffic/echoed.mjs prints, and what it is called in the table. */
const FIGURES = {
  roundTripMs: 'round trip, ms',
  megabytesASecond: 'echoed, MB/s',
  host: 'CPU of the host, ms/MB',
  qemu: 'of it QEMU, ms/MB',
  processor: "of that the guest's processor, ms/MB",
} as const;

type Echoed = Readonly<Record<keyof typeof FIGURES, number>>;

let box: Box;

beforeAll(async () => {
  box = await Box.up(NICS);
});

afterAll(() => box?.down());

/** The host on the LAN sees all processes, so that it can tell what each of them spends. */
async function echoed({ address, port, pid }: Peer): Promise<Echoed> {
  const network = `--net=/proc/${box.sandbox.lan.pid}/ns/net`;
  const words = [process.execPath, ECHOED, address, String(port), String(pid), String(SECONDS)];
  return JSON.parse((await promisify(execFile)('nsenter', [network, ...words])).stdout);
}

it('traffic of a guest', async () => {
  const { peers, leftOut } = await guestsUp(box);
  const found = Object.entries(peers).map(([way, peer]) => ({
    way,
    peer,
    all: [] as Echoed[],
  }));
  for (let round = 0; round < ROUNDS; round++)
    for (const { peer, all } of found) all.push(await echoed(peer));
  const rows = Object.entries(FIGURES).flatMap(([key, figure]) => {
    const valuesOf = (all: readonly Echoed[]) => all.map(it => it[key as keyof Echoed]);
    const bridged = valuesOf(found[0]?.all ?? []);
    return found.map(({ way, all }) => {
      const values = valuesOf(all);
      return {
        figure,
        way,
        median: significant(median(values)),
        min: significant(Math.min(...values)),
        max: significant(Math.max(...values)),
        'times bridged': ratio(values, bridged),
      };
    });
  });
  report(
    'traffic of a guest',
    `${ROUNDS} rounds of ${SECONDS} s each. A host on the LAN has one probe guest after the other echo what it sends by TCP, bytes one by one, then all it can; the guests differ only in their network cards. A MB is there and back. CPU time of the host is that of QEMU, which emulates the guest's processor here, and of interrupts, in which the kernel bridges and translates; the host on the LAN does not count${leftOut.map(why => `. ${why}`).join('')}`,
    rows,
  );
});

const significant = (value: number) => Number(value.toPrecision(3));
