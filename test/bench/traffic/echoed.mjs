// node echoed.mjs ADDRESS PORT PID SECONDS: round trips of one byte to an echo service for so long, then as much as it gives back
// for as long again; prints what that came to, and what it cost. PID: the QEMU that runs the guest.
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const [address, port, pid, seconds] = process.argv.slice(2);
/** Of the kernel's CPU times, on every architecture: proc(5), USER_HZ. */
const MS_A_TICK = 10;
const CHUNK = Buffer.alloc(64 * 1024);
/** So many round trips come before those that count. */
const WARM_UP = 20;

const trips = await roundTrips(await opened());
const bulk = await throughput(await opened());
console.log(JSON.stringify({ ...trips, ...bulk }));

function opened() {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port: Number(port), noDelay: true });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}

async function roundTrips(socket) {
  const took = [];
  const until = performance.now() + Number(seconds) * 1000;
  while (performance.now() < until || took.length <= WARM_UP) {
    const sent = performance.now();
    await new Promise((resolve, reject) => {
      socket.once('data', resolve);
      socket.once('close', () => reject(new Error(`${address}:${port} closed the connection`)));
      socket.write('x');
    });
    socket.removeAllListeners('close');
    took.push(performance.now() - sent);
  }
  socket.destroy();
  const sorted = took.slice(WARM_UP).sort((a, b) => a - b);
  return { roundTripMs: sorted[Math.floor(sorted.length / 2)] };
}

async function throughput(socket) {
  let received = 0;
  socket.on('data', data => {
    received += data.length;
  });
  const more = () => {
    while (socket.writable && socket.write(CHUNK));
  };
  socket.on('drain', more);
  more();
  // What lies in buffers at first and at last is neither counted as sent nor as spent.
  await sleep(300);
  const before = { at: performance.now(), received, ...spent() };
  await sleep(Number(seconds) * 1000);
  const after = { at: performance.now(), received, ...spent() };
  socket.destroy();
  const megabytes = (after.received - before.received) / 1e6;
  const each = what => (after[what] - before[what]) / megabytes;
  return {
    megabytesASecond: megabytes / ((after.at - before.at) / 1000),
    host: each('host'),
    qemu: each('qemu'),
    processor: each('processor'),
  };
}

/**
 * Milliseconds of CPU time so far: of the host, which is QEMU and the kernel where it passes frames on; of QEMU alone; and of
 * those of its threads that are the guest's processors.
 */
function spent() {
  const threads = readdirSync(`/proc/${pid}/task`).map(thread => `/proc/${pid}/task/${thread}`);
  const processors = threads.filter(path => readFileSync(`${path}/comm`, 'utf8').startsWith('CPU '));
  const qemu = ticksOf(`/proc/${pid}`);
  return {
    host: (qemu + interruptTicks()) * MS_A_TICK,
    qemu: qemu * MS_A_TICK,
    processor: processors.reduce((sum, path) => sum + ticksOf(path), 0) * MS_A_TICK,
  };
}

/** irq and softirq of all processors, in which the kernel does what it does for nobody in particular. */
function interruptTicks() {
  const times = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0].split(/\s+/);
  return Number(times[6]) + Number(times[7]);
}

/** utime and stime, behind the name in brackets, which may hold anything. */
function ticksOf(path) {
  const stat = readFileSync(`${path}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
