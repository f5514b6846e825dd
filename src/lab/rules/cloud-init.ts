import { resolve } from 'node:path';
import { userDataFile } from '../build/cloud-init.js';
import { parseIp } from '../cidr.js';
import type { Path, Report } from '../problem.js';
import { quote, quotePath } from '../quote.js';
import type { LooseLab } from '../shape.js';
import { userDataFaults } from '../user-data.js';
import type { FileCheck } from './boot.js';
import { type AtVm, type LooseVm, vmSetting, vmsOf } from './walk.js';

type LooseCloudInit = NonNullable<LooseVm['cloudInit']>;

/** The text of a file, or what is wrong with it; null where files are not looked at. */
export type FileRead = (path: string) => { readonly text: string } | { readonly trouble: string } | null;

export interface CloudInitFiles {
  readonly folder: string;
  readonly check: FileCheck;
  readonly read: FileRead;
}

/** What cloud-init would stumble over in the guest, where nobody sees it. */
export function checkCloudInit(lab: LooseLab, files: CloudInitFiles, report: Report): void {
  const seen = new Set<object>();
  for (const at of vmsOf(lab)) {
    const { value, path } = vmSetting(lab, at, 'cloudInit');
    if (value === undefined) continue;
    checkHostname(value.hostname, at, [...path, 'hostname'], report);
    if (seen.has(value)) continue;
    seen.add(value);
    checkKeys(value, path, report);
    checkServers(value, path, report);
    checkUserData(value.userData, [...path, 'userData'], files, report);
  }
}

/** RFC 1123, and Linux's HOST_NAME_MAX. */
const HOSTNAME =
  /^(?=.{1,64}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

function checkHostname(hostname: string | undefined, { name }: AtVm, path: Path, report: Report): void {
  if (hostname === undefined || HOSTNAME.test(hostname)) return;
  const index = hostname.includes('{index}') ? `; "{index}" is for VMs with a "count"` : '';
  report(
    path,
    `the host name ${quote(hostname)} of VM ${quote(name)} is none`,
    `use at most 64 letters, digits, "-" and ".", such as "web"${index}`,
  );
}

/** `ssh-ed25519 AAAA… comment`, with options before it or not; on one line, which a text for people to read is. */
const PUBLIC_KEY =
  /^[ -~\u00a0-\u{10ffff}]*?\b(ssh-|ecdsa-sha2-|sk-ssh-|sk-ecdsa-)[\w@.-]+ AAAA[A-Za-z0-9+/=]+( .*)?$/u;

function checkKeys({ sshKeys }: LooseCloudInit, path: Path, report: Report): void {
  for (const [index, key] of (sshKeys ?? []).entries()) {
    if (key === undefined || PUBLIC_KEY.test(key.trim())) continue;
    const at = [...path, 'sshKeys', index];
    // Never quoted: it may be a private one.
    if (/PRIVATE KEY/.test(key))
      report(at, 'this is a private key', 'write the public one, which ends in .pub; and make a new pair');
    else
      report(at, 'this is no public key', 'write the one line of its .pub file: "ssh-ed25519 AAAA… comment"');
  }
}

function checkServers({ dns }: LooseCloudInit, path: Path, report: Report): void {
  for (const [index, server] of (dns ?? []).entries())
    if (server !== undefined && parseIp(server) === null)
      report(
        [...path, 'dns', index],
        `${quote(server)} is not an IP address`,
        'write one such as "192.168.1.1" or "fd00::1"',
      );
}

function checkUserData(
  data: LooseCloudInit['userData'],
  path: Path,
  { folder, check, read }: CloudInitFiles,
  report: Report,
): void {
  const named = userDataFile(data);
  if (named === null) {
    if (typeof data === 'string') tellFaults(data, 'the user data', path, report);
    else if (data !== undefined) tellFaults(asText(data), 'the user data', path, report, false);
    return;
  }
  const file = resolve(folder, named);
  const at = [...path, 'file'];
  const found = check(file) === null ? read(file) : { trouble: check(file) ?? '' };
  if (found === null) return;
  const fix = 'correct the path (it is relative to the lab file), or make the file readable';
  if ('trouble' in found) report(at, `the file ${quotePath(file)} ${found.trouble}`, fix);
  else tellFaults(found.text, `the file ${quotePath(file)}`, at, report);
}

const asText = (data: object) => `#cloud-config\n${JSON.stringify(data)}\n`;

function tellFaults(text: string, what: string, path: Path, report: Report, lines = true): void {
  const [first, ...more] = userDataFaults(text);
  if (first === undefined) return;
  const { line, column, message, fix } = first;
  const where = lines && line !== null ? `, line ${line}, column ${column}` : '';
  const rest = more.length > 0 ? ` (and ${more.length} more ${more.length === 1 ? 'fault' : 'faults'})` : '';
  report(path, `${what}${where}: ${message}${rest}`, fix);
}
