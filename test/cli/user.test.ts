import { chmodSync, mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asNobody, Folder, plainLab, vmnet } from './vmnet.js';

// What an ordinary user can do: everything that only reads. Root steps down for it, others are one already.

let folder: Folder;
let file: string;
beforeEach(() => {
  folder = new Folder();
  file = folder.file('lab.json', plainLab());
});
afterEach(() => folder.remove());

const asUser = (words: string[], env: Record<string, string> = {}) =>
  vmnet(words, {
    through: asNobody,
    cwd: folder.path,
    env: { VMNET_STATE_DIR: folder.file('state'), ...env },
  });

describe('an ordinary user', () => {
  it('is told that provision and destroy need root, and nothing is made', async () => {
    for (const words of [
      ['provision', '--network-only', file],
      ['destroy', 'plain'],
    ]) {
      const { code, stdout, stderr } = await asUser(words);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(
        new RegExp(`^vmnet: vmnet ${words[0]} .*needs root\\n {2}sudo vmnet ${words[0]}`),
      );
    }
    const { code, json } = await asUser(['--json', 'provision', '--network-only', file]);
    expect(code).toBe(1);
    expect(json).toMatchObject({
      ok: false,
      command: 'provision',
      changed: 0,
      error: { code: 'permission' },
    });
  });

  it('is told of a bad lab before that', async () => {
    expect((await asUser(['provision', folder.file('bad.json', '{}')])).code).toBe(2);
  });

  it('can plan, validate, write a lab, print the schema, and list', async () => {
    chmodSync(folder.path, 0o777);
    const plan = await asUser(['plan', '--network-only', file]);
    expect(plan).toMatchObject({ code: 0, stderr: '' });
    expect(plan.stdout).toContain('create bridge brt0');
    for (const words of [['validate', file], ['init', 'mine.json'], ['schema'], ['list'], ['status']])
      expect(await asUser(words)).toMatchObject({ code: 0, stderr: '' });
    expect((await asUser(['provision', '--dry-run', '--network-only', file])).stdout).toBe(plan.stdout);
  });

  it('is told where the state folder is for root only', async () => {
    mkdirSync(folder.file('state/labs'), { recursive: true });
    chmodSync(folder.file('state'), process.getuid?.() === 0 ? 0o700 : 0);
    const { code, stderr } = await asUser(['list']);
    chmodSync(folder.file('state'), 0o700);
    expect(code).toBe(1);
    expect(stderr).toMatch(/state in .*state.* cannot be used[\s\S]*VMNET_STATE_DIR/);
  });

  it('is told that no sandbox can be made', async () => {
    const { code, stderr } = await asUser(['sandbox', 'up', `nobody-${process.pid}`]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/root/);
  });
});

describe("libvirt's socket", () => {
  let server: Server;
  const uri = () => `qemu+unix:///system?socket=${folder.file('sock')}`;
  beforeEach(async () => {
    // Without VMs libvirt would not be asked.
    const vms = { a: { boot: 'probe', nics: [{ bridge: 'brt0' }] } };
    file = folder.file('lab.json', plainLab({}, { vms }));
    server = createServer(socket => socket.destroy());
    await new Promise<void>(resolve => server.listen(folder.file('sock'), resolve));
  });
  afterEach(() => new Promise(resolve => server.close(resolve)));

  it('that is denied: exit 1, and who may', async () => {
    chmodSync(folder.file('sock'), 0);
    const { code, json } = await asUser(['--json', '--connect', uri(), 'plan', file]);
    expect(code).toBe(1);
    expect(json.error).toMatchObject({
      code: 'libvirt',
      message: expect.stringContaining('Permission denied'),
    });
    expect(json.error.message).toContain(uri());
    expect(json.error.hint).toContain('group libvirt');
  });

  it('that hangs up at once: exit 1, and what to look at', async () => {
    chmodSync(folder.file('sock'), 0o777);
    const { code, json } = await asUser(['--json', '--connect', uri(), 'plan', file]);
    expect(code).toBe(1);
    expect(json.error.code).toBe('libvirt');
    expect(json.error.hint ?? '').toMatch(/\S/);
  });

  it('that is not there, by --connect and by LIBVIRT_DEFAULT_URI', async () => {
    const nowhere = 'qemu+unix:///system?socket=/nowhere/sock';
    const ends = [
      await asUser(['--json', '--connect', nowhere, 'plan', file]),
      await asUser(['--json', 'plan', file], { LIBVIRT_DEFAULT_URI: nowhere }),
    ];
    for (const { code, json } of ends) {
      expect(code).toBe(1);
      expect(json.error.message).toContain(nowhere);
      expect(json.error.hint).toContain('systemctl start libvirtd');
    }
  });

  it('of a driver that does not exist', async () => {
    const { code, stderr } = await asUser(['--connect', 'qemo:///system', 'plan', file]);
    expect(code).toBe(1);
    expect(stderr).toContain('qemu:///system');
  });
});
