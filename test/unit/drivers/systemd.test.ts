import { expect, test } from 'vitest';
import { transientArgs } from '../../../src/drivers/systemd.js';

test('a daemon as a transient unit: waited for until it is ready, and started again when it dies', () => {
  const argv = ['dnsmasq', '--conf-file=/s/l/br1.0.conf'];
  expect(transientArgs('vmnet-dnsmasq:l:br1.service', argv, '/s/l/br1.pid', '/s/l/br1.pid.err')).toEqual([
    ...['--quiet', '--collect', '--unit=vmnet-dnsmasq:l:br1.service'],
    ...['--property=Type=forking', '--property=PIDFile=/s/l/br1.pid', '--property=Restart=on-failure'],
    ...['--property=StandardError=append:/s/l/br1.pid.err', '--', ...argv],
  ]);
});
