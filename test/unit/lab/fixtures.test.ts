import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseLab } from '../../../src/lab/parse.js';
import { problemLine } from '../../../src/lab/problem.js';

const FOLDER = new URL('../../fixtures/lab/', import.meta.url);
const CASES = readdirSync(FOLDER);

/** Files named `missing…` are not there; everything else is. */
const checkFile = (path: string) => (basename(path).startsWith('missing') ? 'does not exist' : null);

const read = (name: string, file: string) => readFileSync(new URL(`${name}/${file}`, FOLDER), 'utf8');

/** Domain XML is looked at where the case has it, in /labs; of other files nothing is looked at. */
function readFile(name: string) {
  return (path: string) => {
    const file = new URL(`${name}/${basename(path)}`, FOLDER);
    return path.startsWith('/labs/') && existsSync(file) ? { text: readFileSync(file, 'utf8') } : null;
  };
}

/** What expected.json holds: the lab, or one line for each problem. */
function outcome(name: string): unknown {
  const look = { checkFile, readFile: readFile(name) };
  const { lab, problems } = parseLab(read(name, 'lab.json'), '/labs/lab.json', look);
  return lab === null ? { problems: problems.map(problemLine) } : { lab };
}

describe('lab files', () => {
  test('there are cases', () => expect(CASES.length).toBeGreaterThan(40));

  test.each(CASES)('%s', name => {
    const files = readdirSync(new URL(`${name}/`, FOLDER)).filter(file => !file.endsWith('.xml'));
    expect(files.sort()).toEqual(['expected.json', 'lab.json']);
    expect(outcome(name)).toEqual(JSON.parse(read(name, 'expected.json')));
  });
});
