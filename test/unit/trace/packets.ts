/** An IPv4 packet from 192.0.2.50 to 192.0.2.1. */
export function ipPacket(protocol: number, body: Uint8Array, { ttl = 64 } = {}): Buffer {
  const header = Buffer.from([0x45, 0, 0, 0, 0, 1, 0, 0, ttl, protocol, 0, ttl, 192, 0, 2, 50, 192, 0, 2, 1]);
  header.writeUInt16BE(20 + body.length, 2);
  return Buffer.concat([header, body]);
}
