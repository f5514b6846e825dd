import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT, VmnetError } from '../errors.js';
import { buildProbe } from '../guest/build.js';
import { loadLab } from '../lab/load.js';
import type { Lab } from '../lab/model.js';
import { CLI } from '../place.js';
import { self } from '../process.js';
import { table } from '../report/table.js';
import { makePermanentBridges } from '../sandbox/bridges.js';
import { networkFor } from '../sandbox/network.js';
import { type Ping, pingFromLan } from '../sandbox/ping.js';
import { inSandbox, type Sandbox, sandboxDown, sandboxUp, sweep } from '../sandbox/sandbox.js';
import { snapshotDifference, takeSnapshot } from '../sandbox/snapshot.js';
import { isGood } from '../verify/model.js';
import type { Context, Outcome } from './command.js';
import { kvmState, runInside } from './sandbox.js';

/** Play a lab through on a throw-away host: provision, prove, ping from the LAN, repeat, destroy, compare. */
export async function rehearse(file: string, _flags: object, context: Context): Promise<Outcome> {
  const { drivers, reporter } = context;
  const lab = await loadLab(file);
  context.about.lab = lab.name;
  await sweep();
  if (lab.vms.some(vm => vm.boot.kind === 'probe')) await buildProbe(drivers);
  const kvm = await kvmState(drivers);
  if (kvm.state === 'broken')
    reporter.print(`KVM is present but broken on this machine, so it is hidden from the guests: ${kvm.why}.`);
  const name = `rehearse-${process.pid}`;
  const nics = networkFor(lab);
  const ovs = lab.bridges.some(({ type }) => type === 'ovs');
  const sandbox = await sandboxUp(
    name,
    { nics, kvm: kvm.state === 'works', ovs, owner: await self() },
    drivers,
  );
  const cables =
    nics.length > 0
      ? `${nics.map(nic => nic.name).join(', ')} with a LAN behind it`
      : 'no NIC, since the lab names no uplink';
  reporter.print(`A throw-away host is up: ${cables}, and a libvirtd of its own.`);
  try {
    return await play(lab, file, sandbox, context);
  } finally {
    await sandboxDown(name);
  }
}

/** What `vmnet --json` prints, as far as a rehearsal needs it. */
interface Document {
  readonly ok: boolean;
  readonly changed: number;
  readonly steps: NonNullable<Outcome['steps']>;
  readonly checks: NonNullable<Outcome['checks']>;
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null } | null;
}

async function play(lab: Lab, file: string, sandbox: Sandbox, context: Context): Promise<Outcome> {
  const { drivers, reporter } = context;
  const act = (title: string, ...words: string[]) => runVmnet(title, words, sandbox, context);
  await makePermanentBridges(lab, sandbox, drivers);
  const before = await takeSnapshot(sandbox, drivers);
  // Nobody's session runs over a throw-away host's NIC, and its NICs have another MTU.
  const first = await act('Provision', 'provision', '--yes', file);
  if (first.error) throw asError(first.error, context.json);
  const pings = await pingFromLan(lab, sandbox, drivers);
  // Without an uplink there is no LAN.
  if (networkFor(lab).length > 0) reporter.print(`\n${pingTable(pings)}`);
  const second = await act('Provision again: nothing may change', 'provision', '--yes', '--no-verify', file);
  await act('Destroy', 'destroy', lab.name);
  const left = snapshotDifference(before, await takeSnapshot(sandbox, drivers));
  reporter.print(
    left.length === 0
      ? 'The throw-away host is exactly as it was before.'
      : `Not as before:\n${left.join('\n')}`,
  );
  const faults = [
    ...(first.checks.every(isGood) ? [] : ['a check failed']),
    ...pings
      .filter(ping => ping.received === 0)
      .map(ping => `${ping.address} (${ping.who}) did not answer from the LAN`),
    ...(second.changed === 0 ? [] : [`the second provision changed ${second.changed} things`]),
  ];
  reporter.print(
    faults.length + left.length === 0
      ? `${lab.name}: rehearsed, all is well`
      : `${lab.name}: rehearsed, but ${[...faults, ...(left.length > 0 ? ['the host was not restored'] : [])].join('; ')}`,
  );
  return {
    lab: lab.name,
    steps: first.steps,
    checks: first.checks,
    more: { pings, secondRun: { changed: second.changed }, left, faults },
    exitCode: left.length > 0 ? EXIT['not-restored'] : faults.length > 0 ? EXIT['check-failed'] : 0,
  };
}

/** The failure inside; people have read it above already. */
function asError({ code, message, hint }: NonNullable<Document['error']>, json: boolean): VmnetError {
  const word = code as VmnetError['code'];
  return json
    ? new VmnetError(word, message, hint)
    : new VmnetError(word, 'the rehearsal ended here, for the reason above');
}

/** Run vmnet itself on the throw-away host, in full view where people watch, and read its document. */
async function runVmnet(
  title: string,
  words: readonly string[],
  sandbox: Sandbox,
  { json, reporter, signal }: Context,
): Promise<Document> {
  if (signal.aborted) throw new VmnetError('interrupted', 'interrupted; the throw-away host is gone');
  reporter.print(`\n── ${title}: vmnet ${words.join(' ')}`);
  const folder = await mkdtemp(join(tmpdir(), 'vmnet-'));
  try {
    const file = join(folder, 'out.json');
    const cli = fileURLToPath(CLI);
    const quiet = json ? ['--quiet'] : [];
    const code = await runInside(
      inSandbox(sandbox, 'host', [process.execPath, cli, ...quiet, '--json-file', file, ...words]),
    );
    const text = await readFile(file, 'utf8').catch(() => null);
    if (text === null)
      throw new VmnetError(
        'command-failed',
        `vmnet ${words[0]} ended with exit code ${code} inside the sandbox and left no report`,
      );
    return JSON.parse(text) as Document;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const pingTable = (pings: readonly Ping[]) =>
  pings.length === 0
    ? 'No address of the lab can be pinged from the LAN.'
    : table(
        ['ping from the LAN to', 'address', 'answers'],
        pings.map(ping => [ping.who, ping.address, `${ping.received} of ${ping.sent}`]),
      );
