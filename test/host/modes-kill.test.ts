import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { Box } from '../support/box.js';
import { EXHAUSTIVE, type Moment, momentsOf } from '../support/moments.js';
import { killedEverywhere, PROVISION } from '../support/ways-back.js';

// vmnet killed with -9 before and after every batch, and before every sysctl that it writes, while a bridge behind the
// host is made and taken down: rules, switches and Docker's chain come back.

let box: Box;
let file: string;
let before: Snapshot;
let provision: Moment[];
let destroy: Moment[];

beforeAll(async () => {
  box = await Box.up();
  for (const line of ['-N DOCKER-USER', '-A FORWARD -j DOCKER-USER', '-P FORWARD DROP'])
    await box.run('iptables-nft', ...line.split(' '));
  file = await box.lab({
    name: 'cut',
    bridges: {
      br7: { mode: 'nat', address: ['10.77.0.1/24', 'fd77::1/64'], docker: 'allow' },
      br8: { mode: 'isolated' },
    },
  });
  before = await box.snapshot();
  provision = chosen(await momentsOf(box, FOLDERS, ...PROVISION, file));
  destroy = chosen(await momentsOf(box, FOLDERS, 'destroy', 'cut'));
});

afterAll(() => box?.down());

const STATE = '/run/vmnet-state';
const FOLDERS = [STATE, '/proc/sys/net'];

/** Batches are files from before they run until after; the words of the journal say which phase begins. */
const chosen = (all: Moment[]) =>
  all.filter(
    ({ call, path, title }) =>
      EXHAUSTIVE ||
      path?.startsWith('/proc/sys/') ||
      path?.endsWith('.log') ||
      (call === 'unlink' && title.includes('/batches/')),
  );

const touchesForwarding = ({ path }: Moment) => path?.endsWith('/eth0/forwarding');

describe('a bridge behind the host', () => {
  it('is undone, wherever provision was killed', { timeout: 600_000 }, async () => {
    expect(provision.some(touchesForwarding)).toBe(true);
    await killedEverywhere({ box, lab: 'cut', file, before }, provision, [...PROVISION, file]);
  });

  it('is gone, wherever destroy was killed', { timeout: 600_000 }, async () => {
    expect(destroy.some(touchesForwarding)).toBe(true);
    const ready = async () => {
      expect((await box.vmnet(...PROVISION, file)).json.error).toBeNull();
    };
    await killedEverywhere({ box, lab: 'cut', file, before }, destroy, ['destroy', 'cut'], ready);
  });
});
