import { defaultsOnce, type Path, type Report } from '../problem.js';
import { quote } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { bitsPerSecond, microseconds, millionths } from '../units.js';
import { type AtNic, type LooseNic, nicSetting, nicsOf, type Setting } from './walk.js';

/** Rules on ports fit together, and can be said to the kernel. */
export function checkPorts(lab: LooseLab, report: Report): void {
  const once = defaultsOnce(report);
  for (const at of nicsOf(lab)) {
    const who = `VM ${quote(at.vm)}, NIC ${at.index}`;
    checkAntiSpoof(lab, at, who, once);
    checkGuard(lab, at, who, once);
    checkBandwidth(nicSetting(lab, at, 'bandwidth'), who, once);
    checkImpair(nicSetting(lab, at, 'impair'), who, once);
  }
}

/** Blamed on the NIC: that is where the address is to be written. */
function checkAntiSpoof(lab: LooseLab, at: AtNic, who: string, report: Report): void {
  const { value, path } = nicSetting(lab, at, 'antiSpoof');
  if (value !== 'ip' || ('address' in at.nic && [at.nic.address].flat().length > 0)) return;
  report(
    path[0] === 'defaults' ? at.path : path,
    `${who} has "antiSpoof": "ip", but no address that it may use`,
    'list what the guest has: "address": "192.168.1.50/24", or choose "mac"',
  );
}

/** br_handle_frame() hands them to its own spanning tree before any rule could see them. */
function checkGuard(lab: LooseLab, at: AtNic, who: string, report: Report): void {
  const { value, path } = nicSetting(lab, at, 'guard');
  const again = (value ?? []).findIndex((kind, i) => kind !== undefined && value?.indexOf(kind) !== i);
  if (again >= 0)
    report(
      [...path, again],
      `${who} has ${quote(value?.[again] ?? '')} twice in "guard"`,
      'take one of the two out',
    );
  const bridge = at.nic.bridge ?? '';
  if (!value?.includes('bpdu') || lab.bridges?.[bridge]?.stp !== true) return;
  report(
    [...path, value.indexOf('bpdu')],
    `${who} guards against BPDUs, but the bridge ${quote(bridge)} has stp and takes them itself before a rule can see them`,
    'take "bpdu" out, or set "stp" of the bridge to false',
  );
}

/** Below it not even one frame of 1500 bytes a second would pass; above it nft has no number. */
const LEAST_RATE = 16_000;
const MOST_RATE = 100e9;

function checkBandwidth({ value, path }: Setting<LooseNic['bandwidth']>, who: string, report: Report): void {
  if (value === undefined) return;
  if (!('in' in value || 'out' in value))
    report(
      path,
      `${who} has a bandwidth that limits nothing`,
      'write "in", "out" or both, such as { "in": "100mbit" }',
    );
  checkRate(value.in, [...path, 'in'], who, report);
  checkRate(value.out, [...path, 'out'], who, report);
}

function checkRate(text: string | undefined, path: Path, who: string, report: Report): void {
  if (text === undefined) return;
  const bits = bitsPerSecond(text);
  if (bits !== null && bits >= LEAST_RATE && bits <= MOST_RATE) return;
  const fix = 'write it such as "10mbit", from "16kbit" to "100gbit"';
  if (bits === null) report(path, `${who}: ${quote(text)} is no rate`, fix);
  else report(path, `${who}: the rate ${quote(text)} is too ${bits < LEAST_RATE ? 'low' : 'high'}`, fix);
}

/** netem counts in microseconds, in 32 bits. */
const LONGEST = 60_000_000;

function checkImpair({ value, path }: Setting<LooseNic['impair']>, who: string, report: Report): void {
  if (value === undefined) return;
  if (Object.keys(value).length === 0)
    report(
      path,
      `${who} has an "impair" that does nothing`,
      'say how, such as { "delay": "50ms" }, or take it out',
    );
  for (const key of ['delay', 'jitter'] as const) checkDuration(value[key], [...path, key], who, report);
  for (const key of ['loss', 'corrupt', 'reorder'] as const)
    checkPercent(value[key], [...path, key], who, report);
  checkRate(value.rate, [...path, 'rate'], who, report);
  const delay = microseconds(value.delay ?? '') ?? 0;
  const jitter = microseconds(value.jitter ?? '') ?? 0;
  // A delay that cannot be read was told already.
  if ('delay' in value && microseconds(value.delay ?? '') === null) return;
  if ('jitter' in value && jitter > delay)
    report(
      [...path, 'jitter'],
      `${who} has a jitter of ${quote(value.jitter ?? '')}, more than its delay`,
      'write a "delay" that is at least as long',
    );
  if ('reorder' in value && delay === 0)
    report(
      [...path, 'reorder'],
      `${who} reorders frames, but delays none that could be overtaken`,
      'add a "delay", such as "10ms"',
    );
}

function checkDuration(text: string | undefined, path: Path, who: string, report: Report): void {
  if (text === undefined) return;
  const us = microseconds(text);
  if (us !== null && us <= LONGEST) return;
  const what = us === null ? `${quote(text)} is no time` : `${quote(text)} is too long`;
  report(path, `${who}: ${what}`, 'write it such as "50ms", with us, ms or s, at most "60s"');
}

function checkPercent(text: string | undefined, path: Path, who: string, report: Report): void {
  if (text === undefined) return;
  const ppm = millionths(text);
  if (ppm !== null && ppm <= 1e6) return;
  const what = ppm === null ? `${quote(text)} is no share` : `${quote(text)} is more than all`;
  report(path, `${who}: ${what}`, 'write it such as "1%", at most "100%"');
}

/** What is wrong with an impairment by itself, wherever it was said. */
export function impairFaults(
  value: NonNullable<LooseNic['impair']>,
): { key: string; message: string; fix: string }[] {
  const found: { key: string; message: string; fix: string }[] = [];
  checkImpair({ value, path: [] }, 'the line', ([key], message, fix) =>
    found.push({ key: String(key), message, fix }),
  );
  return found;
}
