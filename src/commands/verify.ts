import { basename, join } from 'node:path';
import { guestDied } from '../apply/start.js';
import { EXIT, VmnetError } from '../errors.js';
import { findRecord } from '../host/records.js';
import { ownPart } from '../lab/existing.js';
import type { Lab } from '../lab/model.js';
import { quote } from '../lab/quote.js';
import { areLoaded } from '../plan/tables.js';
import { consolePath } from '../render/domain.js';
import type { Stage } from '../report/reporter.js';
import { closingLine, proofTable, proven } from '../verify/describe.js';
import { explain } from '../verify/explain.js';
import { type Check, isGood } from '../verify/model.js';
import { framesByHop } from '../verify/pcaps.js';
import type { ProveOptions } from '../verify/rounds.js';
import { type Verified, verifyDomain, verifyLab } from '../verify/verify.js';
import type { Context, Outcome } from './command.js';
import { resolveLab } from './resolve.js';

export interface VerifyFlags {
  /** Seconds to wait for silent guests. */
  readonly timeout?: string;
  /** A domain that vmnet need not have started, instead of a lab. */
  readonly domain?: string;
  /** Only this VM of the lab. */
  readonly vm?: string;
  /** Only listen. */
  readonly passive?: boolean;
  /** Tell the proof in sentences. */
  readonly explain?: boolean;
  /** Folder for one pcap file a hop. */
  readonly pcap?: string;
}

/** Milliseconds for guests that run already, for those that have just got a NIC, and for those that were just started and may still boot. */
const PATIENCE = { running: 6_000, plugged: 20_000, booting: 60_000 };

/** Measure a lab, or one domain, that is up; changes nothing. */
export async function verify(
  labOrFile: string | undefined,
  flags: VerifyFlags,
  context: Context,
): Promise<Outcome> {
  const { reporter, drivers, signal } = context;
  const options = {
    patienceMs: patience(flags.timeout) ?? PATIENCE.running,
    passive: flags.passive ?? false,
    signal,
  };
  const { name, measure } = await subject(labOrFile, flags, options, context);
  const pcaps = flags.pcap === undefined ? null : await drivers.files.makePlace(flags.pcap);
  let seen: Verified | null = null;
  const stage: Stage = {
    title: STAGE_TITLE,
    async run(tell) {
      seen = await measure(tell);
      if (signal.aborted) throw new VmnetError('interrupted', 'interrupted during the health checks');
      return proven(seen.checks);
    },
  };
  await reporter.stages([stage]);
  const { checks, noCapture } = seen as unknown as Verified;
  reporter.print(proofTable(checks));
  if (flags.explain) reporter.print(`${explain(checks)}\n`);
  if (noCapture !== null) reporter.warn(`Nothing was captured, the counters alone were judged: ${noCapture}`);
  const files = pcaps === null ? [] : await writePcaps(pcaps, seen as unknown as Verified, context);
  reporter.print(closingLine(name, null, checks));
  return { lab: flags.domain ? null : name, checks, exitCode: exitOf(checks), more: { pcaps: files } };
}

type Measure = (tell: (line: string) => void) => Promise<Verified>;

/** What is to be measured, and how. */
async function subject(
  labOrFile: string | undefined,
  { domain, vm }: VerifyFlags,
  options: Omit<ProveOptions, 'tell'>,
  { drivers, about }: Context,
): Promise<{ name: string; measure: Measure }> {
  if ((labOrFile === undefined) === (domain === undefined))
    throw new VmnetError(
      'usage',
      'verify takes a lab, by file or name, or --domain NAME',
      'vmnet list shows the labs, virsh list the domains.',
    );
  if (domain !== undefined && vm !== undefined)
    throw new VmnetError(
      'usage',
      '--vm names one of a lab, --domain goes without a lab',
      'Leave one of the two out.',
    );
  if (domain !== undefined)
    return { name: domain, measure: tell => verifyDomain(domain, drivers, { ...options, tell }) };
  const whole = await resolveLab(labOrFile ?? '', drivers);
  const lab = vm === undefined ? whole : onlyVm(whole, vm);
  about.lab = lab.name;
  const networkOnly = (await findRecord(lab.name, drivers))?.networkOnly ?? false;
  return {
    name: lab.name,
    measure: tell => verifyLab(lab, drivers, { ...options, networkOnly, areLoaded, tell }),
  };
}

/** As if there were nothing else in the lab: others may be down. */
function onlyVm(lab: Lab, name: string): Lab {
  const vms = lab.vms.filter(vm => vm.name === name);
  if (vms.length > 0) return { ...lab, vms, namespaces: [], links: [] };
  throw new VmnetError(
    'usage',
    `the lab ${lab.name} has no VM ${quote(name)}`,
    `It has: ${lab.vms.map(vm => vm.name).join(', ') || 'none'}.`,
  );
}

/** One file a device that the frames passed; returns their paths. */
async function writePcaps(
  folder: string,
  { targets, frames, devices }: Verified,
  { drivers, reporter }: Context,
): Promise<string[]> {
  const files: string[] = [];
  for (const [device, passed] of framesByHop(targets, frames, devices)) {
    const file = join(folder, `${device}.pcap`);
    await drivers.capture.write(file, passed);
    files.push(file);
  }
  reporter.print(`${files.length} pcap files in ${folder}: ${files.map(file => basename(file)).join(', ')}`);
  return files;
}

export const exitOf = (checks: readonly Check[]) => (checks.every(isGood) ? 0 : EXIT['check-failed']);

const STAGE_TITLE = 'Health checks and path proof';

/** The health checks and the path proof as a stage; the checks are there once it has run. */
export function proofStage(
  lab: Lab,
  { drivers, signal }: Context,
  started: boolean,
  plugged: boolean,
  networkOnly: boolean,
): { stage: Stage; checks: Check[] } {
  const checks: Check[] = [];
  const patienceMs = PATIENCE[started ? 'booting' : plugged ? 'plugged' : 'running'];
  const stage: Stage = {
    title: STAGE_TITLE,
    async run(tell) {
      checks.push(
        ...(await verifyLab(lab, drivers, { patienceMs, areLoaded, signal, tell, networkOnly })).checks,
      );
      if (signal.aborted) throw new VmnetError('interrupted', 'interrupted during the health checks');
      if (started) await throwIfDied(lab, checks, drivers);
      return proven(checks);
    },
  };
  return { stage, checks };
}

/** A guest that we have just started and that is gone already died at boot. */
async function throwIfDied(lab: Lab, checks: readonly Check[], drivers: Context['drivers']): Promise<void> {
  const own = new Set(ownPart(lab).vms.map(({ name }) => name));
  const dead = checks.find(
    check => check.name === 'domain' && check.verdict === 'failed' && own.has(check.vm),
  );
  const vm = ownPart(lab).vms.find(({ name }) => name === dead?.vm);
  if (vm)
    throw await guestDied(
      { name: vm.domain, console: consolePath(drivers.guestDir, lab.name, vm.name) },
      drivers,
    );
}

function patience(seconds: string | undefined): number | undefined {
  if (seconds === undefined) return undefined;
  const value = Number(seconds);
  if (Number.isFinite(value) && value > 0 && value <= 3600) return value * 1000;
  throw new VmnetError('usage', `--timeout takes seconds, from 1 to 3600, not ${JSON.stringify(seconds)}`);
}
