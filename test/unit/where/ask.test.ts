import { describe, expect, test } from 'vitest';
import type { Door } from '../../../src/drivers/doors.js';
import type { Drivers } from '../../../src/drivers/drivers.js';
import { VmnetError } from '../../../src/errors.js';
import { arpReply, arpRequest, echoRequest, ip4, udp } from '../../../src/verify/frames.js';
import { parseFrame } from '../../../src/verify/packets.js';
import { askGuests, hostsOf } from '../../../src/where/ask.js';

const GUEST = '52:54:00:00:00:01';
const BRIDGE = '02:00:00:00:00:09';
const asked = [{ mac: GUEST, tap: 7, from: BRIDGE, subnets: ['192.0.2.1/24'] }];

/** Taps at which a guest says what the function makes of each frame that it gets. */
function guests(answer: (frame: Uint8Array) => readonly Uint8Array[]) {
  const sent: Uint8Array[] = [];
  const said: Uint8Array[] = [];
  const door: Door = {
    send: frame => {
      sent.push(frame);
      said.push(...answer(frame));
      return true;
    },
    heard: () => said.splice(0),
  };
  const doors = { open: async () => ({ doors: [door], close: () => {} }) };
  return { drivers: { doors } as unknown as Drivers, sent };
}

const found = async (drivers: Drivers) => (await askGuests(asked, drivers)).get(GUEST);

/** As any Linux: answers a question for its address, whoever asks. */
const owner = (address: string) => (frame: Uint8Array) => {
  const packet = parseFrame(frame)?.packet;
  return packet?.kind === 'arp' && packet.target === address
    ? [arpReply({ mac: GUEST, ip: address }, { mac: packet.sender.mac, ip: packet.sender.ip })]
    : [];
};

describe('a guest that is asked at its tap', () => {
  test('answers by ARP for its address; every question goes to it alone, from nobody', async () => {
    const { drivers, sent } = guests(owner('192.0.2.77'));
    expect(await found(drivers)).toEqual([{ address: '192.0.2.77', source: 'arp' }]);
    const questions = sent.map(frame => parseFrame(frame)).filter(frame => frame?.packet.kind === 'arp');
    expect(questions).toHaveLength(254);
    for (const frame of questions)
      expect(frame).toMatchObject({
        destination: GUEST,
        source: BRIDGE,
        packet: { sender: { ip: '0.0.0.0' } },
      });
  });

  test('is overheard when it asks somebody else, but not believed of what it passes on', async () => {
    let spoken = false;
    const { drivers } = guests(() => {
      if (spoken) return [];
      spoken = true;
      const gateway = { mac: '52:54:00:00:00:fe', ip: '198.51.100.1' };
      return [
        arpRequest({ mac: GUEST, ip: '198.51.100.9' }, '198.51.100.1'),
        ip4({ mac: GUEST, ip: '203.0.113.5' }, gateway, 17, udp(5, 53, Buffer.alloc(8))),
        arpRequest({ mac: gateway.mac, ip: gateway.ip }, '198.51.100.9'),
        echoRequest({ mac: GUEST, ip: '203.0.113.6' }, gateway, { id: 1, sequence: 1 }),
      ];
    });
    expect(await found(drivers)).toEqual([{ address: '198.51.100.9', source: 'seen' }]);
  });

  test('is left alone where we may not', async () => {
    const open = async () => {
      throw new VmnetError('permission', 'no packet socket can be opened: errno 1');
    };
    expect(await askGuests(asked, { doors: { open } } as unknown as Drivers)).toEqual(new Map());
  });
});

describe('addresses to try', () => {
  test('are those of machines, each once, of IPv4 subnets that are small enough', () => {
    expect(
      hostsOf(['192.0.2.1/30', '192.0.2.2/30', 'fd00::1/64', '10.0.0.1/8', '192.0.2.9/32'], 100),
    ).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(hostsOf(['192.0.2.1/24', '198.51.100.1/24'], 300)).toHaveLength(254);
    expect(hostsOf(['10.0.0.1/22'], 1022)).toHaveLength(1022);
  });
});
