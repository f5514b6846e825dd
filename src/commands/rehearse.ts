import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { EXIT, VmnetError } from '../errors.js';
import { buildProbe } from '../guest/build.js';
import { bare } from '../lab/cidr.js';
import { loadLab } from '../lab/load.js';
import type { Lab, Nic } from '../lab/model.js';
import { nicsOf } from '../lab/nics.js';
import { CLI } from '../place.js';
import { self } from '../process.js';
import { table } from '../report/table.js';
import { makePermanentBridges } from '../sandbox/bridges.js';
import { networkFor, type SandboxNic } from '../sandbox/network.js';
import { isAsMeant, type Ping, ping } from '../sandbox/ping.js';
import { questionsOf } from '../sandbox/reach/pings.js';
import { routesBack, topologyOf } from '../sandbox/reach/topology.js';
import { inSandbox, type Sandbox, sandboxDown, sandboxUp, sweep } from '../sandbox/sandbox.js';
import { snapshotDifference, takeSnapshot } from '../sandbox/snapshot.js';
import { isGood } from '../verify/model.js';
import type { Context, Outcome } from './command.js';
import { requireThrowAway } from './rehearse-fit.js';
import { kvmState, runInside } from './sandbox.js';
import type { BridgeStatus } from './status-bridges.js';

/** Play a lab through on a throw-away host: provision, prove, ping from the LAN, repeat, destroy, compare. */
export async function rehearse(file: string, _flags: object, context: Context): Promise<Outcome> {
  const { drivers, reporter } = context;
  const lab = await loadLab(file);
  context.about.lab = lab.name;
  requireThrowAway(lab);
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
      : 'no NIC, since the lab needs none';
  reporter.print(`A throw-away host is up: ${cables}, and a libvirtd of its own.`);
  try {
    return await play(lab, file, nics, sandbox, context);
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
  /** Of `status` alone. */
  readonly bridges?: readonly BridgeStatus[];
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null } | null;
}

async function play(
  lab: Lab,
  file: string,
  nics: readonly SandboxNic[],
  sandbox: Sandbox,
  context: Context,
): Promise<Outcome> {
  const { drivers, reporter } = context;
  const act = (title: string, ...words: string[]) => {
    reporter.print(`\n── ${title}: vmnet ${words.join(' ')}`);
    return runVmnet(words, context.json, sandbox, context);
  };
  await makePermanentBridges(lab, sandbox, drivers);
  const before = await takeSnapshot(sandbox, drivers);
  // Nobody's session runs over a throw-away host's NIC, and its NICs have another MTU.
  const first = await act('Provision', 'provision', '--yes', file);
  if (first.error) throw asError(first.error, context.json);
  reporter.print(`\n${checkLine(first.checks)}`);
  const pings = await pingAll(lab, nics, sandbox, context);
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
    ...pings.filter(it => !isAsMeant(it)).map(pingFault),
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

/** Run vmnet itself on the throw-away host, in full view unless quiet, and read its document. */
async function runVmnet(
  words: readonly string[],
  isQuiet: boolean,
  sandbox: Sandbox,
  { signal }: Context,
): Promise<Document> {
  if (signal.aborted) throw new VmnetError('interrupted', 'interrupted; the throw-away host is gone');
  const folder = await mkdtemp(join(tmpdir(), 'vmnet-'));
  try {
    const file = join(folder, 'out.json');
    const cli = fileURLToPath(CLI);
    const quiet = isQuiet ? ['--quiet'] : [];
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

/** How often each thing was looked at that the tables do not show, in one line. */
function checkLine(checks: Document['checks']): string {
  const names = [...new Set(checks.map(({ name }) => name))];
  const parts = names.map(name => {
    const all = checks.filter(check => check.name === name);
    return `${name} ${all.filter(isGood).length} of ${all.length}`;
  });
  return parts.length === 0
    ? 'Nothing was there to be checked.'
    : `Checks that are as the lab means: ${parts.join(', ')}.`;
}

/** Who reaches whom: from the LAN, and from each namespace. */
async function pingAll(
  lab: Lab,
  nics: readonly SandboxNic[],
  sandbox: Sandbox,
  context: Context,
): Promise<Ping[]> {
  const { drivers, reporter } = context;
  const found = await addressed(lab, sandbox, context);
  for (const { to, via } of routesBack(found, nics)) {
    const [program = '', ...args] = inSandbox(sandbox, 'lan', ['ip', 'route', 'add', to, 'via', via]);
    await drivers.run(program, args);
  }
  const { questions, left } = questionsOf(topologyOf(found, nics));
  const pings = await ping(questions, sandbox, drivers);
  if (pings.length > 0) reporter.print(`\n${pingTable(pings)}`);
  if (left > 0) reporter.print(`${left} more pairs were not tried.`);
  return pings;
}

/** The lab with the addresses that were chosen on the host, and given out by DHCP. */
async function addressed(lab: Lab, sandbox: Sandbox, context: Context): Promise<Lab> {
  const served = new Set(lab.bridges.flatMap(({ name, dhcp }) => (dhcp ? [name] : [])));
  const waiting = lab.vms
    .filter(({ boot }) => boot.kind === 'probe')
    .flatMap(({ nics }) => nics)
    .filter(nic => served.has(nic.bridge ?? '') && nic.addresses.length === 0);
  if (waiting.length === 0 && lab.bridges.every(({ address }) => address.mode !== 'auto')) return lab;
  for (let tries = 1; ; tries++) {
    const found = withFound(lab, await runVmnet(['status', lab.name], true, sandbox, context));
    const leased = new Set(nicsOf(found).flatMap(nic => (nic.addresses.length > 0 ? [nic.mac] : [])));
    if (waiting.every(({ mac }) => leased.has(mac)) || tries === LEASE_TRIES) return found;
    await sleep(500);
  }
}

/** A guest is given its lease a moment after it is up. */
const LEASE_TRIES = 20;

function withFound(lab: Lab, { bridges = [] }: Document): Lab {
  const of = (name: string | null) => bridges.find(bridge => bridge.name === name);
  const cidrs = (name: string | null) => (of(name)?.addresses ?? []).filter(text => !/^fe80:/i.test(text));
  const found = lab.bridges.map(bridge =>
    bridge.address.mode === 'auto'
      ? { ...bridge, address: { mode: 'static' as const, cidrs: cidrs(bridge.name) } }
      : bridge,
  );
  const leasedTo = (nic: Nic): Pick<Nic, 'addresses' | 'gateways'> => {
    const lease = of(nic.bridge)?.dhcp?.leases.find(({ mac }) => mac === nic.mac);
    const own = cidrs(nic.bridge).find(text => !text.includes(':'));
    if (nic.addresses.length > 0 || !lease || !own) return nic;
    return { addresses: [`${lease.address}/${own.split('/')[1]}`], gateways: [bare(own)] };
  };
  const vms = lab.vms.map(vm => ({ ...vm, nics: vm.nics.map(nic => ({ ...nic, ...leasedTo(nic) })) }));
  return { ...lab, bridges: found, vms };
}

const pingFault = ({ from, who, address, answers }: Ping) =>
  answers
    ? `${address} (${who}) did not answer ${from}`
    : `${address} (${who}) answered ${from}, from which it should be kept`;

const pingTable = (pings: readonly Ping[]) =>
  table(
    ['ping from', 'to', 'address', 'answers'],
    pings.map(it => [it.from, it.who, it.address, answerText(it)]),
  );

const answerText = ({ sent, received, answers }: Ping) =>
  `${received} of ${sent}${answers ? '' : received === 0 ? ', as meant' : ', although kept apart'}`;
