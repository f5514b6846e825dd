import { describe, expect, test } from 'vitest';
import { connectionsIn, forwardedIn, neighboursIn, stackBetween } from '../../../src/verify/host-stack.js';

// As kernel and ip print them.
const SNMP = `Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards InDelivers OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates OutTransmits
Ip: 2 64 2 0 0 7 0 0 0 1 0 0 0 0 0 0 0 0 0 1
Icmp: InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs
Icmp: 0 0 0 0 0 9
`;
const SNMP6 = `Ip6InReceives                   	8
Ip6InDelivers                   	5
Ip6OutForwDatagrams             	11
Ip6OutRequests                  	5
`;
const CONNTRACK = `ipv6     10 icmpv6   58 30 src=fd00:0000:0000:0000:0000:0000:0000:0001 dst=fd00:0000:0000:0000:0000:0000:0000:0002 type=128 code=0 id=27754 src=fd00:0000:0000:0000:0000:0000:0000:0002 dst=fd00:0000:0000:0000:0000:0000:0000:0001 type=129 code=0 id=27754 mark=0 zone=0 use=2
ipv4     2 icmp     1 30 src=192.0.2.1 dst=192.0.2.10 type=8 code=0 id=27753 src=192.0.2.10 dst=192.0.2.1 type=0 code=0 id=27753 mark=0 zone=0 use=2
ipv4     2 tcp      6 431999 ESTABLISHED src=192.0.2.1 dst=192.0.2.3 sport=4 dport=5 src=192.0.2.3 dst=192.0.2.1 sport=5 dport=4 [ASSURED] mark=0 zone=0 use=2
`;
const NEIGHBOURS = JSON.stringify([
  { dst: '192.0.2.10', dev: 'br0', lladdr: '52:54:00:00:00:01', state: ['REACHABLE'] },
  { dst: '192.0.2.11', dev: 'br0', state: ['FAILED'] },
]);

describe('what the host forwarded', () => {
  test('is the sum of both families', () => expect(forwardedIn(SNMP, SNMP6)).toBe(18));

  test.each([
    ['', ''],
    ['Ip: Forwarding\nIp: 2\n', ''],
    ['Ip: ForwDatagrams\n', 'Ip6InReceives 8\n'],
  ])('is nothing where the kernel does not say: %j %j', (four, six) => {
    expect(forwardedIn(four, six)).toBe(0);
  });
});

describe('between two looks', () => {
  const look = (forwarded: number, conntrack: string | null) => ({
    forwarded,
    conntrack: conntrack === null ? null : connectionsIn(conntrack),
    neighbours: neighboursIn(NEIGHBOURS),
  });
  const of = (...addresses: string[]) => stackBetween(look(4, ''), look(9, CONNTRACK)).of(addresses);

  test('counts what was forwarded meanwhile', () => expect(of().forwarded).toBe(5));

  test("finds the guest's connections, each once, in either family", () => {
    expect(of('192.0.2.10').conntrack).toBe(1);
    expect(of('192.0.2.1', '192.0.2.3').conntrack).toBe(2);
    expect(of('fd00::2', '192.0.2.10').conntrack).toBe(2);
  });

  test('is not misled by an address that begins like another', () => {
    expect(of('192.0.2.100').conntrack).toBe(0);
    expect(of('2.0.2.1').conntrack).toBe(0);
    expect(of('192.0.2').conntrack).toBe(0);
  });

  test('tells a host that tracks none of the guest from one that tracks nothing', () => {
    expect(of().conntrack).toBe(0);
    expect(stackBetween(look(0, null), look(0, null)).of(['192.0.2.10']).conntrack).toBeNull();
  });

  test('names the neighbours that have a MAC', () => {
    expect(of('192.0.2.10', '192.0.2.11', '192.0.2.12').neighbours).toEqual([
      '192.0.2.10 is 52:54:00:00:00:01 on br0',
    ]);
    expect(neighboursIn('')).toEqual([]);
  });
});
