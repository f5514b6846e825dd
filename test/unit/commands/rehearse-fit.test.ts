import { expect, test } from 'vitest';
import { requireThrowAway } from '../../../src/commands/rehearse-fit.js';
import { parseLab } from '../../../src/lab/parse.js';

const lab = (devices: string) => {
  const vms = { a: { boot: { domainXml: 'a.xml' }, nics: [{ bridge: 'br0' }] } };
  const file = JSON.stringify({ version: 1, name: 'own', bridges: { br0: {} }, vms });
  const read = () => ({ text: `<domain><devices>${devices}</devices></domain>` });
  const parsed = parseLab(file, '/labs/lab.json', { readFile: read });
  if (parsed.lab === null) throw new Error('no lab');
  return parsed.lab;
};

test('a rehearsal leaves the disks of a domain XML alone', () => {
  const disk = "<disk><source file='/srv/a.qcow2'/></disk>";
  expect(() => requireThrowAway(lab(disk))).toThrow(
    'a rehearsal would start VM a with what "/labs/a.xml" names of this very host: "<disk> /srv/a.qcow2"',
  );
  requireThrowAway(lab(disk.replace('<source', '<transient/><source')));
  requireThrowAway(lab(''));
});
