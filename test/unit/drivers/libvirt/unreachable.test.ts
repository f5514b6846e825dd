import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Hypervisor } from '#libvirt';

const root = new URL('../../../..', import.meta.url).pathname;

describe('no daemon', () => {
  it('says that the socket is missing, and how to start the daemon', async () => {
    const uri = 'qemu+unix:///system?socket=/nonexistent/libvirt-sock';
    await expect(Hypervisor.open(uri)).rejects.toMatchObject({
      code: 'libvirt',
      libvirtName: 'SYSTEM_ERROR',
      message: expect.stringContaining("'/nonexistent/libvirt-sock'"),
      hint: expect.stringContaining('systemctl start libvirtd'),
    });
  });

  it('points at a scheme that libvirt does not know', async () => {
    await expect(Hypervisor.open('quemu:///system')).rejects.toMatchObject({
      code: 'libvirt',
      message: expect.stringContaining('quemu:///system'),
      hint: expect.stringContaining('qemu:///system'),
    });
  });
});

describe('a daemon that hangs', () => {
  let folder: string;
  let uri: string;
  let server: Server;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hung-libvirt-'));
    uri = `qemu+unix:///system?socket=${folder}/sock`;
    // It accepts, and never says a word.
    server = createServer(socket => sockets.push(socket.on('error', () => {})));
    await new Promise<void>(resolve => server.listen(`${folder}/sock`, resolve));
  });

  afterEach(() => {
    // Also what ends the calls that the workers are still in.
    for (const socket of sockets.splice(0)) socket.destroy();
    server.close();
    rmSync(folder, { recursive: true });
  });

  it('ends in a clear error at the deadline', async () => {
    const begun = performance.now();
    await expect(Hypervisor.open(uri, { deadlineMs: 300 })).rejects.toMatchObject({
      code: 'timeout',
      message: expect.stringContaining('within 0.3 s'),
    });
    expect(performance.now() - begun).toBeLessThan(2000);
  });

  it.each([
    ['process.exit(7)', 7],
    ['process.exitCode = 9', 9],
  ])('does not hold up the exit of the program: %s', async (leave, exitCode) => {
    const program = `
      import { Hypervisor } from '#libvirt';
      await Hypervisor.open(process.argv[1], { deadlineMs: 300 }).catch(error => console.log(error.code));
      ${leave};`;
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, uri], {
      cwd: root,
      timeout: 4000,
    });
    await expect(run).rejects.toMatchObject({ code: exitCode, stdout: 'timeout\n' });
  });
});
