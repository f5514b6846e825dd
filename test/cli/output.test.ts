import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/main.js';
import { CLI, Folder, plainLab, sh, vmnet } from './vmnet.js';

let folder: Folder;
let good: string;
beforeEach(() => {
  folder = new Folder();
  good = folder.file('good.json', plainLab());
});
afterEach(() => folder.remove());

const MEMBERS = ['ok', 'command', 'lab', 'changed', 'steps', 'checks', 'error'];
const read = (name: string) => JSON.parse(readFileSync(folder.file(name), 'utf8'));

describe('--json', () => {
  it.each([
    ['before the verb', ['--json', 'validate']],
    ['after the verb', ['validate', '--json']],
  ])('%s: one document and nothing else', async (_, words) => {
    const { code, json, stderr } = await vmnet([...words, good]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(json).toEqual({
      ok: true,
      command: 'validate',
      lab: 'plain',
      changed: 0,
      steps: [],
      checks: [],
      error: null,
    });
  });

  it('has the same members whatever goes wrong', async () => {
    const wrong = [
      ['validate', 'nosuch.json'],
      ['bogus'],
      ['verify', 'nosuch'],
      ['init', good],
      ['xml', good, 'web'],
    ];
    const ends = await Promise.all(wrong.map(words => vmnet(['--json', ...words])));
    for (const { code, json } of ends) {
      expect(code).toBe(2);
      expect(Object.keys(json)).toEqual(expect.arrayContaining(MEMBERS));
      expect(json.error).toMatchObject({ code: expect.any(String), message: expect.stringMatching(/\S/) });
      expect(json.error.hint).toMatch(/\S/);
    }
  });
});

describe('--json-file', () => {
  it('gets the document, and people still get their text', async () => {
    const { code, stdout } = await vmnet(['--json-file', folder.file('out.json'), 'validate', good]);
    expect(code).toBe(0);
    expect(stdout).toContain('is a good lab');
    expect(read('out.json')).toMatchObject({ ok: true, command: 'validate', lab: 'plain' });
  });

  it('gets the document of a failure and of a wrong command line too', async () => {
    const flags = ['--json-file', folder.file('out.json')];
    expect((await vmnet([...flags, 'validate', 'nosuch'])).code).toBe(2);
    expect(read('out.json')).toMatchObject({ ok: false, error: { code: 'bad-lab' } });
    expect((await vmnet([...flags, 'bogus'])).code).toBe(2);
    expect(read('out.json')).toMatchObject({ ok: false, error: { code: 'usage' } });
  });

  it('that cannot be written is a wrong command line, told before anything is done', async () => {
    const file = folder.file('new.json');
    const { code, stderr } = await vmnet(['--json-file', '/nowhere/out.json', 'init', file]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^vmnet: --json-file: "\/nowhere\/out\.json" cannot be written/);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(existsSync(file)).toBe(false);
  });
});

describe('--debug', () => {
  const observing = (file: string) =>
    vmnet(['--debug', file, 'plan', '--network-only', good], {
      env: { VMNET_STATE_DIR: folder.file('state') },
    });

  it('holds every command, its input, its output and its time, for the owner only', async () => {
    const file = folder.file('debug.log');
    expect((await observing(file)).code).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const log = readFileSync(file, 'utf8');
    expect(log).toMatch(/^# \d{4}-\d\d-\d\dT[\d:.]+Z [\d.]+ ms$/m);
    expect(log).toMatch(/^ip -j .*-batch -$/m);
    expect(log).toMatch(/^ {4}address show$/m);
    expect(log).toMatch(/^ {4}exit 0$/m);
    expect(log).toContain('"ifname":"lo"');
  });

  it('makes a file that is there already private, too, and begins anew', async () => {
    const file = folder.file('debug.log', 'old');
    chmodSync(file, 0o644);
    expect((await observing(file)).code).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).not.toMatch(/^old/);
  });

  it('that cannot be written is a wrong command line', async () => {
    const { code, stderr } = await vmnet(['--debug', '/nowhere/debug.log', 'schema']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^vmnet: --debug: \/nowhere\/debug\.log cannot be written[\s\S]*folder/);
  });
});

describe('a reader that goes away', () => {
  const cli = `"${process.execPath}" "${CLI}"`;

  it.each(['schema', '--help', 'init --list', '--json schema'])('of %s gets no stack', async words => {
    const { code, stdout, stderr } = await sh(`${cli} ${words} | head -c 10`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toHaveLength(10);
  });

  it('before the first word is no crash', async () => {
    const { code, stderr } = await goneBefore(['schema']);
    expect(stderr).not.toMatch(/EPIPE|^ +at /m);
    expect(code).not.toBe(1);
  });

  it('of the complaint is no crash, and the exit code tells', async () => {
    const { stdout, code } = await sh(
      `{ ${cli} validate nosuch 2>&1 >/dev/null; echo $? >&3; } 3>&1 | head -c 5`,
    );
    expect({ stdout, code }).toEqual({ stdout: 'vmnet', code: 0 });
    const { stdout: exit } = await sh(`${cli} validate nosuch 2>&-; echo $?`);
    expect(exit).toBe('2\n');
  });

  it('a full disk on stdout is told without a stack', async () => {
    const { code, stderr } = await sh(`${cli} schema > /dev/full`);
    expect(code).not.toBe(0);
    expect(stderr).not.toMatch(/^ +at /m);
  });
});

/** Run vmnet with a stdout whose other end is closed already. */
function goneBefore(words: readonly string[]): Promise<{ code: number | null; stderr: string }> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [CLI, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', chunk => {
      stderr += chunk;
    });
    child.once('close', code => resolve({ code, stderr }));
  });
}

describe('the exit code', () => {
  it('of a bug is 70, with the stack for the report', async () => {
    const flags = { quiet: true, jsonFile: folder.file('out.json') };
    const code = await runCommand('plan', flags, () => Promise.reject(new TypeError('x is undefined')));
    expect(code).toBe(70);
    const { error } = read('out.json');
    expect(error).toMatchObject({ code: 'bug', message: 'x is undefined' });
    expect(error.stack).toContain('TypeError');
    expect(error.hint).toContain('report');
  });

  it('of a state folder that is or lies in a file is 1, and the message says what to move', async () => {
    for (const state of [good, `${good}/state`]) {
      const { code, stderr } = await vmnet(['list'], { env: { VMNET_STATE_DIR: state } });
      expect(code).toBe(1);
      expect(stderr).toContain('VMNET_STATE_DIR');
    }
  });

  it('of a damaged record is 1, and the message names the file', async () => {
    for (const text of ['{', '[]', '{"name":"plain"}']) {
      mkdirSync(folder.file('state/labs/plain'), { recursive: true });
      const record = folder.file('state/labs/plain/record.json', text);
      const { code, stderr } = await vmnet(['list'], { env: { VMNET_STATE_DIR: folder.file('state') } });
      expect({ text, code }).toEqual({ text, code: 1 });
      expect(stderr).toContain(record);
    }
  });
});
