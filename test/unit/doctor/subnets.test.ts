import { expect, test } from 'vitest';
import { type Claim, judgeSubnets } from '../../../src/doctor/subnets.js';
import { subnetsInXml } from '../../../src/host/networks.js';
import { parseCidr, subnetText } from '../../../src/lab/cidr.js';

test("subnets of a network, from libvirt's XML", () => {
  const xml = `<network><name>default</name><bridge name='virbr0'/>
    <ip address='192.168.122.1' netmask='255.255.255.0'><dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp></ip>
    <ip family='ipv6' address='fd00:1::1' prefix='64'/><ip address='x' netmask='y'/></network>`;
  expect(subnetsInXml(xml).map(subnetText)).toEqual(['192.168.122.0/24', 'fd00:1::/64']);
  expect(subnetsInXml('')).toEqual([]);
});

const claim = (device: string, cidr: string): Claim => {
  const subnet = parseCidr(cidr);
  if (!subnet) throw new Error(cidr);
  return { who: device, device, subnet };
};

test.each([
  ['two networks', [claim('eth0', '192.168.1.5/24'), claim('virbr0', '192.168.122.1/24')], 'ok'],
  ['one within the other', [claim('eth0', '10.1.2.3/8'), claim('virbr0', '10.7.0.1/16')], 'warning'],
  ['one device', [claim('virbr0', '192.168.122.1/24'), claim('virbr0', '192.168.122.1/24')], 'ok'],
  ['two families', [claim('eth0', '0.0.0.1/0'), claim('eth1', '::1/0')], 'ok'],
])('%s', (_, claims, status) => expect(judgeSubnets(claims).status).toBe(status));

test('the smaller subnet is named, and a crowd is cut', () => {
  const many = Array.from({ length: 5 }, (_, i) => claim(`eth${i}`, '10.0.0.1/24'));
  const { found } = judgeSubnets(many);
  expect(found).toMatch(/^eth0 and eth1 share 10\.0\.0\.0\/24; .*; and 6 more$/);
});
