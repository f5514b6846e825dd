import type { Drivers } from '../drivers/drivers.js';
import { VmnetError } from '../errors.js';
import { hasQueues, isQueued } from '../lab/has.js';
import type { Lab, Nic } from '../lab/model.js';
import { isMarkOf } from '../lab/names.js';
import { string } from './json.js';
import type { HostState, LabRecord, Link, Queue } from './model.js';
import { asAppliedAndWanted } from './records.js';

/** Queueing disciplines of a lab's taps, and which the kernel has: nothing is asked where no lab in question has any. */
export async function readQueues(
  lab: Lab | null,
  links: readonly Link[],
  records: readonly LabRecord[],
  drivers: Drivers,
): Promise<Pick<HostState, 'queues' | 'queueing'>> {
  const labs = asAppliedAndWanted(lab, records);
  if (!labs.some(hasQueues)) return {};
  const taps = new Set(links.filter(link => link.tap && isMarked(link, lab)).map(({ name }) => name));
  const queues = parseQueues(await drivers.tc.qdiscs()).filter(({ dev }) => taps.has(dev));
  const asking = (lab?.vms ?? []).flatMap(vm => vm.nics).filter(isQueued);
  // One of another kind may have to be exchanged.
  const lacking = (['netem', 'tbf'] as const).some(
    kind => asking.filter(nic => rootOf(nic) === kind).length > queues.filter(it => it.kind === kind).length,
  );
  return { queues, ...(lacking ? { queueing: await tried(lab as Lab, drivers) } : {}) };
}

const rootOf = ({ impair }: Nic) => (impair ? 'netem' : 'tbf');

const isMarked = (link: Link, lab: Lab | null) =>
  lab !== null && link.altnames.some(altname => isMarkOf(lab.name, altname));

/**
 * The roots of `tc -j qdisc show` that somebody set: the kernel's own have no handle. libvirt gives each tap of a guest
 * `noqueue`, which holds nothing up and is in nobody's way.
 */
export const parseQueues = (qdiscs: readonly Record<string, unknown>[]): Queue[] =>
  qdiscs.flatMap(qdisc => {
    const [dev = '', kind = '', handle = ''] = [qdisc.dev, qdisc.kind, qdisc.handle].map(
      it => string(it) ?? '',
    );
    const isSet = handle !== '' && handle !== '0:' && kind !== 'noqueue';
    return dev && kind && isSet && qdisc.root === true ? [{ dev, kind, handle }] : [];
  });

const ATTEMPTS = { tbf: 'tbf rate 1mbit burst 16384 latency 100ms', netem: 'netem delay 1ms' } as const;

/** Really tried, where it can do no harm: null, or why the kernel refuses it. */
async function tried(lab: Lab, drivers: Drivers): Promise<Record<string, string | null>> {
  const nics = lab.vms.flatMap(vm => vm.nics);
  const kinds = [
    ...(nics.some(({ bandwidth }) => bandwidth.in !== null) ? (['tbf'] as const) : []),
    ...(nics.some(({ impair }) => impair !== null) ? (['netem'] as const) : []),
  ];
  const namespace = await drivers.namespace();
  const [enter = '', ...words] = namespace.enter;
  const attempt = async (kind: keyof typeof ATTEMPTS) => {
    const command = ['tc', 'qdisc', 'replace', 'dev', 'lo', 'root', ...ATTEMPTS[kind].split(' ')];
    return drivers.run(enter, [...words, ...command], { allowFailure: true }).then(
      ({ exitCode, stderr }) => (exitCode === 0 ? null : (stderr.trim().split('\n')[0] ?? 'no reason given')),
      (error: Error) => {
        if (error instanceof VmnetError) return error.message;
        throw error;
      },
    );
  };
  try {
    const answers: [string, string | null][] = [];
    for (const kind of kinds) answers.push([kind, await attempt(kind)]);
    return Object.fromEntries(answers);
  } finally {
    await namespace.close();
  }
}
