import { describe, expect, test } from 'vitest';
import { parseCidr } from '../../../src/lab/cidr.js';
import { networkFor, plainNetwork } from '../../../src/sandbox/network.js';
import { labFrom } from '../../fakes/labs.js';

const network = (bridges: object, ...addresses: string[]) =>
  networkFor(
    labFrom({
      version: 1,
      name: 'l',
      bridges,
      vms: { web: { boot: 'probe', nics: [{ bridge: 'br0', address: addresses }] } },
    }),
  );

describe("a sandbox's network", () => {
  test('has a NIC of its own where the lab names no uplink: else nothing could be kept from getting out', () =>
    expect(network({ br0: {} })).toEqual([plainNetwork('eth0')]));

  test('has that beside an uplink that the host itself does not use', () => {
    const nics = network({ br0: { uplink: 'eth0', address: 'none' }, br1: { mode: 'nat' } });
    expect(nics).toMatchObject([
      { name: 'eth0', lan: ['192.0.2.1/24', 'fd00:db8::1/64'] },
      {
        name: 'eth1',
        host: ['198.51.100.2/24', 'fd00:db8:fffe::2/64'],
        gateways: ['198.51.100.1', 'fd00:db8:fffe::1'],
      },
    ]);
  });

  test('has none beside an uplink with the host on it, and keeps out of the subnets of the lab', () => {
    expect(network({ br0: { uplink: 'eth0' }, br1: { mode: 'nat' } })).toHaveLength(1);
    const [nic] = network(
      { br0: { mode: 'routed', address: ['192.0.2.1/24', '198.51.100.129/25', 'fd00:db8::1/32'] } },
      '192.0.2.9/24',
    );
    expect(nic).toMatchObject({ name: 'eth0', host: ['203.0.113.2/24'], gateways: ['203.0.113.1'] });
  });

  test('has no NIC for a lab of wires alone', () => {
    const lab = {
      version: 1,
      name: 'l',
      namespaces: { a: {}, b: {} },
      links: [{ endpoints: ['a:eth1', 'b:eth1'] }],
    };
    expect(networkFor(labFrom(lab))).toEqual([]);
  });

  test('has both families where the lab has no addresses', () => {
    expect(network({ br0: { uplink: 'eth0' } })).toEqual([
      {
        name: 'eth0',
        lan: ['192.0.2.1/24', 'fd00:db8::1/64'],
        host: ['192.0.2.2/24', 'fd00:db8::2/64'],
        gateways: ['192.0.2.1', 'fd00:db8::1'],
      },
    ]);
  });

  test('has the peers of the lab on its LAN, wherever they are, and the host somewhere else', () => {
    expect(network({ br0: { uplink: 'eth0', peers: ['192.0.2.1', '10.9.8.7', 'fd00:db8::77'] } })).toEqual([
      {
        name: 'eth0',
        lan: ['192.0.2.2/24', 'fd00:db8::1/64', '192.0.2.1/32', '10.9.8.7/32', 'fd00:db8::77/128'],
        host: ['192.0.2.3/24', 'fd00:db8::2/64'],
        gateways: ['192.0.2.2', 'fd00:db8::1'],
      },
    ]);
  });

  test("lies in the guests' subnets, beside their addresses", () => {
    const [nic] = network(
      { br0: { uplink: 'eth0' } },
      '10.0.0.1/24',
      '10.0.0.3/24',
      '10.1.0.1/24',
      'fd00:5::1/64',
    );
    expect(nic).toEqual({
      name: 'eth0',
      lan: ['10.0.0.2/24', '10.1.0.2/24', 'fd00:5::2/64'],
      host: ['10.0.0.4/24', '10.1.0.3/24', 'fd00:5::3/64'],
      gateways: ['10.0.0.2', 'fd00:5::2'],
    });
  });

  test('fills in a family that the guests do not use', () => {
    expect(network({ br0: { uplink: 'eth0' } }, '10.0.0.1/24')[0]?.lan).toEqual([
      '10.0.0.2/24',
      'fd00:db8::1/64',
    ]);
  });

  test('gives the host nothing where the bridge does not take it over', () => {
    const bridges = { br0: { uplink: 'eth0', address: ['10.0.0.1/24'] } };
    expect(network(bridges, '10.0.0.5/24')[0]).toMatchObject({
      lan: ['10.0.0.2/24', 'fd00:db8::1/64'],
      host: [],
      gateways: [],
    });
    expect(network({ br0: { uplink: 'eth0', address: 'none' } })[0]).toMatchObject({
      host: [],
      gateways: [],
    });
  });

  test('keeps uplinks apart', () => {
    const nics = network({ br0: { uplink: 'a0' }, br1: { uplink: 'a1' }, br2: { uplink: 'a2' } });
    const subnets = nics.flatMap(nic => nic.lan).map(text => parseCidr(text));
    const clashes = subnets.filter((one, i) =>
      subnets
        .slice(i + 1)
        .some(
          two =>
            one && two && one.network <= two.last && two.network <= one.last && one.family === two.family,
        ),
    );
    expect(nics.map(nic => nic.name)).toEqual(['a0', 'a1', 'a2']);
    expect(clashes).toEqual([]);
  });

  test('leaves out a subnet without room, as if nobody used that family', () => {
    const [plain] = network({ br0: { uplink: 'eth0' } });
    expect(network({ br0: { uplink: 'eth0' } }, '10.0.0.1/30', '10.0.0.2/30')).toEqual([plain]);
    expect(network({ br0: { uplink: 'eth0' } }, '10.0.0.7/32', 'fd00:5::1/128')).toEqual([plain]);
    expect(network({ br0: { uplink: 'eth0' } }, '10.0.0.1/30', '10.0.0.2/30', '10.1.0.1/24')[0]?.lan).toEqual(
      ['10.1.0.2/24', 'fd00:db8::1/64'],
    );
  });

  test('uses both addresses of a subnet of two', () => {
    expect(network({ br0: { uplink: 'eth0', address: 'none' } }, '10.0.0.1/31')[0]?.lan[0]).toBe(
      '10.0.0.0/31',
    );
    expect(network({ br0: { uplink: 'eth0', address: 'none' } }, '10.0.0.0/31')[0]?.lan[0]).toBe(
      '10.0.0.1/31',
    );
  });

  test('without a lab is a plain one', () => expect(plainNetwork('nic7').name).toBe('nic7'));
});
