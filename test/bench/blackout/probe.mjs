// Sends a numbered datagram to each address every few milliseconds until its input ends, then prints what became of them.
// Arguments: port, milliseconds between two, addresses. A connected socket takes answers from the probed address only.
import { createSocket } from 'node:dgram';

const [port, spacing] = process.argv.slice(2, 4).map(Number);
const LAST_ANSWER = 300;

const probes = await Promise.all(process.argv.slice(4).map(open));
console.log('ready');
const started = performance.now();
let round = 0;
const timer = setInterval(() => {
  // A late timer makes up for what it missed; each probe bears the time at which it was really sent.
  for (; started + round * spacing <= performance.now(); round++) for (const probe of probes) send(probe);
}, 1);
process.stdin.resume().on('end', () => {
  clearInterval(timer);
  setTimeout(finish, LAST_ANSWER);
});

async function open(address) {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  await new Promise(done => socket.connect(port, address, done));
  const probe = { address, socket, sent: [], answered: new Set() };
  socket.on('message', message => probe.answered.add(message.readUInt32BE()));
  socket.on('error', () => {}); // a refusal is a loss
  return probe;
}

function send({ socket, sent }) {
  const message = Buffer.alloc(4);
  message.writeUInt32BE(sent.length);
  sent.push(performance.now());
  socket.send(message, () => {});
}

function finish() {
  console.log(JSON.stringify(probes.map(result)));
  process.exit(0);
}

/** The longest gap is between two answered probes, by when they were sent; it includes the sender's own spacing. */
function result({ address, sent, answered }) {
  const times = sent.filter((_, i) => answered.has(i));
  const gaps = list => list.slice(1).map((time, i) => time - list[i]);
  return {
    address,
    sent: sent.length,
    lost: sent.length - answered.size,
    longestGapMs: Math.max(0, ...gaps(times)),
    spacingMs: Math.max(0, ...gaps(sent)),
  };
}
