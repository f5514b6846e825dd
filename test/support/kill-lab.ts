import type { Box } from './box.js';

/** A lab that takes over a NIC which a route table and a rule name as well: what a killed run has to put back. */
export async function killLab(box: Box, name: string): Promise<string> {
  await box.run('ip', 'route', 'add', '10.10.0.0/16', 'via', '192.0.2.7', 'table', '100');
  await box.run('ip', 'rule', 'add', 'iif', 'eth0', 'lookup', '100', 'pref', '70');
  return box.lab({
    name,
    bridges: { br0: { uplink: 'eth0' } },
    vms: { a: { boot: 'probe', nics: [{ bridge: 'br0' }] } },
  });
}
