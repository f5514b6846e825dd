import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES, errorCodeName } from '../../../../src/drivers/libvirt/codes.js';
import { hungError, LibvirtError, timeoutError, toError } from '../../../../src/drivers/libvirt/errors.js';
import type { Failure, NativeFailure } from '../../../../src/drivers/libvirt/protocol.js';
import { VmnetError } from '../../../../src/errors.js';

const native = (fields: Partial<NativeFailure>): NativeFailure => ({
  code: ERROR_CODES.SYSTEM_ERROR,
  domain: 10,
  level: 2,
  errno: null,
  message: 'no',
  ...fields,
});

const failure = (during: 'connect' | 'call', fields: Partial<NativeFailure>): Failure => ({
  kind: 'libvirt',
  during,
  error: native(fields),
});

const SUBJECT = { uri: 'qemu:///system', what: 'start domain c0ffee' };

function failed(it: Failure, uri = SUBJECT.uri): LibvirtError {
  const error = toError(it, { ...SUBJECT, uri });
  if (!(error instanceof LibvirtError)) throw error;
  return error;
}

describe('a call that libvirt refuses', () => {
  it('names the object and keeps what libvirt said, as numbers too', () => {
    const error = failed(failure('call', { code: ERROR_CODES.NO_DOMAIN, message: 'Domain not found' }));
    expect(error).toBeInstanceOf(VmnetError);
    expect(error).toMatchObject({ code: 'libvirt', libvirtCode: 42, domain: 10, level: 2 });
    expect(error.libvirtName).toBe('NO_DOMAIN');
    expect(error.message).toBe('cannot start domain c0ffee: Domain not found');
    expect(error.hint).toContain("virsh -c 'qemu:///system' list --all");
  });

  it('quotes no more than 500 characters', () => {
    const { message } = failed(failure('call', { message: 'x'.repeat(100_000) }));
    expect(message).toBe(`cannot start domain c0ffee: ${'x'.repeat(500)}…`);
  });

  it('says so when the connection broke', () => {
    const broken = failed(failure('call', { domain: 7, errno: constants.errno.EPIPE }));
    expect(broken.hint).toContain('The daemon went away');
    expect(failed(failure('call', { domain: 10, errno: constants.errno.EPIPE })).hint).toBeNull();
  });
});

describe('a connection that fails', () => {
  const { ENOENT, ECONNREFUSED, EACCES } = constants.errno;
  it.each<[string, string, Partial<NativeFailure>, string]>([
    ['no socket', 'qemu:///system', { errno: ENOENT }, 'systemctl start libvirtd'],
    ['nobody listens', 'qemu:///system', { errno: ECONNREFUSED }, 'systemctl start libvirtd'],
    ['permission denied', 'qemu:///system', { errno: EACCES }, 'group libvirt'],
    ['polkit refuses', 'qemu+unix:///system', { code: ERROR_CODES.AUTH_UNAVAILABLE }, 'group libvirt'],
    ['no such scheme', 'quemu:///system', { errno: ENOENT }, 'qemu:///system'],
    ['no URI at all', 'a host', { code: ERROR_CODES.INTERNAL_ERROR }, 'qemu:///system'],
    ['no QEMU driver', 'qemu:///system', { code: ERROR_CODES.NO_CONNECT }, 'libvirt-daemon-system'],
    ['another driver is missing', 'xen:///', { code: ERROR_CODES.NO_CONNECT }, 'without its xen driver'],
  ])('has the hint for: %s', (_, uri, fields, hint) => {
    const error = failed(failure('connect', fields), uri);
    expect(error.message).toBe(`cannot connect to libvirt at ${uri}: no`);
    expect(error.hint).toContain(hint);
  });

  it('tells a missing library apart', () => {
    const error = toError({ kind: 'no-library', message: 'libvirt.so.0: cannot open' }, SUBJECT);
    expect(error).toMatchObject({ code: 'missing-tool', hint: expect.stringContaining('libvirt0') });
  });
});

describe('other failures', () => {
  it('a call without an answer names its deadline', () => {
    const error = timeoutError(SUBJECT, 30_000);
    expect(error.code).toBe('timeout');
    expect(error.message).toContain('cannot start domain c0ffee');
    expect(error.message).toContain('within 30 s');
    expect(hungError(SUBJECT)).toMatchObject({ code: 'timeout', hint: expect.stringContaining('not sent') });
  });

  it('a bug of ours stays one', () => {
    expect(toError({ kind: 'bug', message: 'TypeError: …' }, SUBJECT)).not.toBeInstanceOf(VmnetError);
  });

  it('codes outside the table have a name as well', () => {
    expect(errorCodeName(12345)).toBe('error 12345');
  });
});
