import { expect, test } from 'vitest';
import { established, observeSession, serverAddress } from '../../../src/drivers/session.js';

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const row = (local: string, state: string, inode: number) =>
  `   0: ${local}:0016 4D0200C0:C36E ${state} 00000000:00000000 02:000A7D2C 00000000     0        0 ${inode} 2 0000 20 4 30 10 -1\n`;

test('the server of an SSH connection is its third word, as ip prints it', () => {
  expect(serverAddress('192.0.2.77 50022 192.0.2.2 22')).toEqual(['192.0.2.2']);
  expect(serverAddress('fe80::1%eth0 50022 FE80:0::2%eth0 22')).toEqual(['fe80::2']);
  expect(serverAddress('::ffff:192.0.2.77 50022 ::ffff:192.0.2.2 22')).toEqual(['192.0.2.2']);
  expect(serverAddress('')).toEqual([]);
});

test('established connections are read from the kernel tables, listeners and the dying are not', () => {
  const four = HEAD + row('020200C0', '01', 77) + row('00000000', '0A', 78) + row('020200C0', '06', 0);
  expect(established(four)).toEqual([{ local: '192.0.2.2', inode: '77' }]);
  const six = HEAD + row('B80D01FD000000000000000002000000', '01', 5);
  expect(established(six)).toEqual([{ local: 'fd01:db8::2', inode: '5' }]);
  expect(established(HEAD + row('0000000000000000FFFF0000020200C0', '01', 6))).toEqual([
    { local: '192.0.2.2', inode: '6' },
  ]);
  expect(established('')).toEqual([]);
});

test('the kernel is asked', async () => {
  const session = await observeSession({ SSH_CONNECTION: '192.0.2.77 1 192.0.2.2 22' }, true);
  expect(session.terminal).toBe(true);
  expect(session.addresses).toContain('192.0.2.2');
});
