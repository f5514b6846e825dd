import type { Drivers } from '../drivers/drivers.js';
import { EXIT, VmnetError } from '../errors.js';
import type { LabRecord } from '../host/model.js';
import { observeHost } from '../host/observe.js';
import { readRecords } from '../host/records.js';
import { formatIp, parseIp } from '../lab/cidr.js';
import type { Vm } from '../lab/model.js';
import { quote } from '../lab/quote.js';
import { announce, describeFlow, describeStack } from '../trace/describe.js';
import { isDetour, type Traced, wentUp } from '../trace/model.js';
import { trace as follow } from '../trace/trace.js';
import { type Target, targetsOf } from '../verify/targets.js';
import type { Context, Outcome } from './command.js';
import { findVm } from './find-vm.js';
import { wholeSeconds } from './seconds.js';

export interface TraceFlags {
  /** Index of the NIC; default 0. */
  readonly nic: string;
  /** Only frames to or from this address. */
  readonly to?: string;
  /** Frames to follow. */
  readonly count: string;
  /** Seconds. */
  readonly timeout: string;
  /** Only listen. */
  readonly passive?: boolean;
}

const MOST_FRAMES = 1000;

/** Follow the frames of one NIC hop by hop; changes nothing. */
export async function trace(vm: string, flags: TraceFlags, context: Context): Promise<Outcome> {
  const { drivers, reporter, signal, about } = context;
  const seconds = wholeSeconds('--timeout', flags.timeout, 1, 3600);
  const count = whole('--count', flags.count, 1, MOST_FRAMES);
  const to = flags.to === undefined ? null : address(flags.to);
  const found = findVm(vm, await readRecords(drivers));
  about.lab = found.record.name;
  const { target, host } = await targetOf(found, whole('--nic', flags.nic, 0, 99), drivers);
  reporter.print(
    announce(`${vm}, NIC ${target.nic.index}`, { ...target, mac: target.nic.mac }, { to, count, seconds }),
  );
  const traced = await follow(target, host, drivers, {
    to,
    count,
    timeoutMs: seconds * 1000,
    passive: flags.passive ?? false,
    signal,
    onFlow: (flow, serial) => reporter.print(`\n${describeFlow(flow, serial)}`),
    tell: reporter.print,
  });
  reporter.print(`\n${closing(traced, to, target)}`);
  const { tap, bridge, uplink, nic } = target;
  return {
    lab: found.record.name,
    exitCode: exitOf(traced, signal.aborted),
    more: { trace: { vm: found.vm.name, nic: nic.index, mac: nic.mac, tap, bridge, uplink, to, ...traced } },
  };
}

/** Where its frames pass now. Throws `usage` and `check-failed`. */
async function targetOf({ record, vm }: { record: LabRecord; vm: Vm }, index: number, drivers: Drivers) {
  const { lab, networkOnly = false } = record;
  const host = await observeHost(drivers, lab, { networkOnly });
  if (vm.nics[index]?.macvtap)
    throw new VmnetError(
      'usage',
      `NIC ${index} of ${vm.name} is a macvtap, which passes no bridge that could be followed`,
      `vmnet verify ${record.name} proves its path; tcpdump -ni ${vm.nics[index].macvtap.uplink} ether host ${vm.nics[index].mac} shows its frames.`,
    );
  const target = targetsOf(lab, host, networkOnly).find(
    ({ nic }) => nic.vm === vm.name && nic.index === index,
  );
  if (!target)
    throw new VmnetError(
      'usage',
      `${vm.name} has no NIC ${index}`,
      `It has ${vm.nics.length}, counted from 0.`,
    );
  for (const name of [target.bridge, target.tap])
    if (!host.links.some(link => link.name === name))
      throw new VmnetError(
        'check-failed',
        `${name} of ${vm.name} is not there`,
        `vmnet verify ${record.name} tells why.`,
      );
  return { target, host };
}

function closing(traced: Traced, to: string | null, { bridge }: Target): string {
  const { flows, lost } = traced;
  const hint =
    to === null
      ? 'vmnet verify asks in more ways, and names the cause.'
      : `Make it talk to ${to}, such as by a ping.`;
  const seen = flows.length === 0 ? `No frame was seen. ${hint}` : describeStack(traced, bridge);
  return lost === 0 ? seen : `${seen}\n${lost} frames came too fast to be looked at.`;
}

/** Ctrl-C ends a trace that has shown something as it should end. */
function exitOf(traced: Traced, interrupted: boolean): number {
  if (traced.flows.length === 0) return interrupted ? EXIT.interrupted : EXIT['check-failed'];
  const wrong = traced.flows.some(flow => flow.end === 'stopped' || isDetour(flow));
  return wrong || wentUp(traced.stack) > 0 ? EXIT['check-failed'] : 0;
}

function whole(flag: string, value: string, least: number, most: number): number {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new VmnetError('usage', `${flag} takes a whole number from ${least} to ${most}, not ${quote(value)}`);
}

/** As the kernel prints it. */
function address(text: string): string {
  const ip = parseIp(text);
  if (ip !== null) return formatIp(ip.family, ip.value);
  throw new VmnetError('usage', `--to takes an IP address, not ${quote(text)}`, 'Such as --to 192.0.2.1.');
}
