// node talk.mjs listen tcp|udp PORT: prints who is the first to say something, answers, and ends; after 10 s without.
// node talk.mjs say tcp|udp ADDRESS PORT: prints the answer; tries again for 5 s.
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const [what, protocol, ...rest] = process.argv.slice(2);

const plain = address => address.replace(/^::ffff:/, '');

function listen(port) {
  setTimeout(() => process.exit(0), 10_000).unref();
  if (protocol === 'tcp') {
    const server = createServer(socket => {
      console.log(plain(socket.remoteAddress));
      socket.end('heard');
      server.close();
    }).listen(port, '::');
    return;
  }
  const socket = createSocket('udp6').bind(port, '::');
  socket.on('message', (_, from) => {
    console.log(plain(from.address));
    socket.send('heard', from.port, from.address, () => socket.close());
  });
}

const once = (address, port) =>
  new Promise(resolve => {
    if (protocol === 'tcp') {
      const socket = connect({ host: address, port, timeout: 500 });
      socket.once('data', data => resolve(String(data)) ?? socket.destroy());
      socket.once('error', () => resolve(null));
      socket.once('timeout', () => resolve(null) ?? socket.destroy());
      return;
    }
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    const timer = setTimeout(() => resolve(null) ?? socket.close(), 500);
    socket.on('error', () => {});
    socket.once('message', data => {
      clearTimeout(timer);
      resolve(String(data));
      socket.close();
    });
    socket.send('hello', port, address, () => {});
  });

async function say(address, port) {
  for (const end = Date.now() + 5000; Date.now() < end; await sleep(100)) {
    const answer = await once(address, port);
    if (answer === null) continue;
    console.log(answer);
    return;
  }
  process.exitCode = 1;
}

if (what === 'listen') listen(Number(rest[0]));
else await say(rest[0], Number(rest[1]));
