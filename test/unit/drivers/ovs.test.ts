import { describe, expect, test } from 'vitest';
import { dumpArgs, parseDump, parseOvsFdb, refusal, transactArgs } from '../../../src/drivers/ovs.js';
import { bridgesIn } from '../../../src/host/ovs.js';

// As Open vSwitch 3.1 printed it.
const DUMP = `{"data":[["br0","netdev",["set",[["uuid","0081"],["uuid","9907"]]],["map",[["vmnet-lab","demo"]]],["map",[["hwaddr","02:11:22:33:44:55"]]],false,true]],"headings":["name","datapath_type","ports","external_ids","other_config","stp_enable","mcast_snooping_enable"]}
{"data":[[["uuid","0081"],"eth0",["uuid","815e"],1,["set",[1,10,20]],"native-untagged",["map",[["vmnet-lab","demo"]]]],[["uuid","9907"],"br0",["uuid","b1a8"],["set",[]],["set",[]],["set",[]],["map",[]]]],"headings":["_uuid","name","interfaces","tag","trunks","vlan_mode","external_ids"]}
{"data":[[["uuid","815e"],"eth0","",["set",[]],1,["set",[]]],[["uuid","b1a8"],"br0","internal","could not open",65534,1400]],"headings":["_uuid","name","type","error","ofport","mtu_request"]}
`;

describe('what Open vSwitch says', () => {
  test('bridges with their ports', () => {
    expect(bridgesIn(parseDump(DUMP))).toEqual([
      {
        name: 'br0',
        lab: 'demo',
        datapath: 'netdev',
        mac: '02:11:22:33:44:55',
        stp: false,
        multicastSnooping: true,
        ports: [
          { name: 'br0', lab: null, vlan: null, ofport: 65534, mtu: 1400, error: 'could not open' },
          {
            name: 'eth0',
            lab: 'demo',
            vlan: { trunk: [10, 20], native: 1 },
            ofport: 1,
            mtu: null,
            error: null,
          },
        ],
      },
    ]);
  });

  test('nothing at all', () => {
    expect(bridgesIn(parseDump(''))).toEqual([]);
  });

  test('its forwarding table', () => {
    const text =
      ' port  VLAN  MAC                Age\n    1    10  e2:c6:cf:54:05:75    1\nLOCAL     0  a2:fd:41:68:84:47    1\n';
    expect(parseOvsFdb(text)).toEqual([
      { port: '1', vlan: 10, mac: 'e2:c6:cf:54:05:75' },
      { port: 'LOCAL', vlan: 0, mac: 'a2:fd:41:68:84:47' },
    ]);
  });

  test('a refusal that exits with 0', () => {
    const stderr =
      'ovs-vsctl: Error detected while setting up \'nosuch\': could not open network device nosuch (No such device).  See ovs-vswitchd log for details.\novs-vsctl: The default log directory is "/var/log/openvswitch".\n';
    expect(refusal(stderr)).toBe("'nosuch': could not open network device nosuch (No such device)");
    expect(refusal('')).toBe(null);
  });
});

describe('what is said to it', () => {
  test('one transaction', () => {
    expect(
      transactArgs([
        ['--may-exist', 'add-br', 'br0'],
        ['set', 'Bridge', 'br0', 'stp_enable=true'],
      ]),
    ).toEqual('--timeout=15 -- --may-exist add-br br0 -- set Bridge br0 stp_enable=true'.split(' '));
  });

  test('one look', () => expect(dumpArgs().filter(word => word === 'list')).toHaveLength(3));
});
