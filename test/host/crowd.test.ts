import { afterEach, beforeEach, expect, it } from 'vitest';
import { Box } from '../support/box.js';
import { crowdUp } from '../support/stand-ins.js';

let box: Box;
let end: () => Promise<void>;

beforeEach(async () => {
  box = await Box.up();
});

afterEach(async () => {
  await end?.();
  await box?.down();
});

it('fifty NICs are proven direct in one run', async () => {
  end = await crowdUp(box, 50);
  const answer = await box.vmnet('verify', 'crowd');
  const paths = answer.json.checks.filter(({ name }: { name: string }) => name === 'path');
  const others = paths.filter(({ verdict }: { verdict: string }) => verdict !== 'direct');
  expect(others.map(({ vm, reason, hint }: Record<string, string>) => [vm, reason, hint])).toEqual([]);
  expect([paths.length, answer.code]).toEqual([50, 0]);
  // Each by frames of its own, that really left.
  for (const { evidence } of paths) {
    expect(evidence.first.left).toMatchObject({ port: 'eth0' });
    for (const family of ['ip', 'ip6', 'arp']) expect(evidence.families[family].switched).toBeGreaterThan(0);
    expect(evidence.inbound.captured).toBeGreaterThan(0);
    expect(evidence.fullSize.left).toBeGreaterThan(0);
  }
});
