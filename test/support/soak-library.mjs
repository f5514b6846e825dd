// One Node process in which a lab comes and goes many times, by the library. Prints what the process has open and keeps, ten
// times; with --expose-gc. Guests are defined, not started: the phase that would is taken out of the plan.
// Arguments: the library, a lab file, how often, and `kept` (one host for all) or `each` (opened and closed each time).
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const [library, file, count, hosts] = process.argv.slice(2);
const { applyPlan, destroyLab, loadLab, observeHost, openHost, planChanges } = await import(library);

const warnings = [];
process.on('warning', ({ name, message }) => warnings.push(`${name}: ${message}`));

const cycles = Number(count);
const every = Math.max(1, Math.floor(cycles / 10));
const samples = [];
const kept = hosts === 'kept' ? openHost() : null;
for (let cycle = 1; cycle <= cycles; cycle++) {
  const host = kept ?? openHost();
  await comeAndGo(host);
  if (!kept) await host.close();
  if (cycle % every === 0) samples.push(await look(cycle));
}
await kept?.close();
console.log(JSON.stringify({ samples, warnings }));

async function comeAndGo(host) {
  const lab = await loadLab(file);
  const change = await planChanges(lab, host, { yes: true });
  const phases = change.plan.phases.filter(phase => phase.name !== 'start');
  await applyPlan({ ...change, plan: { ...change.plan, phases } }, host);
  await observeHost(lab, host);
  await destroyLab(lab.name, host);
}

async function look(cycle) {
  // Threads and pipes that have ended go with the next turns of the loop.
  for (let turn = 0; turn < 3; turn++) {
    await sleep(50);
    globalThis.gc();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return {
    cycle,
    fds: readdirSync('/proc/self/fd').length,
    threads: readdirSync('/proc/self/task').length,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
    environment: JSON.stringify(process.env).length,
    heap: heapUsed + external,
    rss,
  };
}
