import type { LabRecord } from '../host/model.js';
import { readRecords } from '../host/records.js';
import type { Ground } from './ground.js';
import { about, type Finding } from './model.js';

export async function lookAtState({ drivers, root }: Ground): Promise<Finding[]> {
  const { inspect, stateDir } = drivers;
  const [state, run] = await Promise.all([inspect.writable(stateDir), inspect.writable('/run/vmnet/locks')]);
  return [
    judgeWritable('state', 'state folder', stateDir, state, root),
    judgeWritable('locks', 'lock folder', '/run/vmnet/locks', run, root),
    judgeClock(Date.now()),
  ];
}

const REASONS: Readonly<Record<string, string>> = {
  state: 'What a run does is written down there before it is done.',
  locks: 'Locks keep two runs from meeting half-way.',
};

/** @param error code of the error that keeps us from writing; null where we may */
export function judgeWritable(
  id: 'state' | 'locks',
  subject: string,
  folder: string,
  error: string | null,
  root: boolean,
): Finding {
  const it = about(id, subject, REASONS[id] ?? '');
  const fix =
    id === 'state' ? 'point VMNET_STATE_DIR at a folder that can be written to' : 'mount -o remount,rw /run';
  if (error === null) return it.ok(`${folder} can be written to`);
  if (!root && error !== 'EROFS')
    return it.unseen(`this user may not write to ${folder}`, 'sudo vmnet doctor');
  return it.fault(`${folder} cannot be written to (${error})`, fix);
}

/** No clock that is right shows a time before this one. */
const EARLIEST = Date.UTC(2025, 0, 1);

export function judgeClock(now: number): Finding {
  const it = about('clock', 'clock', 'Leases and records bear times.');
  const date = new Date(now).toISOString().slice(0, 10);
  return now < EARLIEST
    ? it.warning(`it says ${date}, which cannot be`, 'timedatectl set-ntp true')
    : it.ok(date);
}

export async function lookAtLabs({ drivers, root, lab }: Ground): Promise<Finding[]> {
  const folder = `${drivers.stateDir}/labs`;
  if (!root && (await drivers.inspect.text(`${folder}/x`).then(it => 'error' in it && it.error === 'EACCES')))
    return [whyLabs().unseen(`this user may not look into ${folder}`, 'sudo vmnet doctor')];
  const [records, pending, bootId, netns] = await Promise.all([
    readRecords(drivers),
    drivers.journals.labs(),
    drivers.kernel.bootId(),
    drivers.kernel.netns(),
  ]);
  return [...judgePending(pending), judgeRecords(records, { bootId, netns }, lab?.name ?? null)];
}

export function judgePending(labs: readonly string[]): Finding[] {
  const why = 'Until it is brought to an end, the host may be half changed.';
  return labs.map(name =>
    about('pending', `lab ${name}`, why).warning(
      'a run of it is under way, or was cut off',
      `if none is running: vmnet recover ${name}`,
    ),
  );
}

const whyLabs = () => about('labs', 'labs', 'Labs share the host: its names, its uplinks, its memory.');

/** @param own name of the lab that was asked about, if any */
export function judgeRecords(
  records: readonly LabRecord[],
  now: { readonly bootId: string; readonly netns: string },
  own: string | null,
): Finding {
  const it = whyLabs();
  const current = records.filter(({ bootId, netns }) => bootId === now.bootId && netns === now.netns);
  const gone = records.filter(record => !current.includes(record)).map(({ name }) => name);
  if (gone.length > 0)
    return it.warning(
      `from an earlier boot or another network namespace: ${gone.join(', ')}; nothing of ${gone.length === 1 ? 'its' : 'their'} network is here`,
      `${gone.map(name => `vmnet destroy ${name}`).join('\n')}\nor provision again`,
    );
  const names = current.map(({ name }) => (name === own ? `${name} (this one)` : name));
  return it.ok(names.length > 0 ? `up: ${names.join(', ')}` : 'none on this host');
}
