import { createHash } from 'node:crypto';
import type { HostState, Link, Queue } from '../host/model.js';
import { isQueued } from '../lab/has.js';
import type { Impair, Lab, Nic } from '../lab/model.js';
import type { Action, Step } from './model.js';
import type { PlanProblem } from './problems.js';
import { inBurst } from './rates.js';
import { currentRecord } from './record.js';

/** Queueing disciplines at the taps' way out, which is the way to the guests. */

interface WantedQueue {
  readonly kind: 'tbf' | 'netem';
  /** Ours bears a digest of its settings: another one is another's, or is outdated. */
  readonly handle: string;
  /** Lines of `tc -batch`. */
  readonly lines: (dev: string) => string[];
}

/** What the NIC's settings ask for; null where nothing. */
export function queueOf(nic: Nic): WantedQueue | null {
  if (!isQueued(nic)) return null;
  const settings = [
    ...(nic.impair ? [netem(nic.impair)] : []),
    ...(nic.bandwidth.in ? [tbf(nic.bandwidth.in)] : []),
  ];
  const [root = '', inner] = settings;
  const handle = handleOf(settings.join('; '));
  return {
    kind: nic.impair ? 'netem' : 'tbf',
    handle,
    lines: dev => [
      `qdisc replace dev ${dev} root handle ${handle} ${root}`,
      ...(inner === undefined ? [] : [`qdisc add dev ${dev} parent ${handle}1 ${inner}`]),
    ],
  };
}

const tbf = (rate: number) => `tbf rate ${rate}bit burst ${inBurst(rate)} latency 100ms`;

/** Frames that may wait; netem's own thousand are gone in 50 ms of 250 mbit. */
const LIMIT = 10_000;

function netem({ delay, jitter, loss, corrupt, reorder, rate }: Impair): string {
  const share = (ppm: number) => `${ppm / 1e4}%`;
  return [
    `netem limit ${LIMIT}`,
    ...(delay > 0 ? [`delay ${delay}us${jitter > 0 ? ` ${jitter}us` : ''}`] : []),
    ...(loss > 0 ? [`loss random ${share(loss)}`] : []),
    ...(corrupt > 0 ? [`corrupt ${share(corrupt)}`] : []),
    ...(reorder > 0 ? [`reorder ${share(reorder)}`] : []),
    ...(rate === null ? [] : [`rate ${rate}bit`]),
  ].join(' ');
}

/** Sixteen bits, of which the kernel gives out those from 8000 on, and people the smallest. */
function handleOf(settings: string): string {
  const number = createHash('sha256').update(settings).digest().readUInt16BE();
  return `${(0x1000 + (number % 0x7000)).toString(16)}:`;
}

/** Set what is missing, exchange what is outdated, and take away what the lab no longer has. */
export function planQueues(
  lab: Lab,
  host: HostState,
  mayRemake: (nic: Nic) => boolean,
  problems: PlanProblem[],
): Step[] {
  const links = new Map(host.links.flatMap(link => link.altnames.map(mark => [mark, link] as const)));
  const former = formerQueues(lab.name, host);
  return lab.vms.flatMap(vm =>
    vm.nics.flatMap(nic => {
      const link = links.get(nic.altname);
      const wanted = queueOf(nic);
      const was = former.get(nic.altname) ?? null;
      const there = link && queueAt(link, host);
      if (link && isRemade(nic, link) && mayRemake(nic))
        return wanted ? [step(nic, link.name, wanted, null)] : [];
      if (wanted?.kind === there?.kind && wanted?.handle === there?.handle) return [];
      const isOurs = !there || (was?.kind === there.kind && was.handle === there.handle);
      // Whatever else stands there when the lab asks for nothing is nobody's business.
      if (!wanted) return there && isOurs ? [step(nic, link?.name ?? nic.tap, null, was)] : [];
      if (!isOurs && there) problems.push(foreign(nic, there));
      const lack = host.queueing?.[wanted.kind];
      if (lack) problems.push(missing(nic, wanted.kind, lack));
      return [step(nic, link?.name ?? nic.tap, wanted, there ? was : null)];
    }),
  );
}

/** Its tap is made again, see tap.ts, and begins with none. */
const isRemade = (nic: Nic, link: Link) => link.tap !== null && link.tap.multiQueue !== nic.queues > 1;

const queueAt = (link: Link, host: HostState) => host.queues?.find(({ dev }) => dev === link.name);

/** As the lab was last applied, by the marks of the taps. */
function formerQueues(lab: string, host: HostState): Map<string, WantedQueue> {
  const nics = currentRecord(lab, host)?.lab.vms.flatMap(vm => vm.nics) ?? [];
  return new Map(
    nics.flatMap(nic => {
      const queue = queueOf(nic);
      return queue ? [[nic.altname, queue] as const] : [];
    }),
  );
}

function step(nic: Nic, dev: string, wanted: WantedQueue | null, was: WantedQueue | null): Step {
  const to = (queue: WantedQueue | null): Action => ({
    kind: 'tc',
    lines: queue ? queue.lines(dev) : [`qdisc del dev ${dev} root`],
  });
  const what = `what ${dev} sends to ${nic.vm}, NIC ${nic.index}`;
  return {
    title: wanted ? `queue ${what} by ${wanted.kind}` : `queue ${what} no longer`,
    why: wanted
      ? was
        ? 'the lab asks for something else than there is'
        : 'the lab asks for it'
      : 'the lab no longer asks for it',
    do: [to(wanted)],
    undo: [to(was)],
  };
}

/** Undo actions that bring back what a tap of ours had before it was deleted. */
export function queuesAgain(taps: readonly Link[], lab: string, host: HostState): Action[] {
  const former = formerQueues(lab, host);
  const lines = taps.flatMap(tap => {
    const queue = tap.altnames.map(mark => former.get(mark)).find(it => it !== undefined);
    const there = queueAt(tap, host);
    return queue && there?.handle === queue.handle ? queue.lines(tap.name) : [];
  });
  return lines.length > 0 ? [{ kind: 'tc', lines }] : [];
}

const foreign = (nic: Nic, { dev, kind, handle }: Queue): PlanProblem => ({
  code: 'conflict',
  message: `the tap ${dev} of ${nic.vm}, NIC ${nic.index}, has a queueing discipline that vmnet did not set: ${kind} ${handle}`,
  fix: `Remove it (tc qdisc del dev ${dev} root), or take "bandwidth" and "impair" out of the lab file.`,
});

const missing = (nic: Nic, kind: WantedQueue['kind'], why: string): PlanProblem => ({
  code: 'bad-lab',
  message: `${nic.vm}, NIC ${nic.index} asks for ${kind === 'netem' ? '"impair"' : '"bandwidth"'}, for which the kernel needs ${kind}, and this one refuses it: ${why}`,
  fix: `Load the module (modprobe sch_${kind}; Debian has it in linux-image-amd64, Fedora in kernel-modules-extra), or take "${kind === 'netem' ? 'impair' : 'bandwidth'}" out.`,
});
