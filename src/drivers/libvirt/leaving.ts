import { createRequire } from 'node:module';

/** Workers inside a call of libvirt's at this moment. */
const busy = new Set<object>();

// Node joins its workers before it exits, and a worker inside C code cannot be interrupted: with a daemon that hangs,
// process.exit would too. _exit ends all threads at once; Node's writes to pipes, files and terminals are synchronous
// on Linux, so no output is lost.
let prepared = false;

/** Notes that a worker is inside a call, so that leaving does not wait for it. */
export function enter(worker: object): void {
  busy.add(worker);
  if (prepared) return;
  prepared = true;
  process.on('exit', code => {
    if (busy.size > 0) exitNow(code);
  });
}

/** Notes that its call came back. */
export function leave(worker: object): void {
  busy.delete(worker);
}

function exitNow(code: number): void {
  // Loaded here, as nothing else on the main thread needs it.
  const koffi: typeof import('koffi').default = createRequire(import.meta.url)('koffi');
  koffi.load(null).func('void _exit(int)')(code);
}
