import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Ended, hasControl, vmnet } from './vmnet.js';

const VERBS = [
  'provision',
  'plan',
  'verify',
  'trace',
  'destroy',
  'status',
  'list',
  'init',
  'validate',
  'schema',
  'xml',
].concat(['rehearse', 'sandbox']);

/** A wrong command line: exit 2, nothing on stdout, the complaint and where to look on stderr. */
async function refused(...words: string[]): Promise<Ended> {
  const ended = await vmnet(words);
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toMatch(/^vmnet: /);
  return ended;
}

describe('help', () => {
  it('names every verb and global flag', async () => {
    const { code, stdout, stderr } = await vmnet(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const verb of VERBS) expect(stdout).toMatch(new RegExp(`^  ${verb}\\b`, 'm'));
    for (const flag of ['--json', '--json-file', '--debug', '--connect']) expect(stdout).toContain(flag);
  });

  it('describes every verb and its flags', async () => {
    const helps = await Promise.all(VERBS.map(verb => vmnet([verb, '--help'])));
    for (const [i, help] of helps.entries()) {
      expect(help.code).toBe(0);
      expect(help.stdout).toContain(`Usage: vmnet ${VERBS[i]}`);
    }
    const flags = ['--dry-run', '--network-only', '--no-verify', '--restart', '--yes'];
    for (const flag of flags) expect(helps[0]?.stdout).toContain(flag);
  });

  it('comes on stderr with exit 2 where no verb is given', async () => {
    const { code, stdout, stderr } = await vmnet([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: vmnet');
  });

  it('has the version of package.json', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await vmnet(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe('a wrong command line', () => {
  it('names an unknown command and the one that was meant', async () => {
    const { stderr } = await refused('provison', 'lab.json');
    expect(stderr).toContain("unknown command 'provison'");
    expect(stderr).toContain('Did you mean provision?');
    expect(stderr).toContain('vmnet --help');
  });

  it('names an unknown command of sandbox', async () => {
    expect((await refused('sandbox', 'dwn')).stderr).toMatch(/unknown command 'dwn'[\s\S]*down/);
  });

  it('names an unknown option and the one that was meant, before and after the verb', async () => {
    expect((await refused('--jsn', 'list')).stderr).toMatch(/unknown option '--jsn'[\s\S]*--json/);
    expect((await refused('plan', '--network-onyl', 'x')).stderr).toMatch(
      /--network-onyl'[\s\S]*--network-only/,
    );
  });

  it('names a missing argument, a missing value and what is too much', async () => {
    expect((await refused('validate')).stderr).toContain("missing required argument 'file'");
    expect((await refused('--json-file')).stderr).toContain("'--json-file <file>' argument missing");
    expect((await refused('validate', 'a', 'b')).stderr).toContain('too many arguments');
  });

  it.each([
    ['before', ['--json', 'bogus']],
    ['after', ['bogus', '--json']],
    ['before, missing argument', ['--json', 'validate']],
    ['after, missing argument', ['validate', '--json']],
    ['after, unknown option', ['validate', 'x', '--bogus', '--json']],
  ])('is one JSON document with --json %s the verb', async (_, words) => {
    const { code, json, stderr } = await vmnet(words);
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    expect(json).toMatchObject({ ok: false, lab: null, changed: 0, steps: [], checks: [] });
    expect(json).toHaveProperty('command');
    expect(json.error).toMatchObject({ code: 'usage', hint: expect.stringContaining('--help') });
    expect(json.error.message).toBeTruthy();
  });

  it.each([
    [['\x1b[31mred']],
    [['validate', '--\x1b[31mred']],
    [['--connect', '\x1b[31mred', 'plan', 'x.json']],
    [['sandbox', 'exec', '\x1b[31mred', 'true']],
    [['init', '--template', '\x1b[31mred']],
    [['destroy', '\x1b[31mred']],
    [['--debug', '/nowhere/\x1b[31mred', 'schema']],
  ])('never reaches the terminal raw: %j', async words => {
    const { code, stdout, stderr } = await vmnet(words);
    expect(code).toBe(2);
    expect(hasControl(stdout + stderr)).toBe(false);
  });

  it.each([['abc'], ['0']])('a --timeout of %s is refused', async value => {
    expect((await refused('verify', 'nosuch', `--timeout=${value}`)).stderr).toContain('--timeout');
  });

  it.each([[['verify']], [['verify', 'a-lab', '--domain', 'a-domain']]])(
    'verify takes a lab or a domain, not %j',
    async words => {
      const { stderr } = await refused(...words);
      expect(stderr).toContain('verify takes a lab, by file or name, or --domain NAME');
      expect(stderr).toContain('vmnet list');
    },
  );

  it('a lab that nobody knows', async () => {
    const { stderr } = await refused('verify', 'nosuch');
    expect(stderr).toContain('there is no lab "nosuch"');
  });
});
