// Answers every datagram, at the wildcard addresses of both families, until its input ends. Arguments: port.
import { createSocket } from 'node:dgram';

const port = Number(process.argv[2]);
const sockets = ['udp4', 'udp6'].map(type => createSocket({ type, ipv6Only: type === 'udp6' }));
for (const socket of sockets) {
  socket.on('message', (message, from) => socket.send(message, from.port, from.address, () => {}));
  socket.on('error', () => {});
  await new Promise(done => socket.bind(port, done));
}
console.log('ready');
process.stdin.resume().on('end', () => process.exit(0));
