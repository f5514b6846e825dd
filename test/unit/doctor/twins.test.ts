import { expect, test } from 'vitest';
import { judgeTwins } from '../../../src/doctor/twins.js';

const UNSET = { accept_local: '0', rp_filter: '1', arp_ignore: '0', arp_filter: '0' };

test('nothing to say where no two interfaces share a wire', () => {
  expect(judgeTwins([], () => UNSET)).toMatchObject([{ id: 'twins', status: 'ok' }]);
});

test('both ends of a veth on the host: what the kernel does with such packets, and the way out', () => {
  const twins = [
    { where: 'the host', names: ['veth0', 'veth1'] as const, pair: true, subnet: '10.0.0.0/24' },
  ];
  const [finding] = judgeTwins(twins as never, () => UNSET);
  expect(finding?.status).toBe('warning');
  expect(finding?.found).toContain(
    'veth0 and veth1 are the two ends of one veth pair and both have addresses in 10.0.0.0/24',
  );
  expect(finding?.found).toContain('accept_local=0');
  expect(finding?.fix).toContain('namespace of its own');
});
