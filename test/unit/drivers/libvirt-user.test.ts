import { chownSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeConnection, startHint, userOf } from '../../../src/drivers/libvirt-user.js';

const isRoot = process.getuid?.() === 0;
/** Whose the socket is: an ordinary user's in any case. */
const UID = isRoot ? 12345 : (process.getuid?.() ?? 0);
const ROOT = { uid: 0, sudoUid: undefined };

let folder: string;
let server: Server;
let socket: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vmnet-user-'));
  socket = join(folder, 'sock');
  server = createServer();
  await new Promise<void>(resolve => server.listen(socket, resolve));
  if (isRoot) chownSync(socket, UID, 0);
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

describe('whose libvirt a URI means', () => {
  test.each([
    'qemu:///system',
    'test:///default',
    'qemu+ssh://host/session',
    'qemu:///system?socket=/s',
    'qemu:///sessions',
    'qemu:///Session',
    '',
  ])('%s: that of the host, or of another host', uri => expect(userOf(uri, ROOT)).toBeNull());

  test('the socket tells, by its owner', () => {
    for (const start of ['qemu:///session', 'qemu+unix:///session']) {
      const uri = `${start}?socket=${socket}`;
      expect(userOf(uri, ROOT)).toEqual({ uri, uid: UID });
    }
  });

  test('else whoever called sudo, by the usual socket', () => {
    expect(userOf('qemu:///session', { uid: 0, sudoUid: '4000000' })).toEqual({
      uri: 'qemu+unix:///session?socket=/run/user/4000000/libvirt/libvirt-sock',
      uid: 4000000,
    });
  });

  test('an ordinary user has a libvirt that libvirt itself finds', () => {
    expect(userOf('qemu:///session', { uid: 1000, sudoUid: undefined })).toEqual({
      uri: 'qemu:///session',
      uid: 1000,
    });
  });

  test.each([
    ['root without sudo', 'qemu:///session', undefined, 'usage', 'is the libvirt of an ordinary user'],
    ['root by sudo', 'qemu:///session', '0', 'usage', 'is the libvirt of an ordinary user'],
    ['no number', 'qemu:///session', '1000/../0', 'usage', 'is the libvirt of an ordinary user'],
    ['no absolute path', 'qemu:///session?socket=sock', undefined, 'usage', 'is no absolute path'],
    ['no socket there', 'qemu:///session?socket=/nowhere/s', undefined, 'libvirt', 'there is no libvirt at'],
  ])('%s is refused', (_, uri, sudoUid, code, words) => {
    const call = () => userOf(uri, { uid: 0, sudoUid });
    expect(call).toThrowError(expect.objectContaining({ code, message: expect.stringContaining(words) }));
    expect(call).toThrowError(expect.objectContaining({ hint: expect.stringMatching(/\w/) }));
  });

  test('what is a file, or a link to another’s socket, is no socket', () => {
    writeFileSync(join(folder, 'file'), '');
    symlinkSync(socket, join(folder, 'link'));
    for (const name of ['file', 'link'])
      expect(() => userOf(`qemu:///session?socket=${join(folder, name)}`, ROOT)).toThrowError(/is no socket/);
  });
});

describe('the connection', () => {
  const ann = { uri: 'qemu+unix:///session?socket=/run/user/1000/libvirt/libvirt-sock', uid: 1000 };

  test('follows a lab, unless another was named on the command line', () => {
    const free = makeConnection(undefined, undefined, ROOT);
    expect(free.uri).toBe('qemu:///system');
    free.follow(ann);
    expect([free.uri, free.user()]).toEqual([ann.uri, ann]);
    free.follow(null);
    expect([free.uri, free.user()]).toEqual(['qemu:///system', null]);
    const named = makeConnection('qemu:///system', undefined, ROOT);
    named.follow(ann);
    expect(named.user()).toBeNull();
  });

  test('goes by what the environment says only where a lab has no word in it', () => {
    const connection = makeConnection(undefined, 'test:///default', ROOT);
    expect(connection.uri).toBe('test:///default');
    connection.follow(ann);
    expect(connection.uri).toBe(ann.uri);
  });

  test('of the same name as the lab’s needs no look at its socket', () => {
    const connection = makeConnection(ann.uri, undefined, ROOT);
    connection.follow(ann);
    expect(connection.user()).toEqual(ann);
  });

  test('is not made to a socket of somebody else, or to none', () => {
    const connection = makeConnection(undefined, undefined, ROOT);
    connection.follow({ uri: `qemu+unix:///session?socket=${socket}`, uid: UID + 1 });
    expect(() => connection.check()).toThrowError(`belongs to uid ${UID}, not to uid ${UID + 1}`);
    connection.follow({ uri: `qemu+unix:///session?socket=${socket}`, uid: UID });
    connection.check();
    connection.follow(ann);
    const error = { code: 'libvirt', hint: expect.stringContaining("sudo -u '#1000'") };
    expect(() => connection.check()).toThrowError(expect.objectContaining(error));
  });

  test('whose cannot be told has the URI that was asked for, and fails when it is used', () => {
    const connection = makeConnection('qemu:///session', undefined, ROOT);
    expect(connection.uri).toBe('qemu:///session');
    expect(() => connection.check()).toThrowError(/root has none/);
  });
});

test('the hint names the user where that is known', () => {
  expect(startHint(1000)).toContain('XDG_RUNTIME_DIR=/run/user/1000 virsh');
  expect(startHint(null)).toContain('as that user');
});
