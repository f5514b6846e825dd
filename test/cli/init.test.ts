import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asNobody, Folder, templateFile, vmnet } from './vmnet.js';

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

const init = (...words: string[]) => vmnet(['init', ...words], { cwd: folder.path });
const text = (name: string) => readFileSync(folder.file(name), 'utf8');

describe('init', () => {
  it('writes lab.json from the template homelab, which is a good lab, and says what is next', async () => {
    const { code, stdout, stderr } = await init();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(text('lab.json')).toBe(readFileSync(templateFile('homelab'), 'utf8'));
    expect(stdout).toContain('lab.json');
    expect(stdout).toContain('vmnet rehearse lab.json');
    expect(stdout).toContain('sudo vmnet provision lab.json');
    expect((await vmnet(['validate', 'lab.json'], { cwd: folder.path })).code).toBe(0);
  });

  it('lists templates with their descriptions; each of them makes a good lab', async () => {
    const { code, stdout } = await init('--list');
    expect(code).toBe(0);
    const names = stdout
      .trim()
      .split('\n')
      .map(line => line.split(' ')[0] ?? '');
    const files = readdirSync(dirname(templateFile('homelab'))).map(file => file.replace('.json', ''));
    expect(names).toEqual(files.sort());
    expect(names).toEqual(expect.arrayContaining(['homelab', 'nat', 'router', 'tenants', 'veth']));
    for (const line of stdout.trim().split('\n')) expect(line).toMatch(/^\S+ +\S.{20,}/);
    for (const name of names) {
      expect((await init('--template', name, `${name}.json`)).code).toBe(0);
      expect((await vmnet(['validate', folder.file(`${name}.json`)])).code).toBe(0);
    }
  });

  it('--json says which file, and lists templates', async () => {
    expect((await init('--json', 'a.json')).json).toMatchObject({
      ok: true,
      command: 'init',
      file: 'a.json',
    });
    const { templates } = (await init('--json', '--list')).json;
    expect(templates[0]).toEqual({ name: 'homelab', description: expect.stringMatching(/\S/) });
  });

  it('--uplink takes the place of eth0', async () => {
    expect((await init('--uplink', 'enp3s0')).code).toBe(0);
    expect(text('lab.json')).toContain('"uplink": "enp3s0"');
    expect(text('lab.json')).not.toContain('"eth0"');
  });

  it.each([['a b'], [''], ['sixteen-bytes-ab'], ['../eth0'], ['\x1b[2J'], ['еth0']])(
    '--uplink %j is no interface name',
    async uplink => {
      const { code, stderr } = await init('--uplink', uplink);
      expect(code).toBe(2);
      expect(stderr).toContain('is no interface name');
      expect(stderr).not.toContain('\x1b');
      expect(() => statSync(folder.file('lab.json'))).toThrow();
    },
  );

  it('does not overwrite, unless by force', async () => {
    folder.file('lab.json', 'mine');
    const { code, stderr } = await init();
    expect(code).toBe(2);
    expect(stderr).toMatch(/lab\.json exists already\n.*--force/);
    expect(text('lab.json')).toBe('mine');
    expect((await init('--force')).code).toBe(0);
    expect(text('lab.json')).not.toBe('mine');
  });

  it('names the templates where there is none of that name', async () => {
    for (const name of ['homelib', '../labs/homelab', '']) {
      const { code, stderr } = await init(`--template=${name}`);
      expect(code).toBe(2);
      expect(stderr).toContain(`there is no template "${name}"`);
      expect(stderr).toContain('homelab');
    }
  });

  it('says that a folder is missing, is not a file, or may not be written', async () => {
    for (const path of ['no/such/lab.json', '.']) {
      const { code, stderr } = await init('--force', path);
      expect(code).toBe(2);
      expect(stderr).toContain('cannot be written');
    }
    mkdirSync(folder.file('root'), { mode: 0o555 });
    const ended = await vmnet(['init', folder.file('root/lab.json')], { through: asNobody });
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(/cannot be written: [\s\S]*you may write/);
  });

  it('quotes a file name that a shell would take apart in the commands that it suggests', async () => {
    const { stdout } = await init('my lab.json');
    expect(stdout).toMatch(/vmnet rehearse (['"]my lab\.json['"]|my\\ lab\.json)/);
  });
});
