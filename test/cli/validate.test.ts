import { chmodSync, symlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asNobody, Folder, hasControl, plainLab, templateFile, vmnet } from './vmnet.js';

let folder: Folder;
beforeAll(() => {
  folder = new Folder();
});
afterAll(() => folder.remove());

/** A bad lab: exit 2, nothing on stdout, no control characters. */
async function refused(path: string): Promise<string> {
  const { code, stdout, stderr } = await vmnet(['validate', path]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^vmnet: the lab file /);
  expect(hasControl(stderr)).toBe(false);
  return stderr;
}

/** The same with what programs read. */
async function refusedTwice(path: string) {
  const [stderr, program] = await Promise.all([refused(path), vmnet(['--json', 'validate', path])]);
  expect(program).toMatchObject({ code: 2, stderr: '' });
  const { error } = program.json;
  expect(program.json).toMatchObject({ ok: false, command: 'validate', changed: 0, steps: [], checks: [] });
  expect(error.code).toBe('bad-lab');
  expect(stderr).toContain(`vmnet: ${error.message}`);
  return { stderr, problems: error.problems as Problem[] };
}

interface Problem {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly fix: string;
}

const vm = (nic: object = {}, more: object = {}) => ({
  vms: { a: { boot: 'probe', nics: [{ bridge: 'brt0', ...nic }], ...more } },
});

describe('a good lab', () => {
  it.each(['homelab', 'isolated', 'macvtap', 'quickstart'])('the template %s', async name => {
    const { code, stdout, stderr } = await vmnet(['validate', templateFile(name)]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`is a good lab: ${name}`);
  });

  it('as JSON', async () => {
    const { json } = await vmnet(['validate', '--json', templateFile('homelab')]);
    expect(json).toMatchObject({ ok: true, command: 'validate', lab: 'homelab', changed: 0, error: null });
  });

  it('from a path with odd characters, through a link, and relative to the folder', async () => {
    const odd = folder.file("it's odd;$(true) é.json", plainLab());
    symlinkSync(odd, folder.file('link.json'));
    const place = { cwd: folder.path };
    for (const path of [odd, 'link.json', './link.json'])
      expect((await vmnet(['validate', path], place)).code).toBe(0);
  });

  it('written by an old editor: a byte order mark, CR LF', async () => {
    const text = `\ufeff${JSON.stringify(plainLab(), null, 1).replaceAll('\n', '\r\n')}`;
    expect((await vmnet(['validate', folder.file('bom.json', text)])).code).toBe(0);
  });
});

describe('a lab with a group and a count', () => {
  const farm = {
    ...plainLab(),
    groups: { workers: { boot: 'probe', vcpus: 2 } },
    vms: { 'w-{index}': { group: 'workers', count: 2, nics: [{ bridge: 'brt0', tap: 'w{index}' }] } },
  };

  it('is printed resolved, as a lab that is printed the same', async () => {
    const first = await vmnet(['validate', '--resolved', folder.file('farm.json', farm)]);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(Object.keys(first.json.vms)).toEqual(['w-1', 'w-2']);
    const path = folder.file('resolved.json', first.stdout);
    expect((await vmnet(['validate', '--resolved', path])).stdout).toBe(first.stdout);
    const { json } = await vmnet(['validate', '--json', '--resolved', path]);
    expect(json).toMatchObject({ ok: true, command: 'validate', resolved: first.json });
  });

  it('has its problems told where they are written, once', async () => {
    const wrong = { ...farm, groups: { worker: { memory: 1 } } };
    const { problems } = await refusedTwice(folder.file('wrong.json', wrong));
    expect(problems.map(({ path }) => path)).toEqual(['/groups/worker/memory', '/vms/w-{index}/group']);
    expect(problems[1]?.fix).toBe('did you mean "worker"?');
  });
});

describe('no lab at all', () => {
  it.each([
    ['no file', () => folder.file('nosuch.json'), /does not exist[\s\S]*vmnet init/],
    ['no folder', () => folder.file('no/such.json'), /does not exist/],
    ['a folder', () => folder.path, /is a folder/],
    ['an empty path', () => '', /does not exist/],
    ['an empty file', () => folder.file('empty.json', ''), /1:1 the file is empty/],
    ['only comments', () => folder.file('comments.json', '// nothing\n'), /empty/],
    ['no JSON', () => folder.file('shell.json', '{\n  name = homelab\n}'), /2:3 not JSON/],
    ['half a JSON', () => folder.file('half.json', '{\n"version": 1,\n"name": "x"'), /3:\d+ not JSON/],
    ['10 MB', () => folder.file('big.json', ' '.repeat(10_000_000)), /larger than 1 MiB/],
    ['deep nesting', () => folder.file('deep.json', '[{"a":'.repeat(100_000)), /nested more than/],
    ['UTF-16', () => folder.file('utf16.json', Buffer.from('\ufeff{}', 'utf16le')), /UTF-16/],
    [
      'binary',
      () => folder.file('bin.json', Buffer.from([0x7b, 0xff, 0x00, 0x1b])),
      /1:2 this byte is not UTF-8/,
    ],
    ['a device without end', () => '/dev/zero', /larger than 1 MiB/],
    ['a number', () => folder.file('number.json', '1e400'), /an object/],
    ['null', () => folder.file('null.json', 'null'), /an object/],
    ['NaN', () => folder.file('nan.json', '{ "version": NaN }'), /1:14 not JSON/],
    ['a path with an escape sequence', () => folder.file('a\x1b[31m\nb.json'), /does not exist/],
  ])('%s', async (_, path, said) => {
    expect(await refused(path())).toMatch(said);
  });

  it('a file that may not be read', async () => {
    const path = folder.file('secret.json', plainLab());
    chmodSync(path, 0);
    const { code, stderr } = await vmnet(['validate', path], { through: asNobody });
    expect(code).toBe(2);
    expect(stderr).toContain('cannot be read by this user');
  });
});

describe('a bad lab', () => {
  it('has all its problems told at once, in order, each with path, line:column and fix', async () => {
    const text = `{
  "version": "1",
  "name": "my lab",
  "bridgs": {},
  "bridges": { "br0": { "uplink": "eth0", "mtu": 12 } },
  "vms": {
    "web": { "boot": "prob", "nics": [{ "bridge": "br1", "mac": "01:00:5e:00:00:01" }] },
    "db": { "boot": "probe", "memory": "lots", "nics": [{ "bridge": "br0", "tap": "vnet0" }] }
  }
}`;
    const { stderr, problems } = await refusedTwice(folder.file('many.json', text));
    expect(problems.map(({ path, line, column }) => [path, line, column])).toEqual([
      ['/version', 2, 14],
      ['/name', 3, 11],
      ['/bridgs', 4, 3],
      ['/bridges/br0/mtu', 5, 50],
      ['/vms/web/boot', 7, 22],
      ['/vms/web/nics/0/bridge', 7, 51],
      ['/vms/web/nics/0/mac', 7, 65],
      ['/vms/db/memory', 8, 40],
      ['/vms/db/nics/0/tap', 8, 83],
    ]);
    for (const { line, column, message, fix } of problems) {
      expect(fix).not.toBe('');
      expect(stderr).toContain(`  ${line}:${column} `);
      expect(stderr).toContain(`${message}; ${fix}\n`);
    }
    expect(stderr).toContain('did you mean "bridges"?');
    expect(stderr).toContain('did you mean "probe"?');
  });

  it.each([
    ['a space', 'my lab', /space/],
    ['a newline', 'a\nb', /line break/],
    ['a semicolon', 'a;reboot', /;/],
    ['the parent folder', '../x', /\./],
    ['a slash', 'a/b', /\//],
    ['a look-alike', 'hоmelab', /U\+043E, which only looks like "o"/],
    ['a full-width letter', 'ａ', /U\+FF41/],
    ['an escape sequence', '\x1b[2J\x07', /U\+001B/],
    ['a C1 control character', '\x9b31m', /U\+009B/],
    ['a bidi override', 'a\u202eb', /U\+202E/],
    ['33 characters', 'a'.repeat(33), /32/],
    ['nothing', '', /name/],
  ])('a lab name with %s', async (_, name, said) => {
    const stderr = await refused(folder.file('name.json', plainLab({}, { name })));
    expect(stderr).toMatch(/has a problem\n {2}1:\d+ name: /);
    expect(stderr).toMatch(said);
  });

  it.each([
    ['bridge name of 16 bytes', { ...plainLab(), bridges: { abcdefghijklmnop: {} } }, /16 bytes/],
    [
      'bridge name of 15 characters in 16 bytes',
      { ...plainLab(), bridges: { abcdefghijklmné: {} } },
      /bridge name/,
    ],
    ['uplink of 16 bytes', plainLab({ uplink: 'abcdefghijklmnop' }), /16 bytes/],
    ['tap of 16 bytes', plainLab({}, vm({ tap: 'abcdefghijklmnop' })), /16 bytes/],
    ['tap with a slash', plainLab({}, vm({ tap: '../../etc' })), /tap name/],
    ['VM name with a newline', plainLab({}, { vms: { 'a\nb': vm().vms.a } }), /line break/],
    ['VM name with an escape sequence', plainLab({}, { vms: { '\x1b[31mred': vm().vms.a } }), /U\+001B/],
    ['unknown key with an escape sequence', plainLab({}, { '\x1b]0;title\x07': 1 }), /unknown key/],
    ['list for an object', { ...plainLab(), bridges: [] }, /bridges/],
    ['text for a number', plainLab({ mtu: '1500' }), /whole number from 68/],
    ['number beyond all bounds', '{"version":1,"name":"x","bridges":{"b":{"mtu":1e400}}}', /too large/],
    ['fraction', plainLab({}, vm({}, { vcpus: 1.5 })), /whole number/],
    ['negative memory', plainLab({}, vm({}, { memory: -5 })), /memory/],
    ['null', plainLab({}, vm({ mac: null })), /mac/],
    ['uplink lo', plainLab({ uplink: 'lo' }), /loopback/],
    [
      'image that is not there',
      plainLab({}, vm({}, { boot: { image: 'no.qcow2' } })),
      /no\.qcow2" does not exist/,
    ],
    ['image that is a folder', plainLab({}, vm({}, { boot: { image: '.' } })), /is a folder/],
    ['duplicate key', '{"version":1,"name":"x","bridges":{"b":{},"b":{}}}', /b/],
    ['prototype', '{"version":1,"name":"x","bridges":{"b":{}},"__proto__":{"x":1}}', /__proto__/],
  ])('%s', async (_, lab, said) => {
    expect(await refused(folder.file('bad.json', lab))).toMatch(said);
  });

  it('is refused alike by every verb that reads labs, before anything is done', async () => {
    const path = folder.file('verbs.json', plainLab({}, { name: 'a b' }));
    const verbs = ['provision', 'plan', 'verify', 'destroy', 'status', 'xml', 'rehearse'];
    const ends = await Promise.all(verbs.map(verb => vmnet(['--json', verb, path])));
    for (const [i, { code, json }] of ends.entries()) {
      const verb = verbs[i];
      expect({ verb, code }).toEqual({ verb, code: 2 });
      expect(json).toMatchObject({ ok: false, command: verb, changed: 0, error: { code: 'bad-lab' } });
    }
  });

  it('with hundreds of problems is cut for people, not for programs', async () => {
    const bridges = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`b ${i}`, {}]));
    const { stderr, problems } = await refusedTwice(folder.file('wild.json', { ...plainLab(), bridges }));
    expect(problems.length).toBeGreaterThanOrEqual(300);
    expect(stderr.split('\n').length).toBeLessThan(60);
    expect(stderr).toMatch(/and \d+ more/);
  });
});
